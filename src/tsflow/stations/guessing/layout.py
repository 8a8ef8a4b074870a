"""How the lines of a file are laid out: encoding, delimiter, decimal sign, which line names the columns, and where rows begin.

::

    # anything                      comment
    TIMESTAMP;AirT;RH               the header: the last line of words before the rows, or the one before a line of units
    ;degC;%                         units
    01.02.2020 00:10;3,4;88         rows: most cells are numbers or a time
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tsflow.errors import SourceFormatError
from tsflow.stations.encoding import marked_encoding
from tsflow.stations.units import known_unit

_ENCODINGS = ("utf-8-sig", "cp1252")  # in the second every byte but five is a letter
_DELIMITERS = (";", "\t", "|", ",")
_MOST_LINES_OF_HEADERS = 30
_NUMBER = re.compile(r"^[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?$")
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|\d{4}-\d{2}-\d{2}T|^\d{2}:\d{2}")
_NOTHING = {"", "nan", "na", "n/a", "null", "none", "-", "--", "---", "inf", "-inf"}


@dataclass(frozen=True)
class Layout:
    """What was found; lines are counted from 1."""

    encoding: str
    toa5: bool
    delimiter: str
    decimal: str
    header_line: int
    first_line: int
    comment: str | None
    headers: list[str]
    units: dict[str, str]  # by header, where a line of them stands below
    missing_texts: list[str]


def layout_of(body: bytes, name: str) -> Layout:
    """Return how a text file is laid out.

    Raises
    ------
    SourceFormatError
        If it is no table of rows with a line of headers.
    """
    text, encoding = decoded(body)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    comment = "#" if any(line.startswith("#") for line in lines[:_MOST_LINES_OF_HEADERS]) else None
    numbered = [
        (number, line) for number, line in enumerate(lines, 1) if line.strip() and not (comment and line.startswith(comment))
    ]
    if len(numbered) < 3:
        msg = f"{name}: has {len(numbered)} lines; a line of headers and two rows are the least that can be looked at"
        raise SourceFormatError(msg)
    delimiter = _delimiter([line for _, line in numbered], name)
    rows = [(number, _cells(line, delimiter)) for number, line in numbered]
    width = Counter(len(cells) for _, cells in rows[len(rows) // 2 :]).most_common(1)[0][0]
    at = next((place for place, (_, cells) in enumerate(rows) if len(cells) == width and _is_row(cells)), None)
    if at is None or at == 0:
        lacking = "row of numbers" if at is None else "line of headers before the first row"
        msg = f"{name}: no {lacking} was found; add a line that names the columns"
        raise SourceFormatError(msg)
    toa5 = rows[0][1][0].strip('"') == "TOA5"
    header = 1 if toa5 else _header(rows[:at])
    headers = [cell.strip() for cell in rows[header][1]]
    below = [cell.strip() for cell in rows[header + 1][1]] if header + 1 < at else []
    units = {name: unit for name, unit in zip(headers, below, strict=False) if unit and known_unit(unit) is not None}
    cells = [cell.strip() for _, each in rows[at:] for cell in each]
    return Layout(
        encoding=encoding,
        toa5=toa5,
        delimiter=delimiter,
        decimal="," if delimiter != "," and sum(map(_has_comma, cells)) > sum(map(_has_point, cells)) else ".",
        header_line=rows[header][0],
        first_line=rows[at][0],
        comment=comment,
        headers=headers,
        units=units,
        missing_texts=texts_for_nothing(cells),
    )


def texts_for_nothing(cells: Iterable[str]) -> list[str]:
    """Return the texts among some cells that stand for no value, such as NaN or n/a."""
    return sorted({cell for cell in cells if cell and cell.lower() in _NOTHING})


def decoded(body: bytes) -> tuple[str, str]:
    """Return a body as text, and the encoding that it seems to be in."""
    marked = marked_encoding(body)
    if marked is not None and marked != "utf-8-sig":
        return body.decode(marked, "replace"), marked
    for encoding in _ENCODINGS:
        try:
            return body.decode(encoding), "utf-8" if encoding == "utf-8-sig" else encoding
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1"), "latin-1"


def _delimiter(lines: list[str], name: str) -> str:
    """Return the one that cuts most rows into equally many cells, and into most of them."""
    sample = lines[len(lines) // 2 :][:500]
    scores = {}
    for delimiter in _DELIMITERS:
        counts = Counter(len(_cells(line, delimiter)) for line in sample)
        width, rows = counts.most_common(1)[0]
        scores[delimiter] = (rows / len(sample) > 0.9, width > 1, width)
    best = max(_DELIMITERS, key=lambda delimiter: scores[delimiter])
    if not all(scores[best][:2]):
        msg = f"{name}: no delimiter cuts its lines into equally many cells (tried {', '.join(map(repr, _DELIMITERS))})"
        raise SourceFormatError(msg)
    decimal_commas = scores[";"][1] and scores[";"][0]
    return ";" if decimal_commas else best


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter)) if '"' in line else line.split(delimiter)


def _is_row(cells: list[str]) -> bool:
    filled = [cell.strip() for cell in cells if cell.strip()]
    return (
        bool(filled)
        and sum(bool(_NUMBER.match(cell) or _DATE.search(cell)) or cell.lower() in _NOTHING for cell in filled) > len(filled) / 2
    )


def _header(before: list[tuple[int, list[str]]]) -> int:
    """Return which of the lines before the rows names the columns: the last one that is no line of units."""
    lines = [[cell.strip() for cell in cells if cell.strip()] for _, cells in before]
    for place in range(len(before) - 1, -1, -1):
        cells = lines[place]
        units = sum(known_unit(cell) is not None for cell in cells)
        if place == 0 or len(lines[place - 1]) < len(cells):
            return place  # T, RH and P are units, too; but what stands above a line of units names at least as many columns
        if len(cells) > 1 and units < len(cells) / 2:
            return place
    return 0


def _has_comma(cell: str) -> bool:
    return "," in cell and bool(_NUMBER.match(cell))


def _has_point(cell: str) -> bool:
    return "." in cell and bool(_NUMBER.match(cell))
