"""From observations at the station's cadence to one complete row an hour.

::

    cadence 10 min   x x x . . x x x x x  .  .  .  .  .  .  .  . x x x x x x
                           ^ short: filled    ^ long: never filled
    hourly           |---- segment 0 ----|                      |- segment 1 -|

Rows of one segment are consecutive hours; no window spans two segments (but in a split that counts rows,
as the published figures do).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tsflow.errors import DataValidationError
from tsflow.observations.combining import averages, combined, sums_to_each_row
from tsflow.observations.filling import fill, grid_of
from tsflow.observations.plausible import plausible
from tsflow.observations.sides import dead, filled
from tsflow.records.dataset import Break, HourlyReport, Implausible
from tsflow.settings import HourlySettings
from tsflow.stations.parse import missing_rows
from tsflow.stations.quantities import Combined
from tsflow.stations.station import Station

_HOUR = pd.Timedelta(hours=1)
_MEASURED_SHARE = 0.5  # of an hour's rows, for their mean to count as measured
_LOST_HOURS = 2  # as many rows as make these after the last hour: they find none, instead of waiting for one's rest


@dataclass(frozen=True)
class HourlyFrame:
    """`frame`: time, features, segment; no missing value. `report`: what was filled, left out, and where it breaks."""

    frame: pd.DataFrame
    report: HourlyReport
    settings: HourlySettings  # with which it was made
    measured: pd.DataFrame  # of the features, by row of the frame: False where the value was filled in

    @property
    def features(self) -> list[str]:
        """The variables that are there."""
        return [str(name) for name in self.measured]


def hourly_frame(
    observations: pd.DataFrame, station: Station, settings: HourlySettings, *, target: str | None = None
) -> HourlyFrame:
    """Return one complete row an hour.

    Subsampling takes for each hour the row at the station's `timestamp.minute`, or the nearest within half a cadence: a logger that
    restarts off its grid keeps its hours. The mean averages the rows that end in an hour, and is stamped with its end. Amounts,
    such as rain, are those of the whole hour either way.

    Parameters
    ----------
    target
        The variable without which an hour is none; others are filled in, or left out if they are missing too often (`sides.py`).
        None: all of the station's variables are wanted, and an hour that lacks one is none.

    Raises
    ------
    DataValidationError
        If no row is complete, a variable was never stored, or the hours end long before the observations do.
    """
    names = _stored(observations, station, target)
    by_time, whole, implausible = _filled_rows(observations, station, names, settings)
    grid = pd.DatetimeIndex(whole.index)
    hourly, taken = _one_row_an_hour(whole, station, settings)
    _require_current(hourly, grid, station)
    complete, sides = _complete(hourly, target, settings, combined(station))
    _require_some(complete, whole, [str(name) for name in complete], station)
    times = complete.index.to_series()
    missing_hours = missing_rows(times, _HOUR)
    frame = complete.rename_axis("time").reset_index()
    frame["segment"] = (missing_hours > 0).cumsum().to_numpy()
    report = sides.changed(
        rows=len(frame),
        first=times.iloc[0],
        last=times.iloc[-1],
        filled_rows=len(grid) - len(observations),
        filled_values={name: int(whole[name].notna().sum() - by_time[name].notna().sum()) for name in names},
        dropped_hours=len(hourly) - len(complete),
        shifted_hours=int((taken != hourly.index).sum()),
        set_aside=_by_variable(implausible),
        implausible=implausible,
        left_out={**{name: 1.0 for name in station.variables if name not in names}, **sides.left_out},
        breaks=_breaks(times, missing_hours),
    )
    rows = by_time[list(complete)].notna().reindex(grid, fill_value=False)
    known = _measured(rows, pd.Series(taken, index=hourly.index)[complete.index], station, settings)
    return HourlyFrame(frame, report, settings, known)


def _filled_rows(
    observations: pd.DataFrame, station: Station, names: list[str], settings: HourlySettings
) -> tuple[pd.DataFrame, pd.DataFrame, list[Implausible]]:
    """Return plausible rows by time, the same with short gaps filled, and what was set aside."""
    cadence, limit = pd.Timedelta(station.cadence), pd.Timedelta(settings.fill_gaps_up_to)
    measured, implausible = plausible(observations, station)
    by_time, grid, how = measured.set_index("time")[names], grid_of(observations["time"], limit, cadence), combined(station)
    columns = {name: fill(by_time[name], grid, limit, cadence, how=how[name]) for name in names}
    return by_time, pd.DataFrame(columns, index=grid), implausible


def _complete(
    hourly: pd.DataFrame, target: str | None, settings: HourlySettings, how: Mapping[str, Combined]
) -> tuple[pd.DataFrame, HourlyReport]:
    """Return the hours that have no missing value, after variables beside the target were filled in or left out."""
    if target is None:
        return hourly.dropna(), HourlyReport()
    left_out = dead(hourly, target, settings.side_missing_share)
    complete, side_filled = filled(hourly.drop(columns=list(left_out)), target, how)
    return complete, HourlyReport(left_out=left_out, side_filled=side_filled)


def _stored(observations: pd.DataFrame, station: Station, target: str | None) -> list[str]:
    """Return the variables that were ever stored, of which the target must be one, or without one all."""
    if observations.empty:
        msg = f"station {station.station}: no observations up to the as-of; run `tsflow ingest`, or give a later as-of"
        raise DataValidationError(msg)
    wanted = list(station.variables) if target is None else [target]
    if lacking := [name for name in wanted if name not in observations]:
        msg = f"station {station.station}: never stored: {', '.join(lacking)}; ingest again with the present station file"
        raise DataValidationError(msg)
    return [name for name in station.variables if name in observations]


def _measured(rows: pd.DataFrame, taken: pd.Series, station: Station, settings: HourlySettings) -> pd.DataFrame:
    """Return for each hour and variable whether it was measured: the row it was taken from, or half of those it is the mean of."""
    if settings.method == "mean" and station.rows_per_hour > 1:
        rows = rows.groupby(pd.DatetimeIndex(rows.index).ceil("h")).mean() >= _MEASURED_SHARE
    return rows.reindex(pd.DatetimeIndex(taken), fill_value=False).reset_index(drop=True)


def _require_some(complete: pd.DataFrame, whole: pd.DataFrame, names: list[str], station: Station) -> None:
    if complete.empty:
        empty = [name for name in names if whole[name].isna().all()]
        msg = (
            f"station {station.station}: no hour has all variables ({', '.join(empty) or 'missing at different times'}); "
            f"drop a variable from the station file"
        )
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


def _one_row_an_hour(whole: pd.DataFrame, station: Station, settings: HourlySettings) -> tuple[pd.DataFrame, pd.DatetimeIndex]:
    """Return the hours, and the time of the row that each was taken from, or of its last one."""
    times = pd.DatetimeIndex(whole.index)
    if station.rows_per_hour == 1:
        return whole, times
    if settings.method == "mean":
        averaged = averages(whole, station)
        return averaged, pd.DatetimeIndex(averaged.index)
    first = times[0].floor("h") + pd.Timedelta(minutes=station.timestamp.minute)
    wanted = pd.date_range(first - _HOUR, times[-1] + _HOUR, freq="h").as_unit(times.unit)
    nearest = times.get_indexer(wanted, method="nearest", tolerance=station.cadence / 2)
    found = nearest >= 0
    rows = sums_to_each_row(whole, station)
    return rows.iloc[nearest[found]].set_axis(wanted[found]), times[nearest[found]]


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
