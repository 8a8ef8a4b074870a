"""One JSON object a line, as services and message queues log them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from tsflow.errors import SourceFormatError
from tsflow.stations.encoding import decode, with_newlines
from tsflow.stations.forms.headers import require_headers
from tsflow.stations.forms.registry import Form, Table, register
from tsflow.stations.raw import RawFile

if TYPE_CHECKING:
    import msgspec
    import pandas as pd

    from tsflow.stations.station import Station

_HINT = "correct `variables` or `timestamp.column` in the station file; keys inside objects are joined by dots"
_FIRST = 1000  # lines in which a column must be named for a file to be the station's


@register("json_lines")
class JsonLinesForm(Form):
    """An object a line, whose keys are the columns, those inside objects joined by dots; null or no key is no value."""

    endings: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".json", ".txt")

    kind: str = "json_lines"
    missing_texts: tuple[str, ...] = ()  # that stand for no value; numbers that do so are the station's `missing`

    def read(self, file: RawFile, station: Station) -> Table:
        """As `Form.read`."""
        import pandas as pd

        text, encoding = decode(file, station)
        rows, unfinished = self.rows(text, file)
        headers = list(dict.fromkeys(key for row in rows.values() for key in row))
        if not rows:
            msg = f"{file.name}: no usable row: the file holds no object"
            raise SourceFormatError(msg)
        require_headers(headers, file, station, hint=_HINT)
        cells = pd.DataFrame.from_records(list(rows.values()), columns=headers, index=pd.Index(list(rows)))
        for column in station.timestamp.columns:
            cells[column] = _texts([row.get(column) for row in rows.values()], cells.index)
        return Table(cells, unfinished, encoding)

    def rows(self, text: str, file: RawFile) -> tuple[dict[int, dict[str, object]], int]:
        """Return each object's values by its line, and how many are left out since somebody still writes them: 0 or 1, the last."""
        lines = _lines(text)
        unfinished = self._drop_unfinished(lines, file)
        return dict(self._rows(lines, file)), unfinished

    def require_columns(self, file: RawFile, station: Station) -> None:
        """As `Form.require_columns`."""
        lines = _lines(decode(file, station)[0])[:_FIRST]
        self._drop_unfinished(lines, file)
        keys = {key: None for row in dict(self._rows(lines, file)).values() for key in row}
        require_headers(list(keys), file, station, hint=_HINT)

    def _drop_unfinished(self, lines: list[str], file: RawFile) -> int:
        """Drop the last line if somebody still writes it; return how many that are. An object that ends is whole."""
        if file.whole or not lines[-1].strip() or not any(line.strip() for line in lines[:-1]):
            return 0
        try:
            json.loads(lines[-1])
        except ValueError:
            lines.pop()
            return 1
        return 0

    def _rows(self, lines: list[str], file: RawFile) -> Iterator[tuple[int, dict[str, object]]]:
        """Give each object's values by its line."""
        import msgspec

        decoder = msgspec.json.Decoder(dict[str, object])
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, dict(self._values(self._object(decoder, line, f"{file.name}: row {number}"), ""))

    def _object(self, decoder: msgspec.json.Decoder[dict[str, object]], line: str, where: str) -> dict[str, object]:
        import msgspec

        try:
            return decoder.decode(line)
        except msgspec.ValidationError as error:
            msg = f"{where}: expected a JSON object with a key for each column, found {line[:40]!r}; write one object a line"
            raise SourceFormatError(msg) from error
        except (msgspec.DecodeError, RecursionError) as error:
            msg = f"{where}: no JSON ({error}): {line[:40]!r}; correct that line, or `form` in the station file"
            raise SourceFormatError(msg) from error

    def _values(self, found: dict[str, object], before: str) -> Iterator[tuple[str, object]]:
        """Give values by their path of keys; what is neither a number nor text is given as its JSON, which no one takes for one."""
        for key, value in found.items():
            if isinstance(value, dict):
                yield from self._values(value, f"{before}{key}.")
            elif value is None or (isinstance(value, str) and value.strip() in ("", *self.missing_texts)):
                yield f"{before}{key}", None
            else:
                yield f"{before}{key}", json.dumps(value) if isinstance(value, bool | list) or _is_beyond_floats(value) else value


def _is_beyond_floats(value: object) -> bool:
    """Say whether a whole number has more digits than any float: JSON allows it."""
    return isinstance(value, int) and abs(value) > sys.float_info.max


def _lines(text: str) -> list[str]:
    """Return the lines as editors count them; a text inside JSON may hold other signs that end one, such as U+2028."""
    return with_newlines(text).split("\n")


def _texts(values: list[object], lines: pd.Index) -> pd.Series:
    import pandas as pd

    return pd.Series([None if value is None else str(value) for value in values], index=lines, dtype="str")
