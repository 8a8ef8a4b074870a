"""From the cells that give a row's time to the end of its averaging, by the station's clock."""

from datetime import datetime

import numpy as np
import pandas as pd

from tsflow.errors import SourceFormatError
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station
from tsflow.stations.timestamp import EPOCHS, ISO8601, Timestamp

_EARLIEST = pd.Timestamp(1750, 1, 1)  # no record of measurements is older
_ISO8601 = r"\d{4}-?\d\d-?\d\d[T ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?"  # a date and at least an hour
_ZONE = r" ?(?:[Zz]|[+-]\d\d(?::?\d\d)?)"
_COUNT = r"-?\d{1,15}(?:\.\d+)?"  # more digits would be no time that a calendar knows


def row_times(table: pd.DataFrame, file: RawFile, station: Station, now: datetime) -> pd.Series:
    """Return each row's end of averaging, in the station's clock.

    Parameters
    ----------
    now
        The present by the station's clock.

    Raises
    ------
    SourceFormatError
        Naming the first row whose time is not as the station file says, before all measurements, or in the future.
    """
    timestamp = station.timestamp
    cells = table[timestamp.columns[0]]
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        times = _by_clock(_of_the_calendar(cells.dt.tz_convert("UTC").dt.tz_localize(None)), timestamp)
    elif pd.api.types.is_datetime64_dtype(cells.dtype):
        times = _of_the_calendar(cells)
    else:
        cells = _joined(table, timestamp)
        times = _read(cells, timestamp)
    if times.isna().any():
        _refuse(cells, times, file, timestamp)
    times = times.astype("datetime64[us]")
    if timestamp.marks == "start":
        times = times + station.cadence
    _require_plausible(times, file, station, now)
    return times


def _of_the_calendar(times: pd.Series) -> pd.Series:
    """Return times in microseconds, and none for those that seconds or milliseconds can say and microseconds cannot."""
    return times.where(times.between(pd.Timestamp(1, 1, 1), pd.Timestamp(9999, 1, 1))).astype("datetime64[us]")


def _joined(table: pd.DataFrame, timestamp: Timestamp) -> pd.Series:
    """Return each row's time as one text; nothing where a cell of it is empty."""
    joined, *others = (table[column].astype("str").str.strip() for column in timestamp.columns)
    for texts in others:
        joined = joined.str.cat(texts, sep=" ")
    return joined


def _read(texts: pd.Series, timestamp: Timestamp) -> pd.Series:
    """Return the times that texts give by the station's clock, and none where one is not of the form."""
    if timestamp.format == ISO8601:
        return _iso8601(texts, timestamp)
    if timestamp.format in EPOCHS:
        return _since_1970(texts, timestamp)
    return pd.to_datetime(texts, format=timestamp.format, errors="coerce")


def _iso8601(texts: pd.Series, timestamp: Timestamp) -> pd.Series:
    """Return the times of texts of which some may name a zone; those without are the station's clock's."""
    formed = texts.where(texts.str.fullmatch(f"{_ISO8601}(?:{_ZONE})?", na=False))
    zoned = formed.str.fullmatch(f"{_ISO8601}{_ZONE}", na=False)
    times = pd.to_datetime(formed, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    return times.where(~zoned, _by_clock(times, timestamp))


def _since_1970(texts: pd.Series, timestamp: Timestamp) -> pd.Series:
    counted = pd.to_numeric(texts.where(texts.str.fullmatch(_COUNT, na=False)), errors="coerce").astype("float64")
    microseconds = (counted * EPOCHS[timestamp.format]).round()
    known = microseconds.abs() < 2.0**56  # the year 4253
    times = microseconds.where(known, 0).astype("int64").astype("datetime64[us]")
    return _by_clock(times.where(known), timestamp)


def _by_clock(times: pd.Series, timestamp: Timestamp) -> pd.Series:
    """Return what the station's clock shows when UTC's shows these."""
    return times.astype("datetime64[us]") + timestamp.offset


def _refuse(cells: pd.Series, times: pd.Series, file: RawFile, timestamp: Timestamp) -> None:
    """Raise for the first row without a time."""
    row = int(np.flatnonzero(times.isna())[0])
    where, named = f"{file.name}: row {cells.index[row]}", ", ".join(map(repr, timestamp.columns))
    count = f"({int(times.isna().sum())} of {len(times)} rows)"
    if pd.isna(cells.iloc[row]):
        msg = f"{where}: no time in column {named} {count}; drop such rows, or correct `timestamp.column` in the station file"
        raise SourceFormatError(msg)
    if not isinstance(cells.iloc[row], str):
        msg = f"{where}: a time before the year 1 or after 9998 in column {named} {count}; check the file's clock"
        raise SourceFormatError(msg)
    hint = "; the numbers look like milliseconds: write `epoch_ms`" if _is_in_milliseconds(cells.iloc[row], timestamp) else ""
    msg = (
        f"{where}: time {cells.iloc[row]!r} is not of the form {timestamp.format!r} "
        f"{count}; correct `timestamp.format` in the station file{hint}"
    )
    raise SourceFormatError(msg)


def _is_in_milliseconds(text: str, timestamp: Timestamp) -> bool:
    return timestamp.format == "epoch" and text.isdigit() and len(text) >= 12


def _require_plausible(times: pd.Series, file: RawFile, station: Station, now: datetime) -> None:
    if (early := times < _EARLIEST).any():
        row = int(np.flatnonzero(early)[0])
        msg = f"{file.name}: row {times.index[row]}: time {times.iloc[row]} lies before {_EARLIEST.year}; check the file's clock"
        raise SourceFormatError(msg)
    late = times > pd.Timestamp(now) + station.cadence
    if late.any():
        msg = (
            f"{file.name}: row {times.index[int(np.flatnonzero(late)[0])]}: time {times[late].iloc[0]} is in the future "
            f"(now {now:%Y-%m-%d %H:%M} by the station's clock, {int(late.sum())} rows); "
            f"check the file's clock and `timestamp.format`"
        )
        raise SourceFormatError(msg)
