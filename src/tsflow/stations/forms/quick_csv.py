"""Delimited text read in one go, by Arrow, if each line of it is a row with a cell for each header.

Arrow refuses a row that has too few cells or too many, and a cell that is no number where one belongs; but it does not say where in
words of ours, and what it takes for a number is not quite what a careful reader does. So whatever is in doubt is given back.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Layout:
    """How the lines of a file read."""

    headers: list[str]
    first_line: int  # of the file, counted from 1, in which the first row stands
    delimiter: str
    decimal: str
    comment: str | None
    missing_texts: tuple[str, ...]
    times: tuple[str, ...]  # headers of columns that stay text
    numbers: tuple[str, ...]  # headers of columns that must be numbers


def read_quickly(body: bytes, layout: Layout) -> pd.DataFrame | None:
    """Return the cells of a file's rows, given in UTF-8, or None if a line of it must be looked at with care."""
    import pandas as pd
    import pyarrow as pa

    if body.endswith((b"\n\n", b"\n\r\n")):
        body = body.rstrip(b"\r\n")
    if not body or _has_other_lines(body, layout):
        return None
    rows = body.count(b"\n") + (not body.endswith(b"\n"))
    extra = _ends_with_delimiter(body, layout)
    try:
        table = _read(body, layout, columns=len(layout.headers) + extra)
    except pa.ArrowInvalid:
        return None
    if table.num_rows != rows or (extra and table.column(table.num_columns - 1).null_count < rows):
        return None
    table = table.select(list(range(len(layout.headers))))
    if any(table.column(place).null_count for place, header in enumerate(layout.headers) if header in layout.times):
        return None  # a line may be empty
    if not all(_is_plain(table.column(place)) for place, header in enumerate(layout.headers) if header in layout.numbers):
        return None
    cells: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    pa.default_memory_pool().release_unused()  # Arrow would keep what it read from, as much again
    cells.columns, cells.index = pd.Index(layout.headers), pd.RangeIndex(layout.first_line, layout.first_line + rows)
    return cells


def _has_other_lines(body: bytes, layout: Layout) -> bool:
    """Whether some line is a comment, or opens a quotation that it does not close."""
    if layout.comment and (body.startswith(mark := layout.comment.encode()) or b"\n" + mark in body):
        return True
    if b'"' not in body:
        return False
    return body.count(b"\r") != body.count(b"\r\n") or any(line.count(b'"') % 2 for line in io.BytesIO(body))


def _ends_with_delimiter(body: bytes, layout: Layout) -> bool:
    """Whether rows have a delimiter more than the headers, at their end, as some loggers write them."""
    first, mark = io.BytesIO(body).readline().rstrip(b"\r\n"), layout.delimiter.encode()
    return first.endswith(mark) and first.count(mark) == len(layout.headers)


def _read(body: bytes, layout: Layout, *, columns: int) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    kinds = {header: pa.string() for header in layout.times} | {header: pa.float64() for header in layout.numbers}
    return csv.read_csv(
        pa.py_buffer(body),
        read_options=csv.ReadOptions(column_names=[str(place) for place in range(columns)]),
        parse_options=csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=False, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types={str(place): kinds[header] for place, header in enumerate(layout.headers) if header in kinds},
            null_values=["", *layout.missing_texts],
            strings_can_be_null=True,
            decimal_point=layout.decimal,
            true_values=[],
            false_values=[],
            timestamp_parsers=[],
        ),
    )


def _is_plain(numbers: pa.ChunkedArray) -> bool:
    """Whether all numbers are finite, as their sum then is; Arrow takes the words nan and inf for some."""
    from pyarrow import compute

    return math.isfinite(compute.sum(numbers).as_py() or 0)
