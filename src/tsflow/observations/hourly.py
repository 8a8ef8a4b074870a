"""From observations at the station's cadence to one complete row an hour.

::

    cadence 10 min   x x x . . x x x x x  .  .  .  .  .  .  .  . x x x x x x
                           ^ short: filled    ^ long: never filled
    hourly           |---- segment 0 ----|                      |- segment 1 -|

Rows of one segment are consecutive hours; no window spans two segments (but in a split that counts rows,
as the published figures do).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tsflow.errors import DataValidationError
from tsflow.observations.plausible import plausible
from tsflow.records.dataset import Break, HourlyReport, Implausible
from tsflow.settings import HourlySettings
from tsflow.stations.parse import missing_rows
from tsflow.stations.station import Station

_HOUR = pd.Timedelta(hours=1)
_LOST_HOURS = 2  # as many rows as make these after the last hour: they find none, instead of waiting for one's rest


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

    Subsampling takes for each hour the row at the station's `timestamp.minute`, or the nearest within half a cadence: a logger that
    restarts off its grid keeps its hours. The mean averages the rows that end in an hour, and is stamped with its end.

    Raises
    ------
    DataValidationError
        If no row is complete, a variable was never stored, or the hours end long before the observations do.
    """
    names = list(station.variables)
    _require_stored(observations, station)
    cadence, limit = pd.Timedelta(station.cadence), pd.Timedelta(settings.fill_gaps_up_to)
    grid = _grid(observations["time"], limit, cadence)
    measured, implausible = plausible(observations, station)
    by_time = measured.set_index("time")[names]
    filled = pd.DataFrame(
        {name: _fill(by_time[name], grid, limit, cadence, circular=_is_direction(station, name)) for name in names}, index=grid
    )
    hourly, shifted = _one_row_an_hour(filled, station, settings)
    _require_current(hourly, grid, station)
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
        shifted_hours=shifted,
        set_aside=_by_variable(implausible),
        implausible=implausible,
        breaks=_breaks(times, missing_hours),
    )
    return HourlyFrame(frame, report, settings)


def _require_stored(observations: pd.DataFrame, station: Station) -> None:
    if observations.empty:
        msg = f"station {station.station}: no observations up to the as-of; run `tsflow ingest`, or give a later as-of"
        raise DataValidationError(msg)
    if lacking := [name for name in station.variables if name not in observations]:
        msg = f"station {station.station}: never stored: {', '.join(lacking)}; ingest again with the present station file"
        raise DataValidationError(msg)


def _by_variable(implausible: list[Implausible]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for seen in implausible:
        counts[seen.variable] = counts.get(seen.variable, 0) + seen.count
    return counts


def _breaks(times: pd.Series, missing_hours: pd.Series) -> list[Break]:
    return [
        Break(after=times.iloc[i - 1], before=times.iloc[i], missing_hours=int(missing_hours.iloc[i]))
        for i in np.flatnonzero(missing_hours > 0)
    ]


def _one_row_an_hour(filled: pd.DataFrame, station: Station, settings: HourlySettings) -> tuple[pd.DataFrame, int]:
    """Return the hours, and how many of them were taken from a row beside their minute."""
    if station.rows_per_hour == 1:
        return filled, 0
    if settings.method == "mean":
        return _average(filled, station), 0
    times = pd.DatetimeIndex(filled.index)
    first = times[0].floor("h") + pd.Timedelta(minutes=station.timestamp.minute)
    wanted = pd.date_range(first - _HOUR, times[-1] + _HOUR, freq="h").as_unit(times.unit)
    nearest = times.get_indexer(wanted, method="nearest", tolerance=station.cadence / 2)
    found = nearest >= 0
    hours = filled.iloc[nearest[found]].set_axis(wanted[found])
    return hours, int((times[nearest[found]] != wanted[found]).sum())


def _require_current(hourly: pd.DataFrame, rows: pd.DatetimeIndex, station: Station) -> None:
    """Raise if hours stop while rows go on coming: then none of them comes near the wanted minute any more."""
    later = rows if hourly.empty else rows[rows > hourly.index[-1]]
    if len(later) < _LOST_HOURS * station.rows_per_hour:
        return
    last = "nowhere" if hourly.empty else f"at {hourly.index[-1]}"
    msg = (
        f"station {station.station}: hours end {last}, long before the newest observation at {rows[-1]}: no row lies within half a "
        f"cadence of minute {station.timestamp.minute} of the hour; correct `timestamp.minute` or `cadence` in the station file"
    )
    raise DataValidationError(msg)
