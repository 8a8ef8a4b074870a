"""Which column says the time, in which form, and how far rows are apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

from tsflow.errors import SourceFormatError
from tsflow.stations.parse import JITTER
from tsflow.stations.times import in_form, length_of
from tsflow.stations.timestamp import EPOCHS, ISO8601

_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%Y%m%d")
_CLOCKS = (
    " %H:%M:%S",
    " %H:%M",
    "T%H:%M:%S",
    "T%H:%M",
    " %H:%M:%S.%f",
    " %H%M",
    " %I:%M %p",
    " %I:%M:%S %p",
)
# Digits alone have one length; behind other dates they would take 01.01.2021 for an hour of the year 20.
_FORMATS = [*(date + clock for date in _DATES for clock in _CLOCKS), "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d%H"]
_WITH_ZONE = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})"
_SAMPLE = 200
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Times:
    """What was found."""

    columns: list[str]  # joined by a blank where they are two
    format: str
    by_utc: bool  # the file itself says so, by zones or by counting since 1970
    cadence: timedelta
    index: pd.Series  # of each row, NaT where it cannot be read

    def minute(self, utc_offset_hours: float) -> int:
        """Return at which minute of the station's clock most hours have a row; 0 if any does, or rows come once an hour."""
        if self.cadence >= _HOUR:
            return 0
        shift = timedelta(hours=utc_offset_hours) if self.by_utc else timedelta(0)
        minutes = (self.index.dropna() + shift).dt.minute
        return 0 if (minutes == 0).any() else int(minutes.mode().iloc[0])


def times_of(table: pd.DataFrame, name: str) -> Times:
    """Return the times of a table of texts.

    Raises
    ------
    SourceFormatError
        If no column is a time that rises by a step which divides an hour.
    """
    texts = {str(column): table[column].astype(str).str.strip() for column in table.columns}
    found = [each for column, cells in texts.items() for each in _read([column], cells)]
    found += [each for a, b in pairwise(texts) for each in _read([a, b], texts[a] + " " + texts[b])]
    best = max(found, key=_score, default=None)
    if best is None:
        msg = (
            f"{name}: no column is a date with a time, such as 2020-01-31 13:50 or 31.01.2020 13:50:00; "
            f"the columns begin with {_first_cells(table)}. Write the station file by hand: docs/using.md, A station"
        )
        raise SourceFormatError(msg)
    steps = best.index.dropna().diff().dropna()
    cadence = _whole(pd.Timedelta(steps.median()).to_pytimedelta())
    if cadence < timedelta(0):
        msg = f"{name}: the newest rows come first; tsflow wants them in order of time: sort the file"
        raise SourceFormatError(msg)
    if cadence == timedelta(0) or _HOUR % cadence:
        msg = f"{name}: rows come every {cadence}, which does not divide an hour; tsflow wants rows every 60 minutes or more often"
        raise SourceFormatError(msg)
    return Times(best.columns, best.format, best.by_utc, cadence, best.index)


def _whole(cadence: timedelta) -> timedelta:
    """Return the step that divides an hour if a usual one is nearly that: clocks of queues and networks are no metronomes."""
    if not timedelta(0) < cadence <= _HOUR * (1 + JITTER):
        return cadence
    nearest = _HOUR / round(_HOUR / cadence)
    return nearest if abs(cadence - nearest) <= cadence * JITTER else cadence


@dataclass(frozen=True)
class _Read:
    columns: list[str]
    format: str
    index: pd.Series
    by_utc: bool = False


def _read(columns: list[str], texts: pd.Series) -> list[_Read]:
    """Return every form that all of the first texts have, with all their times."""
    first = texts[texts != ""].head(_SAMPLE)
    if first.empty:
        return []
    if first.str.fullmatch(_WITH_ZONE).all():
        times = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
        return [_Read(columns, ISO8601, times.dt.tz_localize(None), by_utc=True)]
    forms = [form for form in _FORMATS if _fits(first.head(3), form) and _fits(first, form)]
    for name, digits in (("epoch", 10), ("epoch_ms", 13)):
        if not forms and first.str.fullmatch(rf"[0-9]{{{digits}}}(\.[0-9]+)?").all():
            counted = pd.to_numeric(texts, errors="coerce") * (EPOCHS[name] / 1_000_000)
            return [_Read(columns, name, pd.to_datetime(counted, unit="s", errors="coerce"), by_utc=True)]
    return [_Read(columns, form, in_form(texts, form)) for form in forms]


def _fits(texts: pd.Series, form: str) -> bool:
    if (length := length_of(form)) is not None and (texts.str.len() != length).any():
        return False
    return not in_form(texts, form).isna().any()


def _score(read: _Read) -> tuple[float, float, float]:
    """Return how well it fits: how many are read, how many rise, how regular the steps are (day and month may be either)."""
    known = read.index.dropna()
    steps = np.diff(known.to_numpy().astype("datetime64[s]")).astype(np.int64)
    regular = float((steps == np.median(steps)).mean()) if len(steps) else 0.0
    return round(float(read.index.notna().mean()), 3), round(float((steps > 0).mean()) if len(steps) else 0.0, 3), regular


def _first_cells(table: pd.DataFrame) -> str:
    return ", ".join(f"{column}: {table[column].iloc[0]!r}" for column in list(table.columns)[:4])
