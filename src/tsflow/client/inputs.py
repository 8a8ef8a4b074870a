"""From what a program hands over to a model's input; what the model never saw is refused by name."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsflow.bundle.calendar import CALENDAR, calendar
from tsflow.bundle.manifest import Manifest
from tsflow.errors import DataError

Times = NDArray[np.datetime64]
_HOUR = np.timedelta64(1, "h")


def features(manifest: Manifest) -> list[str]:
    """Return the columns that are handed over; the calendar's follow from `time`."""
    return [column.name for column in manifest.features if column.name not in CALENDAR]


def context_of(frame: Mapping[str, ArrayLike], manifest: Manifest) -> tuple[NDArray[np.float64], Times]:
    """Return the last hours of a frame as the model reads them, [context_hours, n_columns], with their times.

    Raises
    ------
    DataError
        If a column or hours are missing, a value is missing, a sentinel, no number, or outside the station's range.
    """
    names, context = features(manifest), manifest.context_hours
    if lacking := [name for name in ["time", *names] if name not in list(frame.keys())]:
        msg = f"the frame lacks {', '.join(lacking)}; found {', '.join(map(str, frame.keys()))}"
        raise DataError(msg)
    times = clock_times(frame["time"], manifest.hourly.utc_offset_hours)
    columns = {name: _numbers(name, frame[name], len(times)) for name in names}
    if len(times) < context:
        msg = f"the frame has {len(times)} rows, the model reads {context} consecutive hours; give it more history"
        raise DataError(msg)
    times = times[-context:]
    _require_hours(times)
    rows = np.stack([columns[name][-context:] for name in names], axis=-1)
    if not np.isfinite(rows).all():
        short = [name for name, column in zip(names, rows.T, strict=True) if not np.isfinite(column).all()]
        msg = f"missing values in the last {context} rows of {', '.join(short)}; fill or drop them"
        raise DataError(msg)
    clock = dict(zip(CALENDAR, calendar(times).T, strict=True))
    measured = dict(zip(names, rows.T, strict=True))
    table = np.stack([(measured | clock)[column.name] for column in manifest.features], axis=-1)
    require_seen(table[None], manifest, times)
    return table, times


def require_seen(contexts: NDArray[Any], manifest: Manifest, times: Times | None = None) -> None:
    """Raise `DataError` if a value of contexts [n, context_hours, n_columns] is missing, a sentinel, or outside its range."""
    if not np.isfinite(contexts).all():
        window, hour, at = (int(place) for place in np.argwhere(~np.isfinite(contexts))[0])
        msg = f"{manifest.features[at].name} is missing in window {window}, hour {hour}; fill it, or leave the window out"
        raise DataError(msg)
    for place, column in enumerate(manifest.features):
        values = contexts[:, :, place]
        sentinel = np.isin(values, np.asarray(manifest.hourly.missing, dtype=values.dtype))
        outside = np.zeros_like(sentinel)
        if column.range is not None:
            low, high = column.range
            slack = 1e-4 * (high - low)  # what is rounded to a float of four bytes may lie a hair beyond
            outside = (values < low - slack) | (values > high + slack)
        if (wrong := sentinel | outside).any():
            window, hour = (int(index) for index in np.argwhere(wrong)[0])
            where = f"at {times[hour]}" if times is not None else f"in window {window}, hour {hour}"
            found = f"{column.name} is {values[window, hour]:g} {where}"
            why = (
                "which stands for a missing value"
                if sentinel[window, hour]
                else f"the station measures {column.range[0]:g} to {column.range[1]:g} {column.unit}"
                if column.range
                else ""
            )
            msg = f"{found}; {why}; check the unit, or drop the row"
            raise DataError(msg)


def clock_times(values: ArrayLike, utc_offset_hours: float | None) -> Times:
    """Return times by the station's clock, shape [n]; those with a zone are converted to it.

    Raises
    ------
    DataError
        If something is no time.
    """
    if getattr(getattr(values, "dtype", None), "tz", None) is not None:  # pandas, with a zone: numpy gets it in UTC
        offset = np.timedelta64(round(_known(utc_offset_hours) * 3600), "s")
        zoned: Times = np.asarray(values, dtype="datetime64[ns]").astype("datetime64[s]")
        return (zoned + offset).astype("datetime64[s]")
    found = np.asarray(values)
    if found.dtype.kind != "M":
        found = np.array([_clock_time(value, utc_offset_hours) for value in found.ravel()], dtype="datetime64[s]")
    if np.isnat(found).any():
        msg = f"time is missing in row {int(np.flatnonzero(np.isnat(found))[0])}; every row needs one"
        raise DataError(msg)
    return found.astype("datetime64[s]")


def _known(utc_offset_hours: float | None) -> float:
    if utc_offset_hours is None:
        msg = "times have a zone, and the champion, of an older tsflow, does not tell the station's clock; give times by that clock"
        raise DataError(msg)
    return utc_offset_hours


def _clock_time(value: Any, utc_offset_hours: float | None) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        msg = f"time {str(value)!r} is no date and time; give datetime64, datetime, or ISO 8601 such as 2026-06-30T12:00"
        raise DataError(msg) from error
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None) + timedelta(hours=_known(utc_offset_hours))


def _numbers(name: str, values: ArrayLike, rows: int) -> NDArray[np.float64]:
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"{name} holds something that is no number ({error}); give one number a row"
        raise DataError(msg) from error
    if found.shape != (rows,):
        msg = f"{name} has the shape {list(found.shape)}, time has {rows} rows; give one number a row"
        raise DataError(msg)
    return found


def _require_hours(times: Times) -> None:
    steps = np.diff(times)
    if not (steps == _HOUR).all():
        at = int(np.flatnonzero(steps != _HOUR)[0])
        msg = f"time goes from {times[at]} to {times[at + 1]}; expected one row an hour without gaps, always at the same minute"
        raise DataError(msg)
