"""What a model may read: a frame's last rows, or ready windows, refused by column, row and value where they cannot be right.

A model answers to anything: pressure of -9999 or a temperature in Kelvin gives a forecast, too, and a wrong one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsflow.bundle.calendar import CALENDAR, calendar
from tsflow.bundle.manifest import Manifest
from tsflow.client.clock import Times, require_hours, times_of, zone_of
from tsflow.errors import DataError

Values = NDArray[np.float32]
Where = Callable[[int, int], str]  # window and row, in words


@dataclass(frozen=True)
class Window:
    """The input of one forecast."""

    rows: Values  # [context_hours, n_columns], in raw units, as the manifest's features
    times: Times  # [context_hours], by the station's clock


def measured(manifest: Manifest) -> list[str]:
    """Return the columns that a frame must have, besides `time`."""
    return [column.name for column in manifest.features if column.name not in CALENDAR]


def window_of(frame: Mapping[str, ArrayLike], manifest: Manifest) -> Window:
    """Return the last `context_hours` rows of a frame.

    Raises
    ------
    DataError
        Naming column, row and time of the first value that is missing, a sentinel, outside the station's range or no number; or
        the first two rows that are not an hour apart; or what the frame lacks.
    """
    columns = _columns(frame, ["time", *measured(manifest)])
    context = manifest.context_hours
    length = len(columns["time"])
    first = length - context
    if first < 0:
        msg = f"the frame has {length} rows, the model reads {context} consecutive hours; give it more history"
        raise DataError(msg)
    times = times_of(columns["time"], zone_of(frame["time"]), manifest, context)
    require_hours(times, first)
    clock = dict(zip(CALENDAR, calendar(times).T, strict=True))
    numbers = [
        clock[column.name] if column.name in clock else _numbers(columns[column.name][first:], column.name, first)
        for column in manifest.features
    ]
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused as infinite
        rows = np.stack(numbers, axis=-1).astype(np.float32)
    _require_plausible(rows[None], manifest, lambda _, row: f"at {times[row]} (row {first + row})", f"the last {context} rows")
    return Window(rows, times)


def windows_of(contexts: ArrayLike, manifest: Manifest) -> Values:
    """Return many windows, shape [n, context_hours, n_columns], checked as a frame's is; `DataError` names window and row."""
    try:
        with np.errstate(over="ignore"):
            inputs = np.asarray(contexts, dtype=np.float32)
    except (ValueError, TypeError) as error:
        msg = f"expected an array of numbers, found something else ({error})"
        raise DataError(msg) from error
    wanted = (manifest.context_hours, len(manifest.features))
    if inputs.ndim != 3 or inputs.shape[1:] != wanted:
        msg = f"expected an array of shape [n, {wanted[0]}, {wanted[1]}], found {list(inputs.shape)}"
        raise DataError(msg)
    _require_plausible(inputs, manifest, lambda window, row: f"in window {window}, row {row}", f"{len(inputs)} windows")
    return inputs


def _columns(frame: Mapping[str, ArrayLike], names: list[str]) -> dict[str, NDArray[Any]]:
    """Return the named columns, each of one dimension and all of one length."""
    if not hasattr(frame, "keys"):
        msg = f"found a {type(frame).__name__}, expected a DataFrame or a mapping of columns: {', '.join(names)}"
        raise DataError(msg)
    found = list(frame.keys())
    if lacking := [name for name in names if name not in found]:
        msg = f"the frame lacks {', '.join(lacking)}; found {', '.join(map(str, found))}"
        raise DataError(msg)
    columns = {name: _column(frame[name], name) for name in names}
    length = len(columns["time"])
    if other := {name: len(column) for name, column in columns.items() if len(column) != length}:
        name, found_length = next(iter(other.items()))
        msg = f"{name} has {found_length} rows, time has {length}; expected one value of each column for each time"
        raise DataError(msg)
    return columns


def _column(column: ArrayLike, name: str) -> NDArray[Any]:
    try:
        values = np.asarray(column.filled(np.nan) if isinstance(column, np.ma.MaskedArray) else column)
    except (ValueError, TypeError) as error:  # lists of different lengths; a mask over whole numbers, which know no NaN
        msg = f"{name}: expected one value a row, found something else ({error})"
        raise DataError(msg) from error
    if values.ndim != 1:
        msg = f"{name}: expected one value a row, found an array of shape {list(values.shape)}; is the column there twice?"
        raise DataError(msg)
    return values


def _numbers(values: NDArray[Any], name: str, first: int) -> NDArray[np.float64]:
    """Return numbers as such, missing ones as NaN; `first`: number of the first row."""
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    numbers = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if value is None or type(value).__name__ == "NAType":  # pandas' own word for "no value"
            continue
        try:
            if isinstance(value, (str, bytes, complex, np.datetime64, np.timedelta64)):
                raise TypeError
            numbers[i] = float(value)
        except (TypeError, ValueError, OverflowError) as error:
            found = str(value) if isinstance(value, str) else value  # numpy's own text would show its type
            msg = f"{name}: found {found!r} in row {first + i}, expected a number; convert the column before"
            raise DataError(msg) from error
    return numbers


def _require_plausible(inputs: Values, manifest: Manifest, where: Where, what: str) -> None:
    """Raise `DataError` at the first value that no instrument of the station can have measured; inputs: [n, rows, n_columns]."""
    missing = np.array(manifest.hourly.missing, dtype=np.float32)
    if not np.isfinite(inputs).all():
        names = [column.name for k, column in enumerate(manifest.features) if not np.isfinite(inputs[:, :, k]).all()]
        window, row, k = (int(i) for i in np.argwhere(~np.isfinite(inputs))[0])
        found = f"missing values in {what} of {', '.join(names)}: found {inputs[window, row, k]} of {manifest.features[k].name}"
        msg = f"{found} {where(window, row)}, expected a number; fill or drop them"
        raise DataError(msg)
    for k, column in enumerate(manifest.features):
        values = inputs[:, :, k]
        low, high = np.array(column.range or (-np.inf, np.inf), dtype=np.float32)  # a bound as precise as the value
        outside = (values < low) | (values > high)
        sentinel = np.isin(values, missing)
        if column.range is not None:  # inside it a number is a value: sentinels are told in the files' units, which may be others
            sentinel &= outside
        wrong = sentinel | outside
        if wrong.any():
            window, row = (int(i) for i in np.argwhere(wrong)[0])
            told = "a number" if column.range is None else f"{column.range[0]:g} to {column.range[1]:g} {column.unit}"
            stands = ", which stands for a missing value" if sentinel[window, row] else ""
            found = f"{column.name}: found {values[window, row]:g} {column.unit} {where(window, row)}{stands}"
            more = f" ({int(wrong.sum())} such values)" if wrong.sum() > 1 else ""
            msg = f"{found}, expected {told}{more}; " + ("fill or drop it" if stands else "check unit and instrument")
            raise DataError(msg)
