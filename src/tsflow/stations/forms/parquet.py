"""Parquet, whose columns have types."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tsflow.errors import SourceFormatError
from tsflow.stations.forms.headers import measured_columns, require_headers
from tsflow.stations.forms.registry import Form, Table, register
from tsflow.stations.raw import RawFile
from tsflow.stations.timestamp import EPOCHS, Timestamp
from tsflow.stations.unpack import most_bytes, refuse_size

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

    from tsflow.stations.station import Station

_HINT = "correct `variables` or `timestamp.column` in the station file; fields inside structs are joined by dots"
_BYTES_OF_A_VALUE = 8


@register("parquet")
class ParquetForm(Form):
    """Columns of numbers and of times: timestamps of any unit, with a zone or without; or text, or counts since 1970."""

    endings: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    kind: str = "parquet"

    def read(self, file: RawFile, station: Station) -> Table:
        """As `Form.read`."""
        import pandas as pd
        import pyarrow as pa

        table = _read(_opened(file, station), file)
        if not table.num_rows:
            msg = f"{file.name}: no usable row: the file holds no rows"
            raise SourceFormatError(msg)
        columns, ignored = [*station.timestamp.columns, *measured_columns(station)], pa.nulls(table.num_rows, pa.float64())
        kept = [
            table.column(place) if header in columns or _is_number(table.schema.types[place]) else ignored
            for place, header in enumerate(table.column_names)
        ]
        cells = pd.concat([_series(column) for column in kept], axis=1, keys=range(len(kept)))
        cells.columns, cells.index = pd.Index(table.column_names), pd.RangeIndex(1, table.num_rows + 1)
        return Table(cells.loc[:, ~cells.columns.duplicated()])

    def require_columns(self, file: RawFile, station: Station) -> None:
        """As `Form.require_columns`."""
        _opened(file, station)


def whole_table(file: RawFile) -> pa.Table:
    """Return what a file holds, whatever its columns, with the fields of structs as columns of their own."""
    return _read(_sound(file)[0], file)


def _read(opened: parquet.ParquetFile, file: RawFile) -> pa.Table:
    import pyarrow as pa

    try:
        return _flat(opened.read())
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(file, error) from error


def _sound(file: RawFile) -> tuple[parquet.ParquetFile, pa.Table]:
    """Open a file that holds no more than measurements do; with it a table of its columns without a row."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(pa.BufferReader(file.body), page_checksum_verification=True)
        about = opened.metadata
        declared = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
        empty = _flat(opened.schema_arrow.empty_table())
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(file, error) from error
    if max(declared, about.num_rows * about.num_columns * _BYTES_OF_A_VALUE) > most_bytes(file):
        raise refuse_size(file)
    return opened, empty


def _opened(file: RawFile, station: Station) -> parquet.ParquetFile:
    """Open a file whose columns are there and of fit types."""
    opened, empty = _sound(file)
    require_headers(empty.column_names, file, station, hint=_HINT)
    for column in measured_columns(station):
        if not _is_number(empty.schema.field(column).type):
            found = empty.schema.field(column).type
            msg = f"{file.name}: column {column!r} is of type {found}, expected numbers; write it as such, or name another column"
            raise SourceFormatError(msg)
    for column in station.timestamp.columns:
        _require_times(empty.schema.field(column).type, column, file, station.timestamp)
    return opened


def _require_times(found: pa.DataType, column: str, file: RawFile, timestamp: Timestamp) -> None:
    """Refuse a type from which no time can be read in the station file's way."""
    from pyarrow import types

    if types.is_timestamp(found) and len(timestamp.columns) == 1:
        return
    if types.is_string(found) or types.is_large_string(found):
        return
    if timestamp.format in EPOCHS and _is_number(found):
        return
    expected = "a timestamp, or text" if len(timestamp.columns) == 1 else "text, since several columns are joined"
    hint = f"; for counts since 1970 write `timestamp.format: {' or '.join(EPOCHS)}`" if _is_number(found) else ""
    msg = f"{file.name}: column {column!r} is of type {found}, expected {expected} in `timestamp.format` {timestamp.format!r}{hint}"
    raise SourceFormatError(msg)


def _is_number(found: pa.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_integer(found) or types.is_floating(found) or types.is_decimal(found))


def _flat(table: pa.Table) -> pa.Table:
    """Return a table with the fields of structs as columns of their own, dictionaries as what they stand for."""
    import pyarrow as pa
    from pyarrow import types

    while any(types.is_struct(found) for found in table.schema.types):
        table = table.flatten()
    for place, field in enumerate(table.schema):
        if types.is_dictionary(field.type):
            plain = pa.chunked_array(
                [chunk.dictionary_decode() for chunk in table.column(place).chunks], type=field.type.value_type
            )
            table = table.set_column(place, field.name, plain)
    return table


def _series(column: pa.ChunkedArray) -> pd.Series:
    """Return a column as pandas has it; decimals as floating numbers."""
    import pyarrow as pa
    from pyarrow import types

    series: pd.Series = (column.cast(pa.float64()) if types.is_decimal(column.type) else column).to_pandas()
    return series


def _unreadable(file: RawFile, error: Exception) -> SourceFormatError:
    return SourceFormatError(f"{file.name}: not a readable Parquet file, or cut off ({error}); fetch it again")
