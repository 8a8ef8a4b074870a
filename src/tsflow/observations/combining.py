"""How the rows of an hour become one: means, sums (rain), directions as vectors, by the speed of the wind where it is measured."""

import numpy as np
import pandas as pd

from tsflow.stations import deriving
from tsflow.stations.deriving import measures
from tsflow.stations.quantities import Combined
from tsflow.stations.station import Station


def combined(station: Station) -> dict[str, Combined]:
    """Return how values of each variable are combined."""
    return deriving.combined(station.units, station.said_quantities)


def hourly_range(station: Station, name: str) -> tuple[float, float]:
    """Return within what an hour's value of a variable lies: its range, or of an amount that of all the rows that are summed."""
    low, high = station.variables[name].range
    rows = station.rows_per_hour if combined(station)[name] == "sum" else 1
    return low * rows, high * rows


def averages(frame: pd.DataFrame, station: Station) -> pd.DataFrame:
    """Return what the rows that end in each hour come to, stamped with its end; an hour with a missing row is missing."""
    hours = pd.DatetimeIndex(frame.index).ceil("h")
    complete = frame.groupby(hours).size() == station.rows_per_hour
    how = combined(station)
    speed = _speed(frame, station)
    columns = {}
    for name in map(str, frame.columns):
        if how[name] == "direction":
            columns[name] = _mean_direction(frame[name], speed, hours)
        elif how[name] == "sum":
            columns[name] = frame[name].groupby(hours).sum(min_count=station.rows_per_hour)
        else:
            columns[name] = frame[name].groupby(hours).mean(skipna=False)
    return pd.DataFrame(columns)[complete]


def sums_to_each_row(frame: pd.DataFrame, station: Station) -> pd.DataFrame:
    """Return the same rows with the sum of the last hour in place of each amount: what fell, where others say what is."""
    how = combined(station)
    amounts = [name for name in map(str, frame.columns) if how[name] == "sum"]
    if not amounts:
        return frame
    sums = frame[amounts].rolling("1h", min_periods=station.rows_per_hour).sum()
    return frame.assign(**{name: sums[name] for name in amounts})


def _speed(frame: pd.DataFrame, station: Station) -> "pd.Series[float] | None":
    measured = measures(station.units, station.said_quantities)
    found = [name for name in map(str, frame.columns) if measured.get(name) == "wind_speed"]
    return frame[found[0]] if found else None


def _mean_direction(degrees: "pd.Series[float]", speed: "pd.Series[float] | None", hours: pd.DatetimeIndex) -> "pd.Series[float]":
    """Average directions as vectors as long as the wind was fast; all alike where it is not measured, or was calm all the hour."""
    angle = np.deg2rad(degrees.to_numpy(dtype=np.float64))
    sin, cos = (_hourly_mean(pd.Series(part, index=degrees.index), speed, hours) for part in (np.sin(angle), np.cos(angle)))
    return pd.Series(np.rad2deg(np.arctan2(sin.to_numpy(), cos.to_numpy())) % 360, index=sin.index)


def _hourly_mean(part: "pd.Series[float]", speed: "pd.Series[float] | None", hours: pd.DatetimeIndex) -> "pd.Series[float]":
    plain = part.groupby(hours).mean(skipna=False)
    if speed is None:
        return plain
    total = speed.groupby(hours).sum(min_count=1)
    weighted = (part * speed).groupby(hours).mean(skipna=False)
    return weighted.where((total > 0) & weighted.notna(), plain)
