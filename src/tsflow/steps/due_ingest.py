"""Which stations are to be ingested now."""

from datetime import UTC, datetime

from tsflow.settings import Settings
from tsflow.stations.scheduled import readable


def due_ingest(settings: Settings, *, scheduled: bool, now: datetime | None = None) -> list[str]:
    """Return the stations of the schedule; in a scheduled run those whose `ingest_hours` divide the hour of the day, by UTC.

    One whose file cannot be read is due as well: its own ingest fails, and the others take place.
    """
    hour = (now or datetime.now(UTC)).hour

    def due(name: str) -> bool:
        station = readable(name)
        return station is None or hour % station.ingest_hours == 0

    return [name for name in settings.schedule.stations if not scheduled or due(name)]
