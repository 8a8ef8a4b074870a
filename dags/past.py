"""The as-of of a run that Airflow's Backfill makes for a past day."""

from typing import Any


def midnight(dag_run: Any) -> dict[str, Any]:
    """Return the as-of of a day that Backfill replays: its first moment by the station's clock, as for `tsflow replay`."""
    return {"as_of": f"{dag_run.logical_date:%Y-%m-%d}"} if dag_run.run_type == "backfill" else {}


def as_of(dag_run: Any, station: str) -> dict[str, Any]:
    """Return the as-of of a run of Airflow's Backfill: its date by the station's clock. Other runs say theirs in the form."""
    if dag_run.run_type != "backfill":
        return {}
    from tsflow.stations.clock import by_clock
    from tsflow.stations.station import load_station

    return {"as_of": by_clock(dag_run.logical_date, load_station(station))}
