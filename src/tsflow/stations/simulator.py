"""The simulator as a source: its weather in the station's own file form, with the faults of real files.

What goes wrong in a year is drawn from the seed and the year, each fault on days of its own, so a row
is the same in every file that holds it:

    -9999 in wv and max_wv, or in max_wv alone - an identical row twice - gaps - a stuck wv at 0.00
"""

import io
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.errors import SettingsError, UnknownName
from tsflow.stations.simulated_weather import STEP, random_numbers, simulated_observations
from tsflow.stations.sources.simulator import SimulatorSource
from tsflow.stations.station import Station

_FAULTS = {  # how often a year, and for how many 10-minute rows; both bounds included
    "no wind": ((2, 4), (1, 1)),
    "no gust": ((1, 3), (1, 2)),
    "repeated": ((2, 5), (1, 1)),
    "short gap": ((5, 9), (1, 2)),
    "long gap": ((1, 1), (48, 120)),
    "stuck": ((1, 2), (18, 60)),
}
_STEPS_PER_DAY = 144


@lru_cache(maxsize=64)
def _faults(seed: int, year: int) -> dict[str, NDArray[np.datetime64]]:
    """Return the times of the rows that each kind of fault hits in a year."""
    generator = random_numbers(seed, "fault", year)
    days = iter(generator.permutation(np.arange(0, 363, 2)))  # every other day: a fault may last into the next
    midnight = np.datetime64(f"{year}-01-01T00:00", "m")
    faults = {}
    for kind, (count, rows) in _FAULTS.items():
        hit = []
        for _ in range(generator.integers(*count, endpoint=True)):
            first = int(next(days)) * _STEPS_PER_DAY + generator.integers(_STEPS_PER_DAY)
            hit.append(first + np.arange(generator.integers(*rows, endpoint=True)))
        faults[kind] = midnight + np.concatenate(hit) * STEP
    return faults


def simulated_file(station: Station, source: SimulatorSource, start: datetime, end: datetime) -> tuple[str, bytes]:
    """Return a station file of the rows with `start` < time <= `end`: its name, and the CSV in the station's form.

    Parameters
    ----------
    start, end
        By the station's clock; a row's time is the end of its averaging period.

    Raises
    ------
    SettingsError
        If the station's cadence is not a multiple of 10 minutes, or it has a variable that is not simulated.
    """
    cadence = pd.Timedelta(station.cadence)
    if station.cadence % timedelta(minutes=10):
        msg = f"station {station.station}: cadence: the simulator knows multiples of 10min only, found {station.cadence}"
        raise SettingsError(msg)
    times = pd.date_range(pd.Timestamp(start).floor(cadence) + cadence, end, freq=cadence, unit="us")
    rows = simulated_observations(source.seed, times)
    if lacking := [name for name in station.measured if name not in rows.columns]:
        raise UnknownName(f"simulated variable of station {station.station}", lacking[0], list(rows.columns))
    rows = _with_faults(rows, source.seed, station.missing[0] if station.missing else np.nan)

    ends = pd.DatetimeIndex(rows.index)
    stamps = ends if station.timestamp.marks == "end" else ends - cadence
    table = pd.concat([station.timestamp.written(stamps), rows[list(station.measured)].reset_index(drop=True)], axis=1)
    headers = [*station.timestamp.columns, *(str(variable.column) for variable in station.measured.values())]
    header = ",".join(f'"{name}"' for name in headers) + "\r\n"
    text = header + _lines(table, needs_quotes=not set(station.timestamp.format).isdisjoint(',"\r\n'))
    return f"{station.station}_{start:%Y%m%dT%H%M}_{end:%Y%m%dT%H%M}.csv", text.encode(station.own_encoding)


def _lines(table: pd.DataFrame, *, needs_quotes: bool) -> str:
    """Return the lines of a table as CSV, whose texts need quotes or not; pandas takes six to ten times as long as Arrow for it."""
    import pyarrow as pa
    from pyarrow import csv

    lines = io.BytesIO()
    how = csv.WriteOptions(include_header=False, eol="\r\n", quoting_style="needed" if needs_quotes else "none")
    csv.write_csv(pa.Table.from_pandas(table, preserve_index=False), lines, how)
    return lines.getvalue().decode()


def _with_faults(rows: pd.DataFrame, seed: int, missing: float) -> pd.DataFrame:
    """Return the rows as a real logger would have left them; `missing` is its sentinel."""
    years = range(rows.index[0].year, rows.index[-1].year + 1) if len(rows) else range(0)
    for year in years:
        hit = {kind: rows.index.isin(times) for kind, times in _faults(seed, year).items()}
        rows.loc[hit["stuck"], ["wv", "max_wv"]] = 0.0
        rows.loc[hit["no wind"], ["wv", "max_wv"]] = missing
        rows.loc[hit["no gust"], "max_wv"] = missing
        times_written = np.where(hit["short gap"] | hit["long gap"], 0, np.where(hit["repeated"], 2, 1))
        rows = rows.iloc[np.repeat(np.arange(len(rows)), times_written)]
    return rows
