"""Train as of past days, each with the data that was known then, and rank: what the board would have said on that day."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, task

from entrants import ranked
from forms import asked, params_of
from past import midnight
from tsflow.requests import RetrainRequest
from tsflow.settings import settings
from wiring import TASKS, cron, key_of, records


@dag(
    schedule=cron("0 0 * * *"),
    catchup=False,
    max_active_runs=1,
    default_args={**TASKS, "execution_timeout": timedelta(hours=6)},
    tags=["tsflow"],
    doc_md=str(Path(__file__).with_suffix(".md")),
    params=params_of(RetrainRequest),
)
def replay() -> None:
    """Wire the steps."""

    @task
    def build_dataset(params: dict[str, Any], run_id: str, dag_run: Any) -> list[str]:
        from airflow.sdk.exceptions import AirflowSkipException

        from tsflow import steps

        if dag_run.run_type == "scheduled":
            raise AirflowSkipException("a day is replayed by Backfill or by the form, not by the schedule")
        request = asked(RetrainRequest, params)
        request = request.changed(**midnight(dag_run))
        run = steps.build_dataset(records(), settings(), request, key_of(run_id))
        return steps.singles_of(run)

    @task(trigger_rule="none_failed_min_one_success")
    def result(board: dict[str, str]) -> dict[str, str]:
        """Say where the board lies; does not run where there is none, so that the run fails too."""
        return board

    built = build_dataset()
    built >> result(ranked(built))


replay()
