"""A station as it is described now, or as it was when its observations came in."""

from tsflow.errors import UnknownName
from tsflow.folders import names_in
from tsflow.records.station import StoredStation
from tsflow.records.store import Records
from tsflow.stations.station import Station, load_station


def described(records: Records, name: str) -> Station:
    """Return a station from its file under include/stations, else as the store knows it; `UnknownName` if neither does."""
    if name in names_in("stations"):
        return load_station(name)
    stored = records.newest(StoredStation, station=name)
    if stored is None:
        raise UnknownName("station", name, names_in("stations"))
    return Station.model_validate(stored.content)
