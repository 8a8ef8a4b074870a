"""Which stations are to be ingested now."""

from datetime import UTC, datetime

from tsflow.settings import Settings
from tsflow.stations.station import load_station


def due_ingest(settings: Settings, *, scheduled: bool, now: datetime | None = None) -> list[str]:
    """Return the stations of the schedule; in a scheduled run those whose `ingest_hours` divide the hour of the day, by UTC."""
    hour = (now or datetime.now(UTC)).hour
    return [name for name in settings.schedule.stations if not scheduled or hour % load_station(name).ingest_hours == 0]
