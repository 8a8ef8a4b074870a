"""Of which station and task a page is, and what there is to choose from."""

from dataclasses import dataclass

from tsflow.errors import UnknownName
from tsflow.folders import names_in
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.stations.described import described
from tsflow.stations.station import Station
from tsflow.task import Task


@dataclass(frozen=True)
class Place:
    """A task of a station, among its station's tasks and the stations that there are."""

    station: Station
    task_name: str
    task: Task
    stations: list[str]

    @property
    def name(self) -> str:
        """The station's short name."""
        return self.station.station

    @property
    def unit(self) -> str:
        """The target's unit."""
        return self.station.variables[self.task.target].unit

    @property
    def offset_hours(self) -> float:
        """Of the station's clock from UTC, all year."""
        return self.station.timestamp.utc_offset_hours


def place_of(records: Records, settings: Settings, station: str | None, task: str | None) -> Place:
    """Return what is meant by a station's and a task's name; nothing named: the settings' station, its first task.

    Raises
    ------
    UnknownName
        If there is no such station, in the files or in the store, or it has no such task.
    """
    stations = known_stations(records)
    name = station or settings.station
    if name not in stations:
        raise UnknownName("station", name[:80], stations)
    found = described(records, name)
    task_name, meant = found.task(task, settings.windows)
    return Place(found, task_name, meant, stations)


def known_stations(records: Records) -> list[str]:
    """Return the stations that have a file under include/stations, or came from a file elsewhere and are in the store."""
    return sorted({*names_in("stations"), *records.objects.folders("stations/")})


def watched(records: Records, settings: Settings, looked_at: Place) -> list[Place]:
    """Return every task of the stations on the schedule, and of the one that is looked at."""
    on_schedule = [name for name in settings.schedule.stations if name in looked_at.stations]
    stations = [described(records, name) for name in dict.fromkeys([*on_schedule, looked_at.name])]
    return [
        Place(station, name, station.task(name, settings.windows)[1], looked_at.stations)
        for station in stations
        for name in station.tasks
    ]
