"""From the cells that give a row's time to the end of its averaging, by the station's clock."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tsflow.errors import SourceFormatError
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station
from tsflow.stations.timestamp import EPOCHS, ISO8601, Timestamp

if TYPE_CHECKING:
    import pyarrow as pa

_EARLIEST = pd.Timestamp(1750, 1, 1)  # no record of measurements is older
_ISO8601 = r"\d{4}-?\d\d-?\d\d[T ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?"  # a date and at least an hour
_END_OF_DAY = r"^(\d{4}-?\d\d-?\d\d[T ])24((?::?00)*(?:[.,]0+)?(?:$|[ Zz+-]))"
_ZONE = r" ?(?:[Zz]|[+-]\d\d(?::?\d\d)?)"
_DIGITS_ALONE = {"Y", "m", "d", "H", "M", "S"}  # of fixed widths
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
    return in_form(texts, timestamp.format)


def in_form(texts: pd.Series, form: str) -> pd.Series:
    """Return times in a form of strptime, none where a text is not of it; the end of a day may be said as its hour 24."""
    times = _formatted(texts, form)
    if "%H" not in form or times.notna().all():
        return times
    end_of_day = form.replace("%H", "24").replace("%M", "00").replace("%S", "00")
    left, length = texts[times.isna()], length_of(form)
    days = _formatted(left if length is None else left[left.str.len() == length], end_of_day).dropna()
    days = days[days == days.dt.normalize()]  # no fraction of a second comes after the day
    return times.where(~times.index.isin(days.index), days.reindex(times.index) + pd.Timedelta(days=1)) if len(days) else times


def _formatted(texts: pd.Series, form: str) -> pd.Series:
    """Return times in a form of strptime; by Arrow, twenty times as fast, where it is sure to read what pandas does.

    It takes the 31st of February for a day in March, and the second 60 for the next minute; so days and seconds must be those that
    the texts say. Without such rows, and with one length of all texts, there is nothing else that it forgives.
    """
    if (length := length_of(form)) is not None:
        texts = texts.where(texts.str.len() == length)
    if not texts.empty and set(re.findall("%(.)", form)) <= _DIGITS_ALONE:
        import pyarrow as pa
        from pyarrow import compute as pc

        given = pa.array(texts, pa.string())
        times = pc.strptime(given, format=form, unit="s", error_is_null=True)
        if not times.null_count and _reads_back(given, times, form):
            return pd.Series(times.to_pandas().array, index=texts.index)
    return pd.to_datetime(texts, format=form, errors="coerce")


def length_of(form: str) -> int | None:
    """Return how many characters a time in a form of digits alone has: of fewer, strptime would take one where two should stand."""
    if re.fullmatch("(?:%[YmdHMSyj])+", form) is None:
        return None
    return sum({"Y": 4, "j": 3}.get(each, 2) for each in form.split("%")[1:])


def _reads_back(given: pa.Array, times: pa.Array, form: str) -> bool:
    from pyarrow import compute as pc

    lengths = pc.min_max(pc.utf8_length(given))
    if lengths["min"] != lengths["max"] or pc.any(pc.not_equal(pc.count_substring(given, " "), form.count(" "))).as_py():
        return False
    if pc.strftime(times[:1], format=form)[0] != given[0]:  # the one length may be that of texts which lack digits
        return False
    return all(_says(given, form, directive, part(times)) for directive, part in (("%d", pc.day), ("%S", pc.second)))


def _says(given: pa.Array, form: str, directive: str, numbers: pa.Array) -> bool:
    """Say whether the two digits of a directive, of texts with all the digits that they may have, are these numbers."""
    import pyarrow as pa
    from pyarrow import compute as pc

    before, found, _ = form.partition(directive)
    at = len(before) + 2 * before.count("%Y")
    try:
        return not found or bool(pc.all(pc.equal(pc.cast(pc.utf8_slice_codeunits(given, at, at + 2), pa.int64()), numbers)).as_py())
    except pa.ArrowInvalid:  # no digits
        return False


def _iso8601(texts: pd.Series, timestamp: Timestamp) -> pd.Series:
    """Return the times of texts of which some may name a zone; those without are the station's clock's."""
    formed = texts.where(texts.str.fullmatch(f"{_ISO8601}(?:{_ZONE})?", na=False))
    ends = formed.str.match(_END_OF_DAY, na=False)
    formed = formed.where(~ends, formed.str.replace(_END_OF_DAY, r"\g<1>00\g<2>", regex=True))
    zoned = formed.str.fullmatch(f"{_ISO8601}{_ZONE}", na=False)
    times = pd.to_datetime(formed, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    times = times.where(~ends, times + pd.Timedelta(days=1))
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
