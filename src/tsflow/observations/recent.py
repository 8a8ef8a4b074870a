"""The newest hours of a station: what a forecast is made from."""

from datetime import datetime, timedelta

import pandas as pd

from tsflow.errors import DataError
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.store import ObservationStore, Period
from tsflow.records.store import Records
from tsflow.settings import HourlySettings
from tsflow.stations.station import Station

_SPARE_HOURS = 48


def recent_hours(
    records: Records, station: Station, hours: int, settings: HourlySettings, *, until: datetime | None = None
) -> pd.DataFrame:
    """Return the newest unbroken hours in the store, at most so many: time and variables.

    Parameters
    ----------
    until
        Rows after this moment of the station's clock are not read; None: all are.

    Raises
    ------
    DataError
        If nothing is stored.
    """
    stored, span = ObservationStore(records, station.station), timedelta(hours=hours + _SPARE_HOURS) + station.cadence
    last = stored.last_time()
    if last is not None and until is not None and last > until:
        last = stored.last_time(until)
    if last is None:
        name = station.station
        msg = f"station {name} has no observations in the store; run `tsflow ingest --here --station {name}`"
        raise DataError(msg)
    return unbroken(stored.read(Period(start=last - span, end=last)), station, hours, settings)


def bridged(records: Records, station: Station, recent: pd.DataFrame, settings: HourlySettings) -> int:
    """Return how many of these hours are there only because a longer gap than that of `settings` was interpolated."""
    first, last = recent["time"].iloc[0], recent["time"].iloc[-1]
    around = timedelta(hours=_SPARE_HOURS)
    rows = ObservationStore(records, station.station).read(Period(start=first - around, end=last + station.cadence))
    known = hourly_frame(rows, station, settings).frame["time"]
    return int((~recent["time"].isin(known)).sum())


def unbroken(rows: pd.DataFrame, station: Station, hours: int, settings: HourlySettings) -> pd.DataFrame:
    """Return the newest unbroken hours of some observations, at most so many."""
    frame = hourly_frame(rows, station, settings).frame
    recent: pd.DataFrame = frame[frame["segment"] == frame["segment"].iloc[-1]].tail(hours)
    return recent
