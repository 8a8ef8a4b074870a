"""A station of the schedule whose file may be broken: no other one waits for it, and its own tasks say what is wrong."""

import logging

from tsflow.errors import SettingsError
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
