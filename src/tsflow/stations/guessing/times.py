"""Which column says the time, in which form, and how far rows are apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from tsflow.errors import SourceFormatError

_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%Y%m%d")
_CLOCKS = (
    " %H:%M:%S",
    " %H:%M",
    "T%H:%M:%S",
    "T%H:%M",
    " %H:%M:%S.%f",
    "T%H:%M:%SZ",
    "T%H:%MZ",
    " %H%M",
    "%H%M%S",
    "%H%M",
    " %I:%M %p",
)
_FORMATS = [date + clock for date in _DATES for clock in _CLOCKS]
_SAMPLE = 200
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Times:
    """What was found."""

    column: str
    format: str
    cadence: timedelta
    minute: int  # at which most hours have a row
    index: pd.Series  # of each row, NaT where it cannot be read


def times_of(table: pd.DataFrame, name: str) -> Times:
    """Return the times of a table of texts.

    Raises
    ------
    SourceFormatError
        If no column is a time that rises by a step which divides an hour.
    """
    found = [each for column in table.columns for each in _read(table[column].astype(str).str.strip())]
    best = max(found, key=_score, default=None)
    if best is None:
        msg = (
            f"{name}: no column is a date with a time, such as 2020-01-31 13:50 or 31.01.2020 13:50:00; "
            f"the columns begin with {_first_cells(table)}. Write the station file by hand: docs/using.md, A station"
        )
        raise SourceFormatError(msg)
    steps = best.index.dropna().diff().dropna()
    cadence = pd.Timedelta(steps.median()).to_pytimedelta()
    if cadence <= timedelta(0) or _HOUR % cadence:
        msg = f"{name}: rows come every {cadence}, which does not divide an hour; tsflow wants rows every 60 minutes or more often"
        raise SourceFormatError(msg)
    minutes = best.index.dropna().dt.minute
    minute = 0 if cadence < _HOUR and (minutes == 0).any() else int(minutes.mode().iloc[0])
    return Times(best.column, best.format, cadence, minute if cadence < _HOUR else 0, best.index)


@dataclass(frozen=True)
class _Read:
    column: str
    format: str
    index: pd.Series


def _read(texts: pd.Series) -> list[_Read]:
    """Return every form that all of a column's first texts have, with all its times."""
    first = texts[texts != ""].head(_SAMPLE)
    fitting = [
        form for form in _FORMATS if not pd.to_datetime(first.head(3), format=form, errors="coerce", exact=True).isna().any()
    ]
    fitting = [form for form in fitting if not pd.to_datetime(first, format=form, errors="coerce", exact=True).isna().any()]
    if first.empty:
        return []
    return [
        _Read(str(texts.name), form, pd.to_datetime(texts, format=form, errors="coerce").dt.tz_localize(None)) for form in fitting
    ]


def _score(read: _Read) -> tuple[float, float, float]:
    """Return how well it fits: how many are read, how many rise, how regular the steps are (day and month may be either)."""
    known = read.index.dropna()
    steps = np.diff(known.to_numpy().astype("datetime64[s]")).astype(np.int64)
    regular = float((steps == np.median(steps)).mean()) if len(steps) else 0.0
    return round(float(read.index.notna().mean()), 3), round(float((steps > 0).mean()) if len(steps) else 0.0, 3), regular


def _first_cells(table: pd.DataFrame) -> str:
    return ", ".join(f"{column}: {table[column].iloc[0]!r}" for column in list(table.columns)[:4])
