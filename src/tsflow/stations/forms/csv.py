"""Delimited text: each row's cells under their headers, and whether it has as many as those.

pandas would drop what a row has too much, and take two lines between stray quotation marks for one cell.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from tsflow.errors import SourceFormatError
from tsflow.stations.forms.registry import Form, register
from tsflow.stations.raw import RawFile
from tsflow.stations.unpack import decode, packing

if TYPE_CHECKING:
    import pandas as pd

    from tsflow.stations.station import Station

_DELIMITERS = {";": "';'", "\t": r'"\t"', "|": "'|'"}  # that a comma may be mistaken for, as YAML writes them


@dataclass(frozen=True)
class _Lines:
    """A file's lines by their number: the headers' and the rows'."""

    headers: list[str]
    rows: list[tuple[int, str]]
    whole: bool  # whether the last line ends as a line does


@register("csv")
class CsvForm(Form):
    """Text with a delimiter, one line of headers, and rows from some line on; empty lines and comments count for nothing."""

    kind: str = "csv"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    header_line: Annotated[int, Field(ge=1)] = 1  # of the file, counted from 1
    first_line: Annotated[int, Field(ge=2)] = 2  # of the rows; lines between, such as one of units, are passed over
    comment: str | None = None  # what a line begins with that is none
    missing_texts: tuple[str, ...] = ()  # that stand in a cell for no value; numbers that do so are the station's `missing`

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.delimiter == self.decimal:
            msg = f"delimiter and decimal are both {self.decimal!r}; one of them is another character"
            raise ValueError(msg)
        if self.first_line <= self.header_line:
            msg = f"first_line {self.first_line} does not come after header_line {self.header_line}"
            raise ValueError(msg)
        return self

    def read(self, file: RawFile, station: Station) -> tuple[pd.DataFrame, int]:
        """As `Form.read`."""
        import pandas as pd

        lines = self._lines(file, station)
        rows, unfinished = lines.rows, 0
        if rows and not lines.whole and packing(file) is None:  # a packed file is whole if it can be unpacked
            self._require_cells(rows[-1][1], lines.headers, file)
            rows, unfinished = rows[:-1], 1
        headers = [header.strip() for header in lines.headers]
        self._check_headers(headers, file, station)
        self._check_rows(rows, len(headers), file)
        if not rows:
            msg = f"{file.name}: no usable row: the file holds only its header"
            raise SourceFormatError(msg)
        try:
            table = pd.read_csv(
                io.StringIO("\n".join(line for _, line in rows)),
                sep=self.delimiter,
                decimal=self.decimal,
                dtype={number: str for number, header in enumerate(headers) if header == station.timestamp.column},
                header=None,
                names=range(len(headers)),
                usecols=range(len(headers)),
                low_memory=False,
                index_col=False,
                na_values=["", *self.missing_texts],
                keep_default_na=False,
            )
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            msg = f"{file.name}: not a table of values separated by {self.delimiter!r} ({str(error).strip()})"
            raise SourceFormatError(msg) from error
        table.columns, table.index = pd.Index(headers), pd.Index([number for number, _ in rows])
        return table.loc[:, ~table.columns.duplicated()], unfinished

    def require(self, file: RawFile, station: Station) -> None:
        """As `Form.require`."""
        self._check_headers([header.strip() for header in self._lines(file, station).headers], file, station)

    def _lines(self, file: RawFile, station: Station) -> _Lines:
        texts = decode(file, station).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if len(texts) < self.header_line:
            msg = f"{file.name}: has {len(texts)} lines, its headers stand in line {self.header_line}; correct `form.header_line`"
            raise SourceFormatError(msg)
        numbered = [
            (number, line)
            for number, line in enumerate(texts, 1)
            if number >= self.first_line and line.strip() and not (self.comment and line.startswith(self.comment))
        ]
        return _Lines(self._row(texts[self.header_line - 1]), numbered, whole=not texts[-1])

    def _row(self, line: str) -> list[str]:
        return next(csv.reader([line], delimiter=self.delimiter)) if '"' in line else line.split(self.delimiter)

    def _require_cells(self, line: str, headers: list[str], file: RawFile) -> None:
        """Refuse a file that ends inside a row, and not just inside that row's last cell."""
        if len(self._row(line)) < len(headers):
            msg = f"{file.name}: cut off in its last row ({line[:40]!r}...); fetch it again"
            raise SourceFormatError(msg)

    def _check_headers(self, headers: list[str], file: RawFile, station: Station) -> None:
        wanted = [station.timestamp.column, *(variable.column for variable in station.measured.values() if variable.column)]
        if lacking := [column for column in wanted if column not in headers]:
            missing = f"column missing: {', '.join(map(repr, lacking))}; found: {', '.join(headers)}"
            msg = f"{file.name}: {missing}; {self._hint(headers)}"
            raise SourceFormatError(msg)
        if twice := [column for column in wanted if headers.count(column) > 1]:
            msg = f"{file.name}: two columns are called {twice[0]!r}, and the station file names it; rename one of them"
            raise SourceFormatError(msg)

    def _hint(self, headers: list[str]) -> str:
        if headers[0].strip('"') == "TOA5":
            return "the file is one of a Campbell logger: write `form: toa5` in the station file"
        for delimiter, written in _DELIMITERS.items():
            if len(headers) == 1 and delimiter in headers[0]:
                return f"the file seems to be delimited otherwise: write `form: {{delimiter: {written}}}` in the station file"
        return "correct `variables` in the station file, or `encoding` if names look garbled"

    def _check_rows(self, rows: list[tuple[int, str]], columns: int, file: RawFile) -> None:
        for number, line in rows:
            if line.count('"') % 2:
                msg = f"{file.name}: row {number}: a quotation mark is opened and not closed; correct that row"
                raise SourceFormatError(msg)
            if line.count(self.delimiter) >= columns and any(cell.strip() for cell in self._row(line)[columns:]):
                why = "commas may stand for decimal points, or the header lacks a column" if self.delimiter == "," else "correct it"
                msg = f"{file.name}: row {number} has {len(self._row(line))} cells, the header {columns}; {why}"
                raise SourceFormatError(msg)
