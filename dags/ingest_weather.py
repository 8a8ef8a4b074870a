"""Bring every station's observations up to now into the store.

Fetch and parse, validate with Great Expectations, upsert. A batch that fails its expectations goes to
quarantine with the reason, and the store stays as it was. Runs every hour; a station file may ask for fewer by
`ingest_hours`. When something new was stored, the asset `observations` gets a partition for each task of the station, and
`forecast` runs for it. A run of Airflow's Backfill ingests up to its own date.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task, task_group

from past import as_of
from tsflow.requests import IngestRequest
from tsflow.settings import settings
from wiring import OBSERVATIONS, RETRIES, asked, cron, key_of, params_of, partition, records


@dag(
    schedule=cron(settings().schedule.ingest_cron),
    catchup=False,
    max_active_runs=1,
    default_args={**RETRIES, "execution_timeout": timedelta(hours=1)},
    tags=["tsflow"],
    doc_md=__doc__,
    params=params_of(IngestRequest),
)
def ingest_weather() -> None:
    """Wire the steps; each station is a mapped group of its own, so that one cannot hold up another."""

    @task
    def stations(params: dict[str, Any], dag_run: Any) -> list[str]:
        from tsflow import steps

        station = asked(IngestRequest, params).station
        return [station] if station else steps.due_ingest(settings(), scheduled=dag_run.run_type == "scheduled")

    @task(map_index_template="{{ label }}")
    def fetch(station: str, params: dict[str, Any], run_id: str, dag_run: Any) -> str:
        from tsflow import steps

        get_current_context()["label"] = station
        request = asked(IngestRequest, params, station=station)
        request = request.changed(**as_of(dag_run, station))
        return steps.fetch_batch(records(), settings(), request, f"{key_of(run_id)}-{station}").ingest

    @task(map_index_template="{{ label }}")
    def validate(ingest: str, station: str) -> str:
        from tsflow import steps

        get_current_context()["label"] = station
        steps.validate_batch(records(), settings(), ingest, station)
        return ingest

    @task(map_index_template="{{ label }}")
    def store(ingest: str, station: str) -> dict[str, Any]:
        from tsflow import steps

        get_current_context()["label"] = station
        return steps.store_batch(records(), ingest).model_dump(mode="json")

    @task(map_index_template="{{ label }}", outlets=[OBSERVATIONS])
    def announce(stored: dict[str, Any], station: str, *, outlet_events: Any) -> None:
        from airflow.sdk.exceptions import AirflowSkipException

        from tsflow.records.ingest import Ingested
        from tsflow.stations.station import load_station

        done = Ingested.model_validate(stored)
        get_current_context()["label"] = done.station
        if not done.changed_something:
            raise AirflowSkipException("nothing new came in")
        tasks = load_station(station).tasks
        outlet_events[OBSERVATIONS].add_partitions([partition(done.station, name, done.ingest) for name in tasks])
        outlet_events[OBSERVATIONS].extra = done.model_dump(mode="json", include={"station", "new_rows", "changed_rows", "last"})

    @task_group
    def ingest(station: str) -> None:
        announce(store(validate(fetch(station), station), station), station)

    ingest.expand(station=stations())


ingest_weather()
