"""Forecast with the champion from the newest hours, after each ingest."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, get_current_context, task

from forms import asked, params_of
from partitions import of_partition
from run_notes import leave
from tsflow.requests import ForecastRequest
from tsflow.settings import settings
from wiring import OBSERVATIONS, TASKS, records


@dag(
    schedule=PartitionedAssetTimetable(assets=OBSERVATIONS),
    catchup=False,
    max_active_runs=4,
    default_args={**TASKS, "execution_timeout": timedelta(minutes=30)},
    tags=["tsflow"],
    doc_md=str(Path(__file__).with_suffix(".md")),
    params=params_of(ForecastRequest),
)
def forecast() -> None:
    """Wire the steps."""

    @task
    def stations(params: dict[str, Any], dag_run: Any) -> list[list[str]]:
        from tsflow.requests import watched

        request = asked(ForecastRequest, params, **of_partition(dag_run.partition_key))
        return [list(pair) for pair in watched(request, settings())]

    @task(map_index_template="{{ label }}")
    def make(what: list[str]) -> dict[str, Any]:
        from airflow.sdk.exceptions import AirflowSkipException

        from tsflow import notes, steps

        get_current_context()["label"] = " ".join(what)
        latest = steps.make_forecast(records(), settings(), *what)
        leave(lambda: notes.forecast(latest))
        if latest.status == "none":
            raise AirflowSkipException(f"{latest.problem}: {latest.reason}")
        return latest.model_dump(mode="json")

    make.expand(what=stations())


forecast()
