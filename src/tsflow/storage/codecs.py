"""Content to bytes and back: always the same bytes for the same content, and a clear error for bytes that are damaged."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tsflow.errors import IntegrityError

if TYPE_CHECKING:
    import pandas as pd  # heavy; the client does without
    import pyarrow as pa


def digest(body: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def to_json(content: Any) -> bytes:
    """Return content as JSON, always the same bytes for the same content."""
    return (json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def from_json(body: bytes, key: str) -> Any:
    """Read JSON that tsflow wrote; `IntegrityError` if it is no longer JSON."""
    try:
        return json.loads(body)
    except ValueError as error:
        msg = f"{key}: not JSON ({error}); the object was damaged or written by another program"
        raise IntegrityError(msg) from error


STAMP = "%Y%m%dT%H%M%S%f"


def stamp(moment: datetime) -> str:
    """Return a moment as it stands in keys: sortable, to the microsecond."""
    return moment.strftime(STAMP)


_MANY_ROWS = 100_000  # from here on a dictionary of a column's values makes Parquet smaller
_LARGE = 4_000_000  # bytes of Parquet; to give back and ask again for the memory of a month takes a third of the time to write it


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Return a frame as Parquet; the same frame gives the same bytes."""
    import pyarrow as pa

    body = encoded(pa.Table.from_pandas(frame, preserve_index=False, nthreads=1))  # to start threads takes longer than a month
    give_back(len(body))
    return body


def encoded(table: pa.Table) -> bytes:
    """Return a table as Parquet; the same table gives the same bytes.

    In a month of rows nearly each value is another, so that a dictionary of them only adds to it; in years of rows it helps.
    """
    import pyarrow as pa
    from pyarrow import parquet

    times = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
    buffer = io.BytesIO()
    parquet.write_table(
        table,
        buffer,
        compression="zstd",
        use_dictionary=[name for name in table.column_names if name not in times] if table.num_rows > _MANY_ROWS else False,
        column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
    )
    return buffer.getvalue()


def from_parquet(body: bytes, key: str) -> pd.DataFrame:
    """Read a frame that tsflow wrote."""
    import pandas as pd

    give_back(len(body))  # what an earlier frame lay in
    with _readable(key):
        frame = pd.read_parquet(io.BytesIO(body), engine="pyarrow")
    give_back(len(body))
    return frame


def table_from_parquet(body: bytes, key: str) -> pa.Table:
    """Read what tsflow wrote as a table."""
    from pyarrow import parquet

    with _readable(key):
        return parquet.read_table(io.BytesIO(body))


@contextmanager
def _readable(key: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        msg = f"{key}: not readable as Parquet ({error}); the object was damaged"
        raise IntegrityError(msg) from error


def give_back(size: int) -> None:
    """Return memory to the system that Arrow would keep, where so many bytes of Parquet are so large that it matters."""
    if size > _LARGE:
        import pyarrow as pa

        pa.default_memory_pool().release_unused()
