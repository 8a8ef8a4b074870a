"""What the store holds of a station: rows by month, gaps, what each variable lacks, what is set aside, how new it is.

Read month by month, so that a record of any length needs the memory of one. What is implausible is judged with some rows
of the months beside it, and told once::

    month 1   |--------------------|..margin..|
    month 2              |..margin..|margin-----------------|..margin..|
              told here  ^^^^^^^^^^^^^^^^^^^^^^  told here ^^
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from tsflow.errors import DataError
from tsflow.model import Strict
from tsflow.observations.plausible import BRIDGED_ROWS, SPIKE_ROWS, Rows
from tsflow.observations.store import ObservationStore
from tsflow.observations.tally import Tally
from tsflow.records.dataset import Implausible
from tsflow.records.ingest import Gap
from tsflow.records.store import Records
from tsflow.stations.clock import station_now
from tsflow.stations.station import Station

_GAPS_SHOWN = 10


class MonthCoverage(Strict):
    """Rows of a month, such as 2020-05, and how many its part of the record has at the station's cadence."""

    month: str
    rows: int
    expected: int


class VariableCoverage(Strict):
    """How many of the rows have no value of a variable; what is set aside has one."""

    variable: str
    unit: str
    missing: int
    missing_share: float


class Coverage(Strict):
    """What the store holds of a station; times by the station's clock, without a zone."""

    station: str
    title: str
    cadence_minutes: float
    rows: int
    expected: int  # from the first row to the last
    first: datetime
    last: datetime
    age_hours: float  # of the last row
    arrived_at: datetime  # by UTC, without a zone: when the newest part was written
    months: list[MonthCoverage]  # all of them from the first row to the last, those without a row too
    gaps: list[Gap]  # the longest ones
    gap_count: int
    variables: list[VariableCoverage]
    implausible: list[Implausible]


@dataclass(frozen=True)
class Look:
    """The coverage, and for a picture each variable's days: lowest and highest value, values set aside."""

    coverage: Coverage
    days: dict[str, pd.DataFrame]  # by variable; index: day, columns: low, high, aside


def look(records: Records, station: Station, *, now: datetime | None = None) -> Look:
    """Return what the store holds of a station.

    Parameters
    ----------
    now
        The present by the station's clock; None: the clock of this machine says.

    Raises
    ------
    DataError
        If nothing is stored.
    """
    store, name = ObservationStore(records, station.station), station.station
    if (arrived_at := store.known_at()) is None:
        msg = f"station {name} has no observations in the store; run `tsflow ingest --here --station {name}`"
        raise DataError(msg)
    return look_at(store.by_month(), station, arrived_at=arrived_at, now=now)


def look_at(by_month: Iterable[pd.DataFrame], station: Station, *, arrived_at: datetime, now: datetime | None = None) -> Look:
    """Return what some rows hold, wherever they are from; the times of all of them rise, and each frame has a row at least."""
    tally = Tally(station)
    for rows, told in _settled(by_month, _margin(station)):
        tally.add(rows, told)
    if tally.first is None or tally.last is None:
        msg = f"station {station.station} has no observations"
        raise DataError(msg)
    months = _months(tally, tally.first, tally.last, station.cadence)
    coverage = Coverage(
        station=station.station,
        title=station.title,
        cadence_minutes=station.cadence / timedelta(minutes=1),
        rows=tally.rows,
        expected=sum(month.expected for month in months),
        first=tally.first,
        last=tally.last,
        age_hours=round(((now or station_now(station)) - tally.last) / timedelta(hours=1), 2),
        arrived_at=arrived_at,
        months=months,
        gaps=sorted(tally.gaps, key=lambda gap: (-gap.missing_rows, gap.after))[:_GAPS_SHOWN],
        gap_count=len(tally.gaps),
        variables=[
            VariableCoverage(variable=one, unit=variable.unit, missing=missing, missing_share=round(missing / tally.rows, 6))
            for one, variable in station.variables.items()
            for missing in (tally.missing[one],)
        ],
        implausible=tally.implausible,
    )
    return Look(coverage, tally.days())


def _margin(station: Station) -> timedelta:
    """Return how far around a row one must look to judge it."""
    longest = max(variable.stuck_for or timedelta(0) for variable in station.variables.values())
    return longest + (SPIKE_ROWS + BRIDGED_ROWS + 2) * station.cadence


def _settled(months: Iterable[pd.DataFrame], margin: timedelta) -> Iterator[tuple[pd.DataFrame, Rows]]:
    """Yield rows, and which of them have all that they are judged by around them; each row is of the latter once."""
    rows, told_until = pd.DataFrame(), pd.Timestamp.min
    for month in months:
        rows = pd.concat([rows, month], ignore_index=True) if len(rows) else month
        until = max(told_until, rows["time"].iloc[-1] - margin)
        yield rows, ((rows["time"] > told_until) & (rows["time"] <= until)).to_numpy()
        rows, told_until = rows[rows["time"] > until - margin].reset_index(drop=True), until
    if len(rows):
        yield rows, (rows["time"] > told_until).to_numpy()


def _months(tally: Tally, first: datetime, last: datetime, cadence: timedelta) -> list[MonthCoverage]:
    """Return every month from the first row to the last; rows are expected at the cadence from the first one on."""
    result = []
    for month in pd.period_range(first, last, freq="M"):
        begin = max(month.start_time.to_pydatetime(), first)
        end = min((month + 1).start_time.to_pydatetime() - timedelta(microseconds=1), last)
        before, up_to = -((first - begin) // cadence), (end - first) // cadence + 1
        result.append(MonthCoverage(month=str(month), rows=tally.by_month.get(str(month), 0), expected=up_to - before))
    return result
