"""Counting what a record holds, some rows at a time."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from tsflow.observations.plausible import FIRST_ONES, KINDS, Rows, any_of, described, judged
from tsflow.records.dataset import Implausible, ImplausibleKind
from tsflow.records.ingest import Gap
from tsflow.stations.parse import find_gaps
from tsflow.stations.station import Station


@dataclass(frozen=True)
class _Days:
    """By day, a column a variable: the lowest and the highest value, and how many were set aside."""

    low: pd.DataFrame
    high: pd.DataFrame
    aside: pd.DataFrame


class Tally:
    """What was counted of the rows so far, which come in order of time."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._aside: dict[tuple[str, ImplausibleKind], Implausible] = {}
        self._days: list[_Days] = []
        self.rows = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.by_month: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self.gaps: list[Gap] = []

    def add(self, rows: pd.DataFrame, told: Rows) -> None:
        """Count the rows that are told; the others are there to judge them by."""
        if not told.any():
            return
        times = rows.loc[told, "time"]
        self._add_times(times)
        found = judged(rows, self._station)
        kept: dict[str, pd.Series[float]] = {}
        aside: dict[str, pd.Series[bool]] = {}
        for name in self._station.variables:
            if name not in rows:
                self.missing[name] += len(times)
                continue
            values = rows.loc[told, name]
            self.missing[name] += int(values.isna().sum())
            kinds = {kind: which & told for kind, which in found[name].items()}
            self._add_aside([described(rows, name, kind, which) for kind, which in kinds.items() if which.any()])
            aside[name] = pd.Series(any_of(kinds.values(), len(rows))[told], index=values.index)
            kept[name] = values.mask(aside[name])
        self._days.append(_by_day(times, pd.DataFrame(kept, index=times.index), pd.DataFrame(aside, index=times.index)))

    @property
    def implausible(self) -> list[Implausible]:
        """What is set aside, in the order of the station's variables."""
        return [self._aside[name, kind] for name in self._station.variables for kind in KINDS if (name, kind) in self._aside]

    def days(self) -> dict[str, pd.DataFrame]:
        """Return for each variable the lowest and the highest value of each day, and how many are set aside."""
        empty = pd.DataFrame({"low": [], "high": [], "aside": []}, index=pd.DatetimeIndex([], name="day"))
        if not self._days:
            return dict.fromkeys(self._station.variables, empty)
        low = pd.concat([days.low for days in self._days]).groupby(level=0).min()
        high = pd.concat([days.high for days in self._days]).groupby(level=0).max()
        aside = pd.concat([days.aside for days in self._days]).groupby(level=0).sum()
        return {
            name: pd.DataFrame({"low": low[name], "high": high[name], "aside": aside[name]}) if name in low else empty
            for name in self._station.variables
        }

    def _add_times(self, times: "pd.Series[pd.Timestamp]") -> None:
        self.rows += len(times)
        self.by_month.update(times.dt.strftime("%Y-%m"))
        since = times if self.last is None else pd.concat([pd.Series([self.last], dtype=times.dtype), times])
        self.gaps += find_gaps(since, self._station.cadence)
        self.first = self.first or times.iloc[0].to_pydatetime()
        self.last = times.iloc[-1].to_pydatetime()

    def _add_aside(self, seen: list[Implausible]) -> None:
        for one in seen:
            before = self._aside.get((one.variable, one.kind), one.changed(count=0, first=[]))
            first = [*before.first, *one.first][:FIRST_ONES]
            self._aside[one.variable, one.kind] = before.changed(count=before.count + one.count, first=first)


def _by_day(times: "pd.Series[pd.Timestamp]", kept: pd.DataFrame, aside: pd.DataFrame) -> _Days:
    """Return each day's figures; one grouping for all variables, as finding the groups costs more than what is done with them."""
    day = times.dt.normalize().rename("day")
    by_day = kept.groupby(day)
    return _Days(by_day.min(), by_day.max(), aside.groupby(day).sum())
