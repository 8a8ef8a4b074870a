"""Delimited text: each row's cells under their headers, and whether it has as many as those.

Text as it should be is read in one go (`quick_csv.py`). Where that stumbles, each line is looked at: an error names it, and what
people do to tables that is no fault (comments, empty lines, cells that nobody reads left off, delimiters at the end) is read.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tsflow.errors import SourceFormatError
from tsflow.stations.encoding import parted, with_newlines
from tsflow.stations.forms.decimals import numbers_in
from tsflow.stations.forms.headers import HINT, measured_columns, require_headers
from tsflow.stations.forms.quick_csv import Layout, read_quickly
from tsflow.stations.forms.registry import Form, Table, register
from tsflow.stations.raw import RawFile

if TYPE_CHECKING:
    import pandas as pd

    from tsflow.stations.station import Station

_DELIMITERS = {";": "';'", "\t": r'"\t"', "|": "'|'"}  # that a comma may be mistaken for, as YAML writes them
_Line = Annotated[int, Field(ge=1)]  # of the file, counted from 1


@dataclass(frozen=True)
class Sheet:
    """A file's text: the lines before its rows, the names in its headers, and from the first that may be a row on, in UTF-8."""

    before: list[str]
    headers: list[str]
    body: bytes
    encoding: str


@register("csv")
class CsvForm(Form):
    """Text with a delimiter, a line or some of headers, and rows from some line on; empty lines and comments count for nothing."""

    endings: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".dat", ".txt")

    kind: str = "csv"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    header_line: _Line | Annotated[tuple[_Line, ...], Field(min_length=1)] = 1  # of several, the words of a column are joined
    first_line: Annotated[int, Field(ge=2)] | None = (
        None  # of the rows, else the one after the headers; lines between are passed over
    )
    comment: str | None = None  # what a line begins with that is none
    missing_texts: tuple[str, ...] = ()  # that stand in a cell for no value; numbers that do so are the station's `missing`

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.delimiter == self.decimal:
            msg = f"delimiter and decimal are both {self.decimal!r}; one of them is another character"
            raise ValueError(msg)
        if self.first_line is not None and self.first_line <= max(self._header_lines):
            msg = f"first_line {self.first_line} does not come after header_line {max(self._header_lines)}"
            raise ValueError(msg)
        return self

    @property
    def _header_lines(self) -> tuple[int, ...]:
        return (self.header_line,) if isinstance(self.header_line, int) else self.header_line

    @property
    def _rows_from(self) -> int:
        return self.first_line or max(self._header_lines) + 1

    def read(self, file: RawFile, station: Station) -> Table:
        """As `Form.read`."""
        sheet = self.sheet(file, station)
        require_headers(sheet.headers, file, station, hint=self._hint(sheet.headers))
        body, unfinished = self._without_unfinished(sheet, file)
        layout = Layout(
            headers=sheet.headers,
            first_line=self._rows_from,
            delimiter=self.delimiter,
            decimal=self.decimal,
            comment=self.comment,
            missing_texts=self.missing_texts,
            times=station.timestamp.columns,
            numbers=tuple(measured_columns(station)),
        )
        cells = read_quickly(body, layout)
        if cells is None:
            cells = self._read_with_care(body, sheet.headers, file, station)
        cells = cells.loc[:, ~cells.columns.duplicated()]
        if "" in cells and cells[""].isna().all():
            cells = cells.drop(columns="")  # what stands behind a delimiter at the end of each line
        return Table(cells, unfinished, sheet.encoding)

    def require_columns(self, file: RawFile, station: Station) -> None:
        """As `Form.require_columns`."""
        headers = self.sheet(file, station).headers
        require_headers(headers, file, station, hint=self._hint(headers))

    def sheet(self, file: RawFile, station: Station) -> Sheet:
        """Return a file taken apart; raise `SourceFormatError` if it ends before its rows begin."""
        lines, body, encoding = parted(file, station, self._rows_from - 1)
        last = max(self._header_lines)
        if len(lines) < last:
            msg = f"{file.name}: has {len(lines)} lines, its headers stand in line {last}; correct `form.header_line`"
            raise SourceFormatError(msg)
        return Sheet(lines, self._joined([self.cells_of(lines[number - 1]) for number in self._header_lines]), body, encoding)

    def _joined(self, rows: list[list[str]]) -> list[str]:
        """Return a name for each column: its words in the lines of headers, with a blank between."""
        words = [[row[column].strip() if column < len(row) else "" for row in rows] for column in range(max(map(len, rows)))]
        return [" ".join(filter(None, column)) for column in words]

    def cells_of(self, line: str) -> list[str]:
        """Return the cells of a line."""
        return next(csv.reader([line], delimiter=self.delimiter)) if '"' in line else line.split(self.delimiter)

    def _is_row(self, line: str) -> bool:
        return bool(line.strip()) and not (self.comment and line.startswith(self.comment))

    def _without_unfinished(self, sheet: Sheet, file: RawFile) -> tuple[bytes, int]:
        """Return the lines that end as lines do, and how many rows that leaves out; a file is refused if it ends amid cells."""
        begins = sheet.body.rfind(b"\n") + 1
        rest = sheet.body[begins:].decode()
        if file.whole or not self._is_row(rest):
            return sheet.body, 0
        if len(self.cells_of(rest)) < len(sheet.headers):
            msg = f"{file.name}: cut off in its last row ({rest[:40]!r}...); fetch it again"
            raise SourceFormatError(msg)
        return sheet.body[:begins], 1

    def _read_with_care(self, body: bytes, headers: list[str], file: RawFile, station: Station) -> pd.DataFrame:
        """Return the cells of text in which something is not as it should be, or raise for the first such line."""
        import pandas as pd

        lines = with_newlines(body.decode()).split("\n")
        rows = [(number, line) for number, line in enumerate(lines, self._rows_from) if self._is_row(line)]
        self._check_rows(rows, len(headers), file)
        self._check_cut_rows(rows, headers, file, station)
        if not rows:
            msg = f"{file.name}: no usable row: the file holds only its header"
            raise SourceFormatError(msg)
        columns = self._filled(headers, rows)
        try:
            table = pd.read_csv(
                io.StringIO("\n".join(line for _, line in rows)),
                sep=self.delimiter,
                decimal=self.decimal,
                dtype={number: str for number, header in enumerate(headers) if header in station.timestamp.columns},
                header=None,
                names=range(columns),
                usecols=range(columns),
                low_memory=False,
                index_col=False,
                na_values=["", *self.missing_texts],
                keep_default_na=False,
            )
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            msg = f"{file.name}: not a table of values separated by {self.delimiter!r} ({str(error).strip()})"
            raise SourceFormatError(msg) from error
        table.columns, table.index = pd.Index(headers[:columns]), pd.Index([number for number, _ in rows])
        for place, header in enumerate(table.columns):
            if header in measured_columns(station) and not pd.api.types.is_numeric_dtype(table.dtypes.iloc[place]):
                table.isetitem(place, numbers_in(table.iloc[:, place], self.decimal, self.missing_texts, file).array)
        return table

    def _filled(self, headers: list[str], rows: list[tuple[int, str]]) -> int:
        """Return how many columns there are, without nameless ones at the end that no row reaches."""
        named = max(place for place, header in enumerate(headers, 1) if header)
        return len(headers) if any(line.count(self.delimiter) >= named for _, line in rows) else named

    def _closes(self, line: str) -> bool:
        """Say whether a line ends its last cell: a cell that a quotation mark opens goes on into the next line."""
        try:
            return len(list(csv.reader([line, ""], delimiter=self.delimiter))) == 2
        except csv.Error:  # a cell longer than any
            return False

    def _check_cut_rows(self, rows: list[tuple[int, str]], headers: list[str], file: RawFile, station: Station) -> None:
        """Refuse a row that ends amid the cells that are read: its last one may be half a value, as `-1` of `-12.5`."""
        read = {*station.timestamp.columns, *(variable.column for variable in station.measured.values())}
        needed, named = (
            max(place for place, header in enumerate(headers, 1) if header in those) for those in (read, {*headers} - {""})
        )
        least = min(needed + 1, named)  # one that ends after the last cell that is read has that one whole
        for number, line in rows:
            if line.count(self.delimiter) + 1 < least and len(cells := self.cells_of(line)) < least:
                said = f"row {number} has {len(cells)} cells, the header {len(headers)}"
                msg = f"{file.name}: {said}: it was cut off, perhaps amid a value; delete that row, or fill it up with delimiters"
                raise SourceFormatError(msg)

    def _hint(self, headers: list[str]) -> str:
        if headers[0].strip('"') == "TOA5":
            return "the file is one of a Campbell logger: write `form: toa5` in the station file"
        for delimiter, written in _DELIMITERS.items():
            if len(headers) == 1 and delimiter in headers[0]:
                return f"the file seems to be delimited otherwise: write `form: {{delimiter: {written}}}` in the station file"
        return HINT

    def _check_rows(self, rows: list[tuple[int, str]], columns: int, file: RawFile) -> None:
        for number, line in rows:
            if '"' in line and not self._closes(line):
                msg = f"{file.name}: row {number}: a quotation mark is opened and not closed; correct that row"
                raise SourceFormatError(msg)
            if line.count(self.delimiter) >= columns and any(cell.strip() for cell in self.cells_of(line)[columns:]):
                why = "commas may stand for decimal points, or the header lacks a column" if self.delimiter == "," else "correct it"
                msg = f"{file.name}: row {number} has {len(self.cells_of(line))} cells, the header {columns}; {why}"
                raise SourceFormatError(msg)
