"""From observations at the station's cadence to one complete row an hour.

::

    cadence 10 min   x x x . . x x x x x  .  .  .  .  .  .  .  . x x x x x x
                           ^ short: filled    ^ long: never filled
    hourly           |---- segment 0 ----|                      |- segment 1 -|

Rows of one segment are consecutive hours; no window spans two segments (but in a split that counts rows,
as the published figures do).
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from tsflow.errors import DataValidationError
from tsflow.records.dataset import Break, HourlyReport
from tsflow.settings import HourlySettings
from tsflow.stations.parse import missing_rows
from tsflow.stations.station import Station

_HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True)
class HourlyFrame:
    """`frame`: time, features, segment; no missing value. `report`: what was filled and where it breaks."""

    frame: pd.DataFrame
    report: HourlyReport
    settings: HourlySettings  # with which it was made


def _is_direction(station: Station, name: str) -> bool:
    return station.variables[name].unit == "deg"


def _fill(values: pd.Series, grid: pd.DatetimeIndex, limit: pd.Timedelta, cadence: pd.Timedelta, *, circular: bool) -> np.ndarray:
    """Interpolate in time over runs of missing values up to `limit` long; NaN stays in longer runs. Shape [len(grid)]."""
    known = values.dropna()
    if known.empty:
        return np.full(len(grid), np.nan)
    at, x = grid.asi8.astype(float), pd.DatetimeIndex(known.index).as_unit(grid.unit).asi8.astype(float)
    if circular:
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


def _grid(times: "pd.Series[pd.Timestamp]", limit: pd.Timedelta, cadence: pd.Timedelta) -> pd.DatetimeIndex:
    """Return the observations' times and, in gaps up to `limit`, the times that are missing."""
    known, step = times.to_numpy(), cadence.to_timedelta64()
    missing = missing_rows(times, cadence).to_numpy()[1:]
    short = (missing > 0) & (np.diff(known) - step <= limit.to_timedelta64())
    added = [known[i] + step * np.arange(1, missing[i] + 1) for i in np.flatnonzero(short)]
    return pd.DatetimeIndex(np.sort(np.concatenate([known, *added])))


def _average(frame: pd.DataFrame, station: Station) -> pd.DataFrame:
    """Average the rows that end in each hour; an hour with a missing row is missing. Directions average as vectors."""
    hours = pd.DatetimeIndex(frame.index).ceil("h")
    complete = frame.groupby(hours).size() == station.rows_per_hour
    columns = {}
    for name in map(str, frame.columns):
        if _is_direction(station, name):
            angle = np.deg2rad(frame[name])
            sin, cos = (part.groupby(hours).mean(skipna=False) for part in (np.sin(angle), np.cos(angle)))
            columns[name] = np.rad2deg(np.arctan2(sin, cos)) % 360
        else:
            columns[name] = frame[name].groupby(hours).mean(skipna=False)
    return pd.DataFrame(columns)[complete]


def hourly_frame(observations: pd.DataFrame, station: Station, settings: HourlySettings) -> HourlyFrame:
    """Return one complete row an hour with all the station's variables.

    Subsampling takes every `rows_per_hour`-th row of the station's time grid, beginning with the first row:
    what the published figures do. The mean averages the rows that end in an hour, and is stamped with its end.

    Raises
    ------
    DataValidationError
        If no row is complete, or a variable was never stored.
    """
    names = list(station.variables)
    if lacking := [name for name in names if name not in observations]:
        msg = f"station {station.station}: never stored: {', '.join(lacking)}; ingest again with the present station file"
        raise DataValidationError(msg)
    cadence, limit = pd.Timedelta(station.cadence), pd.Timedelta(settings.fill_gaps_up_to)
    if observations.empty:
        msg = f"station {station.station}: no observations up to the as-of; run `tsflow ingest`, or give a later as-of"
        raise DataValidationError(msg)
    grid = _grid(observations["time"], limit, cadence)
    by_time = observations.set_index("time")[names]
    filled = pd.DataFrame(
        {name: _fill(by_time[name], grid, limit, cadence, circular=_is_direction(station, name)) for name in names}, index=grid
    )
    hourly = _one_row_an_hour(filled, station, settings)
    complete = hourly.dropna()
    if complete.empty:
        empty = [name for name in names if filled[name].isna().all()]
        msg = (
            f"station {station.station}: no hour has all variables ({', '.join(empty) or 'missing at different times'}); "
            f"drop a variable from the station file"
        )
        raise DataValidationError(msg)
    times = complete.index.to_series()
    missing_hours = missing_rows(times, _HOUR)
    frame = complete.rename_axis("time").reset_index()
    frame["segment"] = (missing_hours > 0).cumsum().to_numpy()
    report = HourlyReport(
        rows=len(frame),
        first=times.iloc[0],
        last=times.iloc[-1],
        filled_rows=len(grid) - len(observations),
        filled_values={name: int(filled[name].notna().sum() - by_time[name].notna().sum()) for name in names},
        dropped_hours=len(hourly) - len(complete),
        breaks=_breaks(times, missing_hours),
    )
    return HourlyFrame(frame, report, settings)


def _breaks(times: pd.Series, missing_hours: pd.Series) -> list[Break]:
    return [
        Break(after=times.iloc[i - 1], before=times.iloc[i], missing_hours=int(missing_hours.iloc[i]))
        for i in np.flatnonzero(missing_hours > 0)
    ]


def _one_row_an_hour(filled: pd.DataFrame, station: Station, settings: HourlySettings) -> pd.DataFrame:
    if station.rows_per_hour == 1:
        return filled
    if settings.method == "mean":
        return _average(filled, station)
    hours: pd.DataFrame = filled[(filled.index - filled.index[0]) % _HOUR == timedelta(0)]
    return hours
