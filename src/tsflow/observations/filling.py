"""Filling what is missing for a short time: between two measured values, directions on the circle; no amount is made up."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.stations.parse import missing_rows
from tsflow.stations.quantities import Combined


def fill(
    values: pd.Series, grid: pd.DatetimeIndex, limit: pd.Timedelta, cadence: pd.Timedelta, *, how: Combined
) -> NDArray[np.float64]:
    """Return values at the grid's times, [len(grid)]: interpolated over runs of missing ones up to `limit` long, else NaN.

    Of an amount, such as rain, nothing is added there: what is interpolated and then summed is more than was ever measured.
    """
    known = values.dropna()
    if known.empty:
        return np.full(len(grid), np.nan)
    at, x = grid.asi8.astype(float), pd.DatetimeIndex(known.index).as_unit(grid.unit).asi8.astype(float)
    if how == "sum":
        filled = np.zeros(len(grid))
    elif how == "direction":
        angle = np.deg2rad(known.to_numpy())
        filled = np.rad2deg(np.arctan2(np.interp(at, x, np.sin(angle)), np.interp(at, x, np.cos(angle)))) % 360
    else:
        filled = np.interp(at, x, known.to_numpy())
    following = np.searchsorted(x, at, side="left")
    exact = x[np.minimum(following, len(x) - 1)] == at
    filled[exact] = known.to_numpy()[following[exact]]  # measured values stay as they are, to the last bit
    inside = (following > 0) & (following < len(x))
    width = np.where(inside, x[np.minimum(following, len(x) - 1)] - x[np.maximum(following - 1, 0)], np.inf)
    unit = pd.Timedelta(1, grid.unit)
    return np.where(exact | (width <= (limit + cadence) / unit), filled, np.nan)


def grid_of(times: "pd.Series[pd.Timestamp]", limit: pd.Timedelta, cadence: pd.Timedelta) -> pd.DatetimeIndex:
    """Return the observations' times and, in gaps up to `limit`, the times that are missing."""
    known, step = times.to_numpy(), cadence.to_timedelta64()
    missing = missing_rows(times, cadence).to_numpy()[1:]
    short = (missing > 0) & (np.diff(known) - step <= limit.to_timedelta64())
    added = [known[i] + step * np.arange(1, missing[i] + 1) for i in np.flatnonzero(short)]
    return pd.DatetimeIndex(np.sort(np.concatenate([known, *added])))
