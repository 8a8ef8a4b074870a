"""Train every architecture in parallel, rank all, and let the gate decide which model becomes the champion."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task

from entrants import ranked
from forms import asked, params_of
from partitions import of_daily
from promotion import promote
from tsflow.requests import RetrainRequest
from tsflow.settings import settings
from wiring import RETRAINING, TASKS, key_of, records


@dag(
    schedule=PartitionedAssetTimetable(assets=RETRAINING),
    catchup=False,
    max_active_runs=16,  # of which many may wait for a person's answer; trainings have a pool
    default_args={**TASKS, "execution_timeout": timedelta(hours=6)},
    tags=["tsflow"],
    doc_md=str(Path(__file__).with_suffix(".md")),
    params=params_of(RetrainRequest),
)
def retrain() -> None:
    """Wire the steps; references to the object store go by XCom, data does not."""

    @task
    def build_dataset(params: dict[str, Any], run_id: str, dag_run: Any) -> list[str]:
        from tsflow import steps

        request = asked(RetrainRequest, params, **of_daily(dag_run.partition_key))
        run = steps.build_dataset(records(), settings(), request, key_of(run_id))
        return steps.singles_of(run)

    built = build_dataset()
    board = ranked(built)
    published = promote(board)
    built >> published  # if that fails, the tasks between are skipped, and the run must not end as a success


retrain()
