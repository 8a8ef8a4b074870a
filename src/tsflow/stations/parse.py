"""From a station's files to observations: cells checked, sentinels and repeats taken out, gaps told."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from tsflow.errors import SourceFormatError
from tsflow.records.ingest import Gap, ParseReport
from tsflow.stations.forms import Form, default
from tsflow.stations.order import require_order
from tsflow.stations.raw import RawFile
from tsflow.stations.station import AUTO, Station
from tsflow.stations.times import row_times
from tsflow.stations.units import SAME
from tsflow.stations.unpack import left_out, tables
from tsflow.stations.variable import Variable

JITTER = 0.01  # of the cadence, by which the usual step may differ: clocks of queues and networks are no metronomes


@dataclass
class Findings:
    """What was found so far on the way from files to observations; at the end a `ParseReport`."""

    files: list[str] = field(default_factory=list)
    rows_read: int = 0
    sentinels: dict[str, int] = field(default_factory=dict)  # by variable, or header where the station leaves it out
    empty_cells: dict[str, int] = field(default_factory=dict)
    identical_duplicates: int = 0
    conflicting_duplicates: int = 0
    conflicting_times: list[datetime] = field(default_factory=list)  # the first ten; the first row of each is kept
    ignored_columns: list[str] = field(default_factory=list)
    unfinished_rows: int = 0  # at the end of files into which somebody still writes
    left_out_members: list[str] = field(default_factory=list)  # of zips, beside the tables
    encodings: dict[str, str] = field(default_factory=dict)  # by file, where the station file leaves it open

    def reported(self, frame: pd.DataFrame, cadence: timedelta) -> ParseReport:
        """Return the report of a batch of these observations."""
        times = frame["time"]
        edges = {"first": times.iloc[0], "last": times.iloc[-1]}
        return ParseReport(**asdict(self), rows_kept=len(frame), gaps=find_gaps(times, cadence), **edges)


def _numbers(cells: pd.Series, name: str, file: RawFile) -> pd.Series:
    if cells.dtype == np.float64:
        return cells
    if pd.api.types.is_string_dtype(cells) or pd.api.types.is_object_dtype(cells):
        cells = cells.mask(cells.astype(str).str.strip() == "")  # blanks stand for nothing, as an empty cell does
    numbers = pd.to_numeric(cells.astype(str) if pd.api.types.is_bool_dtype(cells) else cells, errors="coerce")
    wrong = numbers.isna() & cells.notna()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        where = f"{file.name}: row {cells.index[row]}, column {name!r}"
        msg = f"{where}: {str(cells.iloc[row])!r} is not a number ({int(wrong.sum())} such cells)"
        raise SourceFormatError(msg)
    return numbers.astype("float64")


def _stored(values: pd.Series, variable: Variable) -> pd.Series:
    """Return values in the unit that they are stored in."""
    how = variable.conversion
    return values if how is SAME else pd.Series(how.of(values.to_numpy(dtype=np.float64)), index=values.index)


def _form(file: RawFile, station: Station) -> Form:
    return default() if file.own else station.form


def parse_file(file: RawFile, station: Station, *, now: datetime, report: Findings) -> pd.DataFrame:
    """Read one unpacked file into columns `time` and the measured variables, in the file's order, sentinels as NaN.

    Raises
    ------
    SourceFormatError
        Naming file, row and column of the first thing that is not as the station file says.
    """
    read = _form(file, station).read(file, station)
    table = read.cells
    rows = len(table)
    columns: dict[str, pd.Series] = {"time": row_times(table, file, station, now)}
    names = {variable.column: name for name, variable in station.measured.items()}
    for header in table.columns.drop(list(station.timestamp.columns)):
        used = header in names
        cells = table.pop(header)  # no column is in memory twice:
        pa.default_memory_pool().release_unused()  # what the last one lay in, Arrow would keep
        numbers = _numbers(cells, header, file) if used else pd.to_numeric(cells, errors="coerce")
        name = names.get(header, header)
        missing = np.asarray(station.missing, dtype=np.float64)
        if cells.dtype in (np.float16, np.float32):  # -999.9 is another number there
            missing = missing.astype(cells.dtype).astype(np.float64)
        sentinel = np.isin(numbers.to_numpy(dtype=np.float64, na_value=np.nan), missing)
        if sentinels := int(np.count_nonzero(sentinel)):
            report.sentinels[name] = report.sentinels.get(name, 0) + sentinels
        if used:
            if empty := int(numbers.isna().sum()):
                report.empty_cells[name] = report.empty_cells.get(name, 0) + empty
            columns[name] = _stored(numbers.mask(sentinel) if sentinels else numbers, station.variables[name])
        elif header not in report.ignored_columns:
            report.ignored_columns.append(header)
    report.files.append(file.name)
    report.rows_read += rows
    report.unfinished_rows += read.unfinished_rows
    if read.encoding and station.encoding == AUTO:
        report.encodings[file.name] = read.encoding
    frame = pd.DataFrame({name: columns[name] for name in ("time", *station.measured)}, copy=False)
    if not any(frame[name].notna().any() for name in station.measured):
        msg = f"{file.name}: no usable row: every value is missing"
        raise SourceFormatError(msg)
    return frame


def _without_repeats(frame: pd.DataFrame, report: Findings) -> pd.DataFrame:
    """Drop repeated times, keeping the first row of each; identical and conflicting repeats are counted apart."""
    if not frame["time"].is_monotonic_increasing:
        frame = frame.sort_values("time", kind="stable", ignore_index=True)
    repeated = frame["time"].duplicated(keep="first")
    if not repeated.any():
        return frame
    shared = frame[frame["time"].duplicated(keep=False)]
    identical = shared.duplicated(keep="first").reindex(frame.index, fill_value=False)
    conflicting = repeated & ~identical
    report.identical_duplicates += int(identical.sum())
    report.conflicting_duplicates += int(conflicting.sum())
    report.conflicting_times += list(frame.loc[conflicting, "time"].drop_duplicates().head(10).dt.to_pydatetime())
    return frame[~repeated].reset_index(drop=True)


def missing_rows(times: "pd.Series[pd.Timestamp]", cadence: timedelta) -> "pd.Series[int]":
    """Return for each time how many rows are missing before it, to the nearest whole row."""
    steps = times.to_numpy()[1:] - times.to_numpy()[:-1]
    missing = np.rint(steps / np.timedelta64(cadence)).astype(int) - 1
    return pd.Series(np.concatenate([[0], missing])[: len(times)], index=times.index)


def find_gaps(times: "pd.Series[pd.Timestamp]", cadence: timedelta) -> list[Gap]:
    """Return where rows are missing, in order of time."""
    missing = missing_rows(times, cadence)
    return [
        Gap(after=times.iloc[i - 1], before=times.iloc[i], missing_rows=int(missing.iloc[i])) for i in np.flatnonzero(missing > 0)
    ]


def parse(files: list[RawFile], station: Station, *, now: datetime) -> tuple[pd.DataFrame, ParseReport]:
    """Read a batch of files into observations.

    Parameters
    ----------
    now
        The present by the station's clock; later rows are errors.

    Returns
    -------
    The observations: `time` (end of averaging, station's clock, strictly rising) and one float column a variable,
    in the station's order and units, NaN where missing; and what was found on the way.

    Raises
    ------
    SourceFormatError
        If a file is not as the station file describes it.
    """
    report = Findings()
    frames = []
    for file in files:
        endings = _form(file, station).endings
        for opened in tables(file, endings):
            frame = parse_file(opened, station, now=now, report=report)
            if opened.own and len(frame) > 2 and frame["time"].is_monotonic_decreasing:
                frame = frame.iloc[::-1]  # a service gives the newest row first, and nobody could sort its answer
            require_order(frame, opened, station)
            frames.append(frame)
        report.left_out_members += left_out(file, endings)
    joined = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0].reset_index(drop=True)
    frame = _without_repeats(joined, report)
    _cadence_fits(frame["time"], station, report)
    for name, how in station.derivations.items():
        frame[name] = how.of({needed: frame[needed].to_numpy() for needed in how.inputs})
    return frame[["time", *station.variables]], report.reported(frame, station.cadence)


def _cadence_fits(times: pd.Series, station: Station, report: Findings) -> None:
    """The usual step between rows is the station's cadence."""
    if len(times) < 3:
        return
    steps = np.sort(times.diff().to_numpy()[1:])
    usual = pd.Timedelta(steps[(len(steps) - 1) // 2])  # one of the steps, also where there are two and one is of a gap
    if abs(usual - pd.Timedelta(station.cadence)) > station.cadence * JITTER:
        msg = f"{', '.join(report.files)}: rows come every {usual}, the station file says cadence {station.cadence}; correct it"
        raise SourceFormatError(msg)
