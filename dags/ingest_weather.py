"""Bring every station's observations up to now into the store."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, get_current_context, task, task_group

from forms import asked, params_of
from partitions import partition
from past import as_of
from run_notes import leave, noting_a_refusal
from tsflow.requests import IngestRequest
from tsflow.settings import settings
from wiring import OBSERVATIONS, TASKS, cron, key_of, records


@dag(
    schedule=cron(settings().schedule.ingest_cron),
    catchup=False,
    max_active_runs=1,
    default_args={**TASKS, "execution_timeout": timedelta(hours=1)},
    tags=["tsflow"],
    doc_md=str(Path(__file__).with_suffix(".md")),
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
        with noting_a_refusal(station):
            return steps.fetch_batch(records(), settings(), request, f"{key_of(run_id)}-{station}").ingest

    @task(map_index_template="{{ label }}")
    def validate(ingest: str, station: str) -> str:
        from tsflow import steps

        get_current_context()["label"] = station
        with noting_a_refusal(station):
            steps.validate_batch(records(), settings(), ingest, station)
        return ingest

    @task(map_index_template="{{ label }}")
    def store(ingest: str, station: str) -> dict[str, Any]:
        from tsflow import notes, steps

        get_current_context()["label"] = station
        done = steps.store_batch(records(), ingest)
        leave(lambda: notes.ingested(done))
        return done.model_dump(mode="json")

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
