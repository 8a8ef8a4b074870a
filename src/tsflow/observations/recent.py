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
class Wanted:
    """What a forecast is made from, and how far gaps may be bridged for it."""

    hours: int
    target: str
    features: list[str]
    settings: HourlySettings  # how hours are made
    bridge: timedelta = timedelta(0)  # gaps up to so long are filled, where they are longer than `settings` fills


@dataclass(frozen=True)
class Recent:
    """Unbroken hours, `time` and variables; and how many of them are there only because a gap was bridged."""

    frame: pd.DataFrame
    bridged_hours: int = 0


def recent_hours(records: Records, station: Station, wanted: Wanted, *, until: datetime | None = None) -> Recent:
    """Return the newest unbroken hours in the store, at most as many as are wanted.

    `until`: rows after this moment of the station's clock are not read; None: all are.

    Raises
    ------
    DataError
        If nothing is stored, or a variable is missing too often to be filled in.
    """
    stored, span = ObservationStore(records, station.station), timedelta(hours=wanted.hours + _SPARE_HOURS) + station.cadence
    last = stored.last_time()
    if last is not None and until is not None and last > until:
        last = stored.last_time(until)
    if last is None:
        name = station.station
        msg = f"station {name} has no observations in the store; run `tsflow ingest --here --station {name}`"
        raise DataError(msg)
    return unbroken(stored.read(Period(start=last - span, end=last)), station, wanted)


def unbroken(rows: pd.DataFrame, station: Station, wanted: Wanted) -> Recent:
    """Return the newest unbroken hours of some observations, as `recent_hours` does."""
    strict = hourly_frame(rows, station, wanted.settings, target=wanted.target)
    made = strict
    if wanted.bridge > wanted.settings.fill_gaps_up_to:
        made = hourly_frame(rows, station, wanted.settings.changed(fill_gaps_up_to=wanted.bridge), target=wanted.target)
    if gone := [name for name in wanted.features if name not in made.features]:
        shares = ", ".join(f"{name} ({100 * made.report.left_out.get(name, 1.0):.0f} % of the hours)" for name in gone)
        msg = (
            f"station {station.station}: too little was measured lately of {shares}, which the model reads; check the sensor. "
            f"The next retraining does without it"
        )
        raise DataError(msg)
    frame = made.frame
    measured = strict.measured.reindex(columns=wanted.features, fill_value=False)  # without the bridge it may be left out
    whole = set(strict.frame["time"][measured.all(axis=1)])
    recent = frame[frame["segment"] == frame["segment"].iloc[-1]].tail(wanted.hours)
    return Recent(recent, bridged_hours=int((~recent["time"].isin(whole)).sum()))
