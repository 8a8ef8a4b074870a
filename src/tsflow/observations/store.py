"""A station's observations as monthly Parquet partitions in the object store.

A partition is a set of immutable parts. An upsert adds a part that holds only rows which are new or changed,
so that nothing that was ever stored is lost and any number of writers may work at once. A reader lays the
parts of a month over each other, column by column: for a time and a column the part that was known last wins.

::

    part known at 1:  00:10 T=1.0   00:20 T=2.0
    part known at 2:                00:20 T=2.5   00:30 T=3.0
    read:             00:10 T=1.0   00:20 T=2.5   00:30 T=3.0
    read as known at 1.5:   00:10 T=1.0   00:20 T=2.0   00:30 T=3.0, of what came later the earliest version
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from tsflow.records.files import MONTH, OBSERVATIONS
from tsflow.records.store import Records
from tsflow.storage.codecs import STAMP, digest, from_parquet, stamp, to_parquet


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


def overlay(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Lay frames indexed by time over each other; the later one wins, in the columns it has."""
    result = pd.DataFrame()
    for part in parts:
        index = result.index.union(part.index)
        result = result.reindex(index=index, columns=result.columns.union(part.columns, sort=False))
        result.loc[part.index, part.columns] = part
    return result


ALL = Period()


class ObservationStore:
    """One station's partitions."""

    def __init__(self, records: Records, station: str) -> None:
        self._objects = records.objects
        self._station = station

    def upsert(self, frame: pd.DataFrame, *, known_at: datetime) -> Upserted:
        """Store observations (`time` and variables); rows that are there with the same values are left out.

        Safe to run twice and at the same time as others. A part is named by a moment after that of every part of its month, also
        where a writer's clock is behind, so that what is written last is what was known last.
        """
        new = changed = 0
        parts = []
        for month, group in frame.groupby(frame["time"].dt.strftime("%Y-%m")):
            rows = group.set_index("time")
            year, number = str(month).split("-")
            prefix = MONTH.key(station=self._station, year=year, month=number)
            stored = self._month(prefix, known_at=None)
            known = rows.index.isin(stored.index)
            before = stored.reindex(index=rows.index, columns=rows.columns)
            same = known & np.isclose(before, rows, rtol=0, atol=0, equal_nan=True).all(axis=1)
            if fresh_columns := rows.columns.difference(stored.columns).tolist():
                same &= rows[fresh_columns].isna().all(axis=1).to_numpy()
            if same.all():
                continue
            new += int((~known).sum())
            changed += int((known & ~same).sum())
            body = to_parquet(rows[~same].reset_index())
            key = f"{prefix}{stamp(self._after_all(prefix, known_at))}-{digest(body)[:16]}.parquet"
            self._objects.put_same(key, body)
            parts.append(key)
        return Upserted(new, changed, len(frame) - new - changed, parts)

    def _after_all(self, prefix: str, known_at: datetime) -> datetime:
        names = self._objects.keys(prefix)
        if not names:
            return known_at
        newest = datetime.strptime(names[-1].removeprefix(prefix).partition("-")[0], STAMP)
        return max(known_at, newest + timedelta(microseconds=1))

    def read(self, period: Period = ALL) -> pd.DataFrame:
        """Return `time` and all stored variables of a period, times rising.

        Where a row was corrected after the period's `known_at`, the version known then is read; of a row that came after it, the
        first version. An empty frame if nothing is stored.
        """
        start, end = period.start, period.end
        wanted = [prefix for prefix in self._months() if _overlaps(prefix, start, end)]
        with ThreadPoolExecutor(8) as pool:
            months = list(pool.map(lambda prefix: self._month(prefix, known_at=period.known_at), wanted))
        if not months:
            return pd.DataFrame({"time": pd.Series(dtype="datetime64[us]")})
        frame = pd.concat(months).sort_index().rename_axis("time").reset_index()
        inside = pd.Series(True, index=frame.index)
        if start is not None:
            inside &= frame["time"] > pd.Timestamp(start)
        if end is not None:
            inside &= frame["time"] <= pd.Timestamp(end)
        return frame[inside].reset_index(drop=True)

    def first_time(self) -> datetime | None:
        """Return the time of the first stored row."""
        return self._edge(first=True)

    def last_time(self, until: datetime | None = None) -> datetime | None:
        """Return the time of the last stored row, up to a moment of the station's clock."""
        if until is None:
            return self._edge(first=False)
        for prefix in reversed([prefix for prefix in self._months() if _overlaps(prefix, None, until)]):
            times = self._month(prefix, known_at=None).index
            if len(inside := times[times <= pd.Timestamp(until)]):
                last: pd.Timestamp = inside.max()
                return last.to_pydatetime()
        return None

    def known_at(self) -> datetime | None:
        """Return when the newest part was written, by UTC without a zone; None if nothing is stored."""
        keys = self._objects.keys(OBSERVATIONS.prefix(station=self._station))
        parts = [str(values["part"]) for key in keys if (values := OBSERVATIONS.values(key)) is not None]
        return max((datetime.strptime(part.partition("-")[0], STAMP) for part in parts), default=None)

    def _edge(self, *, first: bool) -> datetime | None:
        months = self._months()
        if not months:
            return None
        month = self._month(months[0 if first else -1], known_at=None)
        edge: pd.Timestamp = month.index.min() if first else month.index.max()
        return edge.to_pydatetime()

    def _months(self) -> list[str]:
        """Return the prefixes of the months that hold rows, in order of time."""
        keys = self._objects.keys(OBSERVATIONS.prefix(station=self._station))
        found = [values for key in keys if (values := OBSERVATIONS.values(key)) is not None]
        return sorted({MONTH.key(**{name: value for name, value in values.items() if name != "part"}) for values in found})

    def _month(self, prefix: str, *, known_at: datetime | None) -> pd.DataFrame:
        """Return a month's rows, indexed by time, as known at a moment (None: now)."""
        names = self._objects.keys(prefix)
        if known_at is not None:
            # What came after that fills only what was unknown then; of that the earliest version counts.
            limit = f"{prefix}{stamp(known_at)}~"  # after every part of that very moment
            later = [name for name in names if name > limit]
            names = later[::-1] + [name for name in names if name <= limit]
        return overlay(from_parquet(self._objects.get(name), name).set_index("time") for name in names)


def _overlaps(prefix: str, start: datetime | None, end: datetime | None) -> bool:
    fields = MONTH.values(prefix) or {}
    first = pd.Timestamp(int(fields["year"]), int(fields["month"]), 1)
    after = first + pd.offsets.MonthBegin(1)
    return (end is None or first <= pd.Timestamp(end)) and (start is None or after > pd.Timestamp(start))
