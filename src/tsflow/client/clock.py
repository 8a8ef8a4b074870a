"""The station's clock, which keeps one offset from UTC all year: a frame's times read by it, and a champion's age."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsflow.bundle.data_until import data_until
from tsflow.bundle.manifest import Manifest
from tsflow.errors import DataError

Times = NDArray[np.datetime64]

_HOUR_SECONDS = 3600
_JITTER_SECONDS = 300  # of a logger, on both sides of the hour


def tells_clock(manifest: Manifest) -> bool:
    """Say whether the bundle knows its station's offset from UTC; one of an older tsflow does not."""
    hours = manifest.hourly
    told = hours.minute is not None or bool(hours.missing) or hours.utc_offset_hours != 0
    return told or any(column.range is not None for column in manifest.features)


def explained(manifest: Manifest) -> str:
    """Say by which clock times are read."""
    if not tells_clock(manifest):
        return "times by the station's clock, without a zone; the bundle, of an older tsflow, does not say its offset from UTC"
    minutes = round(manifest.hourly.utc_offset_hours * 60)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    zone = f"UTC{sign}{hours:02d}:{rest:02d}"
    minute = manifest.hourly.minute
    rows = "" if minute is None else f"; rows of the training were those of minute {minute}"
    return f"times by the station's clock, {zone} all year without summer time; times with a zone are converted to it{rows}"


def times_of(values: NDArray[Any], zone: object, manifest: Manifest, rows: int) -> Times:
    """Return the last `rows` times by the station's clock, shape [rows], in seconds.

    Parameters
    ----------
    values
        datetime64, datetimes, dates or ISO strings; those with a zone are converted to the station's clock.
    zone
        That of the column they come from, if `values` shows UTC without saying so; else None.

    Raises
    ------
    DataError
        If one is missing or no time, or has a zone where the bundle does not say the station's.
    """
    first = len(values) - rows
    last = values[first:]
    if values.dtype.kind == "M":
        times: Times = last.astype("datetime64[s]")
        if zone is not None:
            times = times + _offset(manifest, f"times of zone {zone}")
    elif values.dtype.kind in "OUS":
        times = np.array([_time(value, first + i, manifest) for i, value in enumerate(last)], dtype="datetime64[s]")
    else:
        msg = f"time: found a column of {values.dtype}, expected datetime64, datetimes or ISO strings; {explained(manifest)}"
        raise DataError(msg)
    if np.isnat(times).any():
        msg = f"time: found none in row {first + int(np.flatnonzero(np.isnat(times))[0])}, expected one in every row; drop the row"
        raise DataError(msg)
    return times


def require_hours(times: Times, first: int) -> None:
    """Raise `DataError` unless rows are an hour apart, give or take 5 minutes of a logger's jitter; `first`: the first's number."""
    steps = np.diff(times).astype("timedelta64[s]").astype(np.int64)
    wrong = np.flatnonzero(np.abs(steps - _HOUR_SECONDS) > _JITTER_SECONDS)
    if len(wrong):
        at = int(wrong[0])
        rows = f"rows {first + at} and {first + at + 1}, {steps[at] / 60:g} minutes"
        found = f"time goes from {times[at]} to {times[at + 1]} ({rows})"
        msg = f"{found}; expected one row an hour without gaps; make hours of the rows, and give those after the last gap"
        raise DataError(msg)


def zone_of(column: object) -> object:
    """Return the zone of a column of times, which numpy shows in UTC without saying so: pandas says `tz`, polars `time_zone`."""
    kind = getattr(column, "dtype", None)
    return getattr(kind, "tz", None) or getattr(kind, "time_zone", None)


def utc_now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


def age_of(manifest: Manifest) -> timedelta:
    """Return how long ago the newest data were observed that the model could learn from."""
    until = data_until(manifest)
    if until.tzinfo is None:
        until = (until - timedelta(hours=manifest.hourly.utc_offset_hours)).replace(tzinfo=UTC)
    return utc_now() - until


def _offset(manifest: Manifest, found: str) -> np.timedelta64:
    if not tells_clock(manifest):
        msg = f"time: found {found}, expected {explained(manifest)}; give the times as the station's clock shows them"
        raise DataError(msg)
    return np.timedelta64(round(manifest.hourly.utc_offset_hours * _HOUR_SECONDS), "s")


def _time(value: object, row: int, manifest: Manifest) -> np.datetime64:
    if isinstance(value, np.datetime64):
        seconds: np.datetime64 = value.astype("datetime64[s]")
        return seconds
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            msg = f"time: found {str(value)!r} in row {row}, expected ISO 8601, such as 2026-11-24T07:00; {explained(manifest)}"
            raise DataError(msg) from error
    if not isinstance(value, date):
        msg = f"time: found {value!r} in row {row}, expected a datetime; {explained(manifest)}"
        raise DataError(msg)
    if value != value:  # noqa: PLR0124  # pandas' NaT is a datetime, not equal to itself
        return np.datetime64("NaT", "s")
    if isinstance(value, datetime) and value.tzinfo is not None:
        try:
            utc = value.astimezone(UTC).replace(tzinfo=None)
        except OverflowError as error:
            msg = f"time: found {value.isoformat()} in row {row}, which UTC has no year for; {explained(manifest)}"
            raise DataError(msg) from error
        return np.datetime64(utc, "s") + _offset(manifest, f"{value.isoformat()}, a time with a zone, in row {row}")
    return np.datetime64(value, "s")
