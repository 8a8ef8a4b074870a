"""Whether a file's times rise, and what it looks like when its clock is put back in autumn."""

from datetime import timedelta

import numpy as np
import pandas as pd

from tsflow.errors import SourceFormatError
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station

_AN_HOUR = timedelta(hours=1)
_ONE_OFFSET = "let the logger keep one offset from UTC all year, or write times with their zone and `timestamp.format: iso8601`"


def require_order(frame: pd.DataFrame, file: RawFile, station: Station) -> None:
    """Refuse a file whose times do not rise, repeats of earlier rows aside, or that has another hour under the same times.

    Raises
    ------
    SourceFormatError
        Naming the first row that goes back.
    """
    _require_rising(frame, file)
    _require_no_second_hour(frame, file, station)


def _require_rising(frame: pd.DataFrame, file: RawFile) -> None:
    times = frame["time"].drop_duplicates()
    steps = times.diff()
    back = steps <= timedelta(0)
    if back.any():
        at = times.index[back][0]
        summer = f"; a clock that is put back from summer time does this: {_ONE_OFFSET}" if steps[at] >= -_AN_HOUR else ""
        msg = (
            f"{file.name}: times out of order: row {at} ({times[at]}) comes after a later time; "
            f"sort the file by time, or check its clock ({int(back.sum())} such rows){summer}"
        )
        raise SourceFormatError(msg)


def _require_no_second_hour(frame: pd.DataFrame, file: RawFile, station: Station) -> None:
    """Refuse an hour of rows under the times of the hour before, with other values: all of summer would be an hour off.

    01:50  02:00 ... 02:50 | 02:00 ... 02:50  03:00
                             ^ put back
    """
    if station.cadence >= _AN_HOUR:
        return  # one row alone may be a correction
    times, rows = frame["time"], station.rows_per_hour
    for at in np.flatnonzero(times.diff() == station.cadence - _AN_HOUR).tolist():
        first, second = frame.iloc[max(at - rows, 0) : at], frame.iloc[at : at + rows]
        if len(second) < rows or not np.array_equal(first["time"], second["time"]):
            continue
        one, again = (hour.to_numpy()[:, 1:].astype(float) for hour in (first, second))
        other = (one != again) & ~(np.isnan(one) & np.isnan(again))
        if other.any(axis=1).all():
            msg = (
                f"{file.name}: row {frame.index[at]}: the hour from {times.iloc[at]} comes twice, with other values: "
                f"the clock seems to be put back from summer time; tsflow expects one offset all year: {_ONE_OFFSET}"
            )
            raise SourceFormatError(msg)
