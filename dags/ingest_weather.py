"""Bring every station's observations up to now into the store.

Fetch and parse, validate with Great Expectations, upsert. A batch that fails its expectations goes to
quarantine with the reason, and the store stays as it was. When something new was stored, the asset
`observations` gets a partition for the station, and `retrain` runs for it.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task, task_group

from tsflow.folders import names_in
from tsflow.settings import settings
from wiring import OBSERVATIONS, RETRIES, key_of, objects


@dag(
    # Without a start date and with no look back, a fresh stack waits for the next hour of the schedule.
    schedule=CronTriggerTimetable(settings().schedule.ingest_cron, timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    default_args={**RETRIES, "execution_timeout": timedelta(hours=1)},
    tags=["tsflow"],
    doc_md=__doc__,
    params={
        "station": Param(
            None,
            type=["null", "string"],
            enum=[None, *names_in("stations")],
            title="Station",
            description="Empty: every station of the schedule.",
        ),
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="As of",
            description="Nothing later is read, by the station's clock. Empty: now.",
        ),
        "source": Param(
            None, type=["null", "string"], title="Source", description="A source of the station file. Empty: its first."
        ),
        "history_days": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Days of history",
            description="Of the simulator. Empty: what the station file says.",
        ),
        "retrain": Param(
            True, type="boolean", title="Retrain after it", description="Tell `retrain` when something new was stored."
        ),
    },
)
def ingest_weather() -> None:
    """Wire the steps; each station is a mapped group of its own, so that one cannot hold up another."""

    @task
    def stations(params: dict[str, Any]) -> list[str]:
        return [params["station"]] if params["station"] else list(settings().schedule.stations)

    @task(map_index_template="{{ label }}")
    def fetch(station: str, params: dict[str, Any], run_id: str) -> dict[str, Any]:
        from tsflow import steps

        get_current_context()["label"] = station
        wanted = {name: params[name] for name in ("source", "as_of", "history_days") if params[name]}
        return steps.fetch_batch(objects(), steps.IngestRequest.of({"station": station, **wanted}), f"{key_of(run_id)}-{station}")

    @task(map_index_template="{{ label }}")
    def validate(batch: dict[str, Any]) -> dict[str, Any]:
        from tsflow import steps

        get_current_context()["label"] = batch["station"]
        return steps.validate_batch(objects(), batch)

    @task(map_index_template="{{ label }}")
    def store(batch: dict[str, Any]) -> dict[str, Any]:
        from tsflow import steps

        get_current_context()["label"] = batch["station"]
        return steps.store_batch(objects(), batch)

    @task(map_index_template="{{ label }}", outlets=[OBSERVATIONS])
    def announce(batch: dict[str, Any], params: dict[str, Any], *, outlet_events: Any) -> None:
        from airflow.sdk.exceptions import AirflowSkipException

        get_current_context()["label"] = batch["station"]
        if not params["retrain"]:
            raise AirflowSkipException("retraining was not asked for")
        if not batch["new_rows"] + batch["changed_rows"]:
            raise AirflowSkipException("nothing new came in")
        outlet_events[OBSERVATIONS].add_partitions(f"{batch['station']}|{batch['ingest']}")
        outlet_events[OBSERVATIONS].extra = {name: batch[name] for name in ("station", "new_rows", "changed_rows", "last")}

    @task_group
    def ingest(station: str) -> None:
        announce(store(validate(fetch(station))))

    ingest.expand(station=stations())


ingest_weather()
