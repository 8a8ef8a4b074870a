"""Any file of a logger as a table of texts, in which the rest of the guessing looks; and the form of files that it is of."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from tsflow.stations.forms import Form
from tsflow.stations.forms.csv import CsvForm
from tsflow.stations.forms.json_lines import JsonLinesForm
from tsflow.stations.forms.parquet import ParquetForm, whole_table
from tsflow.stations.forms.toa5 import Toa5Form
from tsflow.stations.guessing.layout import Layout, decoded, layout_of, texts_for_nothing
from tsflow.stations.raw import RawFile

if TYPE_CHECKING:
    import pyarrow as pa

_PARQUET = b"PAR1"  # https://parquet.apache.org/docs/file-format: the first four bytes


@dataclass(frozen=True)
class Texts:
    """Each cell as text, empty where there is none; and what was understood on the way."""

    table: pd.DataFrame
    form: Form
    encoding: str = "utf-8"
    decimal: str = "."
    units: Mapping[str, str] = field(default_factory=dict)  # by header, where a line of them stands below


def texts_of(file: RawFile) -> Texts:
    """Return an unpacked file's cells.

    Raises
    ------
    SourceFormatError
        If it is neither delimited text under a line of headers, nor JSON objects, nor Parquet.
    """
    if file.body.startswith(_PARQUET):
        table = whole_table(file)
        columns = {name: _texts(table.column(place)) for place, name in enumerate(table.column_names)}
        return Texts(pd.DataFrame(columns, dtype=str), ParquetForm())
    text, encoding = decoded(file.body)
    if text.lstrip().startswith("{"):
        rows = [*JsonLinesForm().rows(text, file)[0].values()]
        headers = dict.fromkeys(header for row in rows for header in row)
        cells = {header: [_text(row.get(header)) for row in rows] for header in headers}
        nothing = texts_for_nothing(cell for column in cells.values() for cell in column)
        return Texts(pd.DataFrame(cells, dtype=str), JsonLinesForm(missing_texts=tuple(nothing)), encoding)
    layout = layout_of(file.body, file.name)
    return Texts(_table(text, layout), _form(layout), layout.encoding, layout.decimal, layout.units)


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value)  # noqa: PLR0124  # not a number is nothing, too


def _texts(column: pa.ChunkedArray) -> list[str]:
    from pyarrow import types

    if not types.is_timestamp(column.type):
        return [_text(value) for value in column.to_pylist()]
    times = column.to_pandas()
    if times.dt.tz is None:
        return list(times.dt.strftime("%Y-%m-%d %H:%M:%S").fillna(""))
    return list(times.dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ").fillna(""))


def _form(layout: Layout) -> Form:
    if layout.toa5:
        return Toa5Form()
    return CsvForm(
        delimiter=layout.delimiter,
        decimal="," if layout.decimal == "," else ".",
        header_line=layout.header_line,
        first_line=None if layout.first_line == layout.header_line + 1 else layout.first_line,
        comment=layout.comment,
        missing_texts=tuple(layout.missing_texts),
    )


def _table(text: str, layout: Layout) -> pd.DataFrame:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[layout.first_line - 1 :]
    rows = [line for line in lines if line.strip() and not (layout.comment and line.startswith(layout.comment))]
    headers = [header or f"column {place}" for place, header in enumerate(layout.headers, 1)]
    return pd.read_csv(
        io.StringIO("\n".join(rows)),
        sep=layout.delimiter,
        header=None,
        names=headers,
        usecols=range(len(headers)),
        dtype=str,
        keep_default_na=False,
        na_filter=False,
        on_bad_lines="skip",
        index_col=False,
    )
