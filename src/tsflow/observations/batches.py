"""The rows of a batch as objects: blocks of them, which are written at once, as they are read."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import pandas as pd
import pyarrow as pa

from tsflow.records.files import BATCH_ROWS, StoredFile
from tsflow.records.ingest import Batch
from tsflow.records.store import Records
from tsflow.stations.raw import RawFile
from tsflow.storage.codecs import digest, encoded, give_back, table_from_parquet

_ROWS = 220_000  # of a block: four years of 10 minutes; in fewer rows values repeat less, and Parquet grows
_AT_ONCE = 2  # blocks, of which one is encoded while another one is sent


def keep_rows(records: Records, ingest: str, rows: pd.DataFrame) -> list[StoredFile]:
    """Write the rows of a batch; return where they lie, in their order. An attempt that repeats it writes the same objects."""
    table = pa.Table.from_pandas(rows, preserve_index=False, nthreads=1)

    def kept(first: int) -> StoredFile:
        body = encoded(table.slice(first, _ROWS))
        return records.keep(BATCH_ROWS, body, ingest=ingest, hash=digest(body)[:16])

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        files = list(pool.map(kept, range(0, len(table), _ROWS)))
    give_back(sum(file.size for file in files))
    return files


def rows_of(records: Records, batch: Batch) -> pa.Table:
    """Return the rows of a batch that has some.

    Raises
    ------
    IntegrityError
        If an object no longer holds what was written.
    """
    size = sum(file.size for file in batch.files)
    give_back(size)  # what an earlier batch lay in
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tables = list(pool.map(lambda file: table_from_parquet(records.opened(file), file.key), batch.files))
    give_back(size)
    return pa.concat_tables(tables)


def frame_of(records: Records, batch: Batch) -> pd.DataFrame:
    """Return the rows of a batch as a frame into which nobody writes, so that they need not be in memory twice."""
    table = rows_of(records, batch)
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    del table
    give_back(sum(file.size for file in batch.files))
    return frame


def bodies_of(records: Records, batch: Batch) -> list[RawFile]:
    """Return the objects of a batch's rows as they are, for quarantine."""
    return [RawFile(PurePosixPath(file.key).name, records.opened(file)) for file in batch.files]
