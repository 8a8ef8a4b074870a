"""The newest hours of a station: what a forecast is made from."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from tsflow.errors import DataError
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.store import ObservationStore, Period
from tsflow.records.store import Records
from tsflow.settings import HourlySettings
from tsflow.stations.station import Station

_SPARE_HOURS = 48


@dataclass(frozen=True)
class Recent:
    """Unbroken hours, `time` and variables; and how many of them are there only because a gap was bridged."""

    frame: pd.DataFrame
    bridged_hours: int = 0


def recent_hours(
    records: Records,
    station: Station,
    hours: int,
    settings: HourlySettings,
    *,
    bridge: timedelta = timedelta(0),
    until: datetime | None = None,
) -> Recent:
    """Return the newest unbroken hours in the store, at most so many.

    Parameters
    ----------
    settings
        How hours are made; longer gaps than it fills are filled up to `bridge`.
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
    return unbroken(stored.read(Period(start=last - span, end=last)), station, hours, settings, bridge=bridge)


def unbroken(
    rows: pd.DataFrame, station: Station, hours: int, settings: HourlySettings, *, bridge: timedelta = timedelta(0)
) -> Recent:
    """Return the newest unbroken hours of some observations, as `recent_hours` does."""
    strict = hourly_frame(rows, station, settings).frame
    frame = strict
    if bridge > settings.fill_gaps_up_to:
        frame = hourly_frame(rows, station, settings.changed(fill_gaps_up_to=bridge)).frame
    recent = frame[frame["segment"] == frame["segment"].iloc[-1]].tail(hours)
    return Recent(recent, bridged_hours=int((~recent["time"].isin(strict["time"])).sum()))
