"""A station of the schedule whose file may be broken: no other one waits for it, and its own tasks say what is wrong."""

import logging

from tsflow.errors import SettingsError
from tsflow.folders import names_in
from tsflow.names import MAIN
from tsflow.stations.station import Station, load_station

log = logging.getLogger(__name__)


def readable(name: str) -> Station | None:
    """Return a station, or None if its file cannot be used; what is started for it then fails with the reason."""
    try:
        return load_station(name)
    except SettingsError as error:
        log.warning("station %s cannot be read, and its own tasks will fail: %s", name, error)
        return None


def tasks_of(name: str) -> list[str]:
    """Return a station's tasks; of one that cannot be read a single one, in which the reason shows."""
    station = readable(name)
    return [MAIN] if station is None else list(station.tasks)


def variables_of_sources() -> set[str]:
    """Return the environment variables that sources of any station ask for, such as those of keys."""
    found: set[str] = set()
    pending: list[object] = [
        source.model_dump() for name in names_in("stations") if (one := readable(name)) for source in one.sources.values()
    ]
    while pending:
        block = pending.pop()
        if isinstance(block, dict):
            found |= {value for key, value in block.items() if str(key).endswith("variable") and isinstance(value, str)}
            pending += block.values()
    return found
