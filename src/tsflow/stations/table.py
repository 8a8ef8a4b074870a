"""A file's cells under their headers, and whether each row has as many as the header.

pandas would drop what a row has too much, and take two lines between stray quotation marks for one cell.
"""

import csv
import io

import pandas as pd

from tsflow.errors import SourceFormatError
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station
from tsflow.stations.unpack import decode, packing


def read_table(file: RawFile, station: Station) -> tuple[pd.DataFrame, int]:
    """Return the file's cells, and how many rows were left out since they were still being written (0 or 1).

    The time column is text, the others as pandas reads them. A row that is too short has no value in its last columns.

    Raises
    ------
    SourceFormatError
        If this is no table with the columns that the station file names.
    """
    lines = decode(file, station).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    unfinished = 0
    if not lines[-1]:
        lines.pop()
    elif len(lines) > 1 and packing(file) is None:  # a packed file is whole if it can be unpacked
        _require_cells(lines, file)
        lines.pop()
        unfinished = 1
    headers = _row(lines[0])
    _check_headers([header.strip() for header in headers], file, station)
    _check_rows(lines, len(headers), file)
    try:
        table = pd.read_csv(
            io.StringIO("\n".join(lines)),
            dtype={headers.index(header): str for header in headers if header.strip() == station.timestamp.column},
            header=None,
            skiprows=1,
            names=range(len(headers)),
            usecols=range(len(headers)),
            low_memory=False,
            index_col=False,
            na_values=[""],
            keep_default_na=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        msg = f"{file.name}: not a table of comma-separated values ({str(error).strip()})"
        raise SourceFormatError(msg) from error
    if table.empty:
        msg = f"{file.name}: no usable row: the file holds only its header"
        raise SourceFormatError(msg)
    table.columns = pd.Index([header.strip() for header in headers])
    return table.loc[:, ~table.columns.duplicated()], unfinished


def require_headers(file: RawFile, station: Station) -> None:
    """Raise `SourceFormatError` unless the file is a text whose first line names the station's columns."""
    headers = _row(decode(file, station).splitlines()[0])
    _check_headers([header.strip() for header in headers], file, station)


def _row(line: str) -> list[str]:
    return next(csv.reader([line])) if '"' in line else line.split(",")


def _require_cells(lines: list[str], file: RawFile) -> None:
    """Refuse a file that ends inside a row, and not just inside that row's last cell."""
    if len(_row(lines[-1])) < len(_row(lines[0])):
        msg = f"{file.name}: cut off in its last row ({lines[-1][:40]!r}...); fetch it again"
        raise SourceFormatError(msg)


def _check_headers(headers: list[str], file: RawFile, station: Station) -> None:
    wanted = [station.timestamp.column, *(variable.column for variable in station.measured.values() if variable.column)]
    if lacking := [column for column in wanted if column not in headers]:
        msg = (
            f"{file.name}: column missing: {', '.join(map(repr, lacking))}; found: {', '.join(headers)}; "
            f"correct `variables` in the station file, or `encoding` if names look garbled"
        )
        raise SourceFormatError(msg)
    if twice := [column for column in wanted if headers.count(column) > 1]:
        msg = f"{file.name}: two columns are called {twice[0]!r}, and the station file names it; rename one of them"
        raise SourceFormatError(msg)


def _check_rows(lines: list[str], columns: int, file: RawFile) -> None:
    for number, line in enumerate(lines[1:], 2):
        if line.count('"') % 2:
            msg = f"{file.name}: row {number}: a quotation mark is opened and not closed; correct that row"
            raise SourceFormatError(msg)
        if line.count(",") >= columns and any(cell.strip() for cell in _row(line)[columns:]):
            msg = (
                f"{file.name}: row {number} has {len(_row(line))} cells, the header {columns}; "
                f"commas may stand for decimal points, or the header lacks a column"
            )
            raise SourceFormatError(msg)
