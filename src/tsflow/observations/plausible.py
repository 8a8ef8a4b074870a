"""Single values that no instrument of the station can have measured: set aside when rows are read, and kept in the store.

::

    out of range   5.1 5.2 592.2 5.3        outside the variable's `range`
    stuck          5.1 5.1 5.1 5.1 ...      the same for longer than `stuck_for`; its first value was measured
    spike          5.1 5.2 25.0 5.3         away by more than `step_at_most`, on both sides, for three rows or fewer

A change that stays is no spike: weather has fronts. Nor is one in the newest row, of which nobody knows yet whether it comes back.
"""

from collections.abc import Iterable
from functools import reduce
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.records.dataset import Implausible, ImplausibleKind, Reading
from tsflow.stations.station import Station
from tsflow.stations.variable import Variable

KINDS: tuple[ImplausibleKind, ...] = get_args(ImplausibleKind)
SPIKE_ROWS = 3  # more in a row are weather, or a fault that somebody should look at
BRIDGED_ROWS = 3  # a value that is the same after so many rows without one has not changed
FIRST_ONES = 5

Rows = NDArray[np.bool_]  # which rows of a frame


def judged(observations: pd.DataFrame, station: Station) -> dict[str, dict[ImplausibleKind, Rows]]:
    """Return which rows of each variable are implausible, by kind; a row is of the first kind alone that fits it.

    What a formula makes of a value that is set aside is set aside as well.
    """
    times = observations["time"].to_numpy()
    found: dict[str, dict[ImplausibleKind, Rows]] = {}
    for name, variable in station.variables.items():
        if name in observations:
            values = observations[name].to_numpy(dtype=np.float64)
            inputs = station.derivations[name].inputs if variable.derived else ()
            found[name] = _of_variable(times, values, variable, station, [found[one] for one in inputs if one in found])
    return found


def plausible(observations: pd.DataFrame, station: Station) -> tuple[pd.DataFrame, list[Implausible]]:
    """Return observations with NaN in place of what is implausible, and what that was, by variable and kind.

    The store keeps what was measured, so that a setting that is corrected later brings values back.
    """
    columns, told = {}, []
    for name, kinds in judged(observations, station).items():
        told += [seen for kind, rows in kinds.items() if (seen := described(observations, name, kind, rows)).count]
        if (aside := any_of(kinds.values(), len(observations))).any():
            columns[name] = np.where(aside, np.nan, observations[name].to_numpy(dtype=np.float64))
    return observations.assign(**columns), told


def described(observations: pd.DataFrame, name: str, kind: ImplausibleKind, rows: Rows) -> Implausible:
    """Return how many rows of a variable these are, with time and value of the first ones."""
    first = observations.loc[rows, ["time", name]].head(FIRST_ONES)
    readings = [
        Reading(time=time.to_pydatetime(), value=float(value) if np.isfinite(value) else None)
        for time, value in zip(first["time"], first[name], strict=True)
    ]
    return Implausible(variable=name, kind=kind, count=int(rows.sum()), first=readings)


def any_of(kinds: Iterable[Rows], rows: int) -> Rows:
    """Return the rows that are of one of some kinds."""
    result = np.zeros(rows, dtype=np.bool_)
    for kind in kinds:
        result |= kind
    return result


def _of_variable(
    times: NDArray[np.datetime64],
    values: NDArray[np.float64],
    variable: Variable,
    station: Station,
    inputs: list[dict[ImplausibleKind, Rows]],
) -> dict[ImplausibleKind, Rows]:
    low, high = variable.range
    cadence = np.timedelta64(station.cadence)
    known, left = ~np.isnan(values), values
    found: dict[ImplausibleKind, Rows] = {}
    for kind in KINDS:
        rows = known & any_of((one[kind] for one in inputs), len(values))
        if kind == "out of range":
            rows |= (values < low) | (values > high)  # NaN is neither
        elif kind == "stuck" and variable.stuck_for is not None:
            rows |= _stuck(times, left, np.timedelta64(variable.stuck_for), cadence)
        elif kind == "spike" and variable.step_at_most is not None:
            rows |= _spikes(times, left, variable.step_at_most, cadence)
        found[kind] = rows & ~any_of(found.values(), len(values))
        left = np.where(found[kind], np.nan, left)
    return found


def _stuck(times: NDArray[np.datetime64], values: NDArray[np.float64], longest: np.timedelta64, cadence: np.timedelta64) -> Rows:
    """Return the rows of runs of one value that last longer than this, but the first row of each."""
    result = np.zeros(len(values), dtype=np.bool_)
    at = np.flatnonzero(~np.isnan(values))
    if len(at) == 0:
        return result
    kept, when = values[at], times[at]
    begins = np.concatenate([[True], (np.diff(kept) != 0) | (np.diff(when) > (BRIDGED_ROWS + 1) * cadence)])
    ends = np.concatenate([begins[1:], [True]])
    long = when[ends] - when[begins] > longest
    result[at] = long[np.cumsum(begins) - 1] & ~begins
    return result


def _spikes(times: NDArray[np.datetime64], values: NDArray[np.float64], step: float, cadence: np.timedelta64) -> Rows:
    """Return the rows that lie off both the row before and the row after them, on one side, where those two agree.

    Of two neighbours that may each be the one that is off, such as the 3 in `2 50 3 60 4`, the earlier one is.
    """
    result = np.zeros(len(values), dtype=np.bool_)
    at = np.flatnonzero(~np.isnan(values))
    kept, when = values[at], times[at]
    runs: list[tuple[int, int]] = []  # first row, rows
    for width in range(1, min(SPIKE_ROWS, len(at) - 2) + 1):
        before, after = kept[: -width - 1], kept[width + 1 :]
        inside = [kept[1 + offset : 1 + offset + len(before)] for offset in range(width)]  # [width, len(before)]
        above = reduce(np.minimum, inside) - np.maximum(before, after) > step
        below = np.minimum(before, after) - reduce(np.maximum, inside) > step
        unbroken = 2 * (when[width + 1 :] - when[: -width - 1]) < (2 * width + 3) * cadence
        hit = (above | below) & (np.abs(after - before) <= step) & unbroken
        runs += [(int(first) + 1, width) for first in np.flatnonzero(hit)]
    for first, width in sorted(runs):
        if not result[at[first - 1]]:
            result[at[first : first + width]] = True
    return result
