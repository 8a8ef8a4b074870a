"""A station's observations as monthly Parquet partitions in the object store.

A partition is a set of immutable parts. An upsert adds a part that holds only rows which are new or changed,
so that nothing that was ever stored is lost and any number of writers may work at once; old parts lie in a bag,
each as it was (`parts.py`). A reader lays the parts of a month over each other, column by column: for a time and a
column the part that was known last wins.

::

    part known at 1:  00:10 T=1.0   00:20 T=2.0
    part known at 2:                00:20 T=2.5   00:30 T=3.0
    read:             00:10 T=1.0   00:20 T=2.5   00:30 T=3.0
    read as known at 1.5:   00:10 T=1.0   00:20 T=2.0
    read as known at 0.5:   00:10 T=1.0   00:20 T=2.0   00:30 T=3.0

The last one is a moment before anything was stored: an archive was imported later. Nobody knows what was known then, so the first
version of each row is read.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import pandas as pd
import pyarrow as pa

from tsflow.observations.months import by_month, compared
from tsflow.observations.parts import moments, overlay, read_parts
from tsflow.records.files import MONTH, OBSERVATIONS
from tsflow.records.store import Records
from tsflow.storage.codecs import digest, encoded, stamp, to_parquet
from tsflow.storage.objects import ObjectMissing

_LISTINGS = 3  # of a month: what was listed may have gone into a bag before it was read
_AT_ONCE = 8  # months that are read or written; most of the time they wait for the object store


@dataclass(frozen=True)
class Upserted:
    """What an upsert did: rows that were new, changed, already there; and the parts it wrote."""

    new_rows: int
    changed_rows: int
    same_rows: int
    parts: list[str]


@dataclass(frozen=True)
class Period:
    """Rows with start < time <= end by the station's clock, as they were known at a moment of UTC; None: no bound, or now."""

    start: datetime | None = None
    end: datetime | None = None
    known_at: datetime | None = None
    days: int | None = None  # no more than these before the last row


ALL = Period()


