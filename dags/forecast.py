"""Forecast with the champion from the newest hours, after each ingest.

Runs for each task of a station whose ingest stored something new, and by hand through the form. The forecast lies under
`forecasts/{station}/{task}/`, a Parquet file each, and in `latest.json`; where none can be made, the reason stands there.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, get_current_context, task

from tsflow.requests import ForecastRequest
from tsflow.settings import settings
from wiring import OBSERVATIONS, RETRIES, asked, of_partition, params_of, records


@dag(
    schedule=PartitionedAssetTimetable(assets=OBSERVATIONS),
    catchup=False,
    max_active_runs=4,
    default_args={**RETRIES, "execution_timeout": timedelta(minutes=30)},
    tags=["tsflow"],
    doc_md=__doc__,
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

        from tsflow import steps

        get_current_context()["label"] = " ".join(what)
        latest = steps.make_forecast(records(), settings(), *what)
        if latest.status == "none":
            raise AirflowSkipException(f"{latest.problem}: {latest.reason}")
        return latest.model_dump(mode="json")

    make.expand(what=stations())


forecast()