class ObservationStore:
    """One station's partitions."""

    def __init__(self, records: Records, station: str) -> None:
        self._objects = records.objects
        self._station = station

    def upsert(self, rows: pd.DataFrame | pa.Table, *, known_at: datetime) -> Upserted:
        """Store observations (`time` and variables); rows that are there with the same values are left out.

        Safe to run twice and at the same time as others. A part is named by a moment after that of every part of its month, also
        where a writer's clock is behind, so that what is written last is what was known last.
        """
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pandas(rows, preserve_index=False, nthreads=1)
        months = {self._prefix(month["time"][0].as_py()): month for month in by_month(table)}
        parts = self._parts(months)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            done = list(pool.map(lambda prefix: self._upsert_month(prefix, months[prefix], parts[prefix], known_at), months))
        new, changed = sum(month.new_rows for month in done), sum(month.changed_rows for month in done)
        return Upserted(new, changed, len(table) - new - changed, [part for month in done for part in month.parts])

    def _prefix(self, moment: datetime) -> str:
        return MONTH.key(station=self._station, year=f"{moment:%Y}", month=f"{moment:%m}")

    def _parts(self, months: Iterable[str]) -> dict[str, list[str]]:
        """Return the parts that there are of some months; a year is listed at once, as an archive fills it."""
        years = {OBSERVATIONS.prefix(station=self._station, year=(MONTH.values(prefix) or {})["year"]) for prefix in months}
        found: dict[str, list[str]] = {prefix: [] for prefix in months}
        for name in (name for year in sorted(years) for name in self._objects.keys(year)):
            if (month := f"{name.rpartition('/')[0]}/") in found:
                found[month].append(name)
        return found

    def _upsert_month(self, prefix: str, rows: pa.Table, names: list[str], known_at: datetime) -> Upserted:
        """Store the rows of one month; `names`: of its parts."""
        try:
            stored = self._laid(names)
        except ObjectMissing:  # since they were listed they went into a bag
            stored = self._month(prefix)
        if stored.empty:  # an archive's many months need not be frames
            return Upserted(len(rows), 0, 0, [self._add(prefix, encoded(rows), names, known_at)])
        frame = rows.to_pandas().set_index("time")
        known, same = compared(frame, stored)
        if same.all():
            return Upserted(0, 0, len(frame), [])
        added = self._add(prefix, to_parquet(frame[~same].reset_index()), names, known_at)
        return Upserted(int((~known).sum()), int((known & ~same).sum()), int(same.sum()), [added])

    def _add(self, prefix: str, body: bytes, names: list[str], known_at: datetime) -> str:
        """Write a part and return its key."""
        if names:
            names = self._objects.keys(prefix)  # reading them took its time, in which others may have written
        key = f"{prefix}{stamp(_after_all(names, known_at))}-{digest(body)[:16]}.parquet"
        self._objects.put_same(key, body)
        return key

    def read(self, period: Period = ALL) -> pd.DataFrame:
        """Return `time` and all stored variables of a period, times rising.

        Rows and corrections that came after the period's `known_at` are not seen, unless the store began after it: then the first
        version of each row is read. An empty frame if nothing is stored.
        """
        end = period.end
        began_later = self.began_after(period.known_at)

        @cache  # the newest month says where a period of some days begins, and is read for its rows
        def known(prefix: str) -> pd.DataFrame:
            return self._month(prefix, period.known_at, first_versions=began_later)

        months_up_to = [prefix for prefix in self._months() if _overlaps(prefix, None, end)]
        start = _start(period, (known(prefix).index for prefix in reversed(months_up_to)))
        wanted = [prefix for prefix in months_up_to if _overlaps(prefix, start, end)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            months = list(pool.map(known, wanted))
        months = [month for month in months if not month.empty]
        if not months:
            return pd.DataFrame({"time": pd.Series(dtype="datetime64[us]")})
        frame = pd.concat(months).sort_index().rename_axis("time").reset_index()
        inside = pd.Series(True, index=frame.index)
        if start is not None:
            inside &= frame["time"] > pd.Timestamp(start)
        if end is not None:
            inside &= frame["time"] <= pd.Timestamp(end)
        return frame[inside].reset_index(drop=True)

    def by_month(self) -> Iterator[pd.DataFrame]:
        """Yield the rows of one month after the other, `time` and the variables that it has, times rising."""
        for prefix in self._months():
            month = self._month(prefix)
            if len(month):
                yield month.sort_index().rename_axis("time").reset_index()

    def first_time(self) -> datetime | None:
        """Return the time of the first stored row."""
        return self._edge(first=True)

    def last_time(self, until: datetime | None = None) -> datetime | None:
        """Return the time of the last stored row, up to a moment of the station's clock."""
        if until is None:
            return self._edge(first=False)
        for prefix in reversed([prefix for prefix in self._months() if _overlaps(prefix, None, until)]):
            times = self._month(prefix).index
            if len(inside := times[times <= pd.Timestamp(until)]):
                last: pd.Timestamp = inside.max()
                return last.to_pydatetime()
        return None

    def known_at(self) -> datetime | None:
        """Return when the newest part was written, by UTC without a zone; None if nothing is stored."""
        return max((last for _, last in self._moments()), default=None)

    def began_after(self, moment: datetime | None) -> bool:
        """Say whether nothing was stored at a moment of UTC, but something is now."""
        return moment is not None and min((first for first, _ in self._moments()), default=moment) > moment

    def _moments(self) -> list[tuple[datetime, datetime]]:
        """Return since when the first and the last part in each object are known."""
        keys = self._objects.keys(OBSERVATIONS.prefix(station=self._station))
        return [moments(str(values["part"])) for key in keys if (values := OBSERVATIONS.values(key)) is not None]

    def _edge(self, *, first: bool) -> datetime | None:
        months = self._months()
        if not months:
            return None
        month = self._month(months[0 if first else -1])
        edge: pd.Timestamp = month.index.min() if first else month.index.max()
        return edge.to_pydatetime()

    def _months(self) -> list[str]:
        """Return the prefixes of the months that hold rows, in order of time."""
        keys = self._objects.keys(OBSERVATIONS.prefix(station=self._station))
        found = [values for key in keys if (values := OBSERVATIONS.values(key)) is not None]
        return sorted({MONTH.key(**{name: value for name, value in values.items() if name != "part"}) for values in found})

    def _month(self, prefix: str, known_at: datetime | None = None, *, first_versions: bool = False) -> pd.DataFrame:
        """Return a month's rows, indexed by time, as known at a moment (None: now), or each as it came first."""
        for _ in range(_LISTINGS - 1):
            try:
                return self._laid(self._objects.keys(prefix), known_at, first_versions=first_versions)
            except ObjectMissing:
                continue
        return self._laid(self._objects.keys(prefix), known_at, first_versions=first_versions)

    def _laid(self, keys: Iterable[str], known_at: datetime | None = None, *, first_versions: bool = False) -> pd.DataFrame:
        """Return the rows of parts laid over each other, indexed by time."""
        early = keys if known_at is None or first_versions else [key for key in keys if moments(_name(key))[0] <= known_at]
        parts = read_parts(self._objects, early)
        if first_versions:
            parts = parts[::-1]
        elif known_at is not None:
            parts = [part for part in parts if moments(part.name)[0] <= known_at]
        return overlay(part.rows for part in parts)


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _after_all(names: list[str], known_at: datetime) -> datetime:
    """Return a moment after those of all parts of a month."""
    if not names:
        return known_at
    newest = max(moments(_name(name))[1] for name in names)
    return max(known_at, newest + timedelta(microseconds=1))


def _start(period: Period, newest_first: Iterable[pd.Index]) -> datetime | None:
    """Return where a period begins; `newest_first`: the times of its months, read as far as they are needed."""
    if period.days is None:
        return period.start
    for times in newest_first:
        inside = times if period.end is None else times[times <= pd.Timestamp(period.end)]
        if len(inside):
            earliest: datetime = inside.max().to_pydatetime() - timedelta(days=period.days)
            return max(earliest, period.start) if period.start else earliest
    return period.start


def _overlaps(prefix: str, start: datetime | None, end: datetime | None) -> bool:
    fields = MONTH.values(prefix) or {}
    first = pd.Timestamp(int(fields["year"]), int(fields["month"]), 1)
    after = first + pd.offsets.MonthBegin(1)
    return (end is None or first <= pd.Timestamp(end)) and (start is None or after > pd.Timestamp(start))
