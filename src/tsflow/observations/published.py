"""Which published files lie in the store as a whole, so that their servers need not send them again.

::

    fetch_batch   asks "unless it is still the one with this ETag"   ->  200 and the file  |  304, nothing to read
    store_batch   once its rows are stored: remembers what the server said of the file, and by which station file it was read

A file of which rows were left to a later ingest is not remembered, and one that was read by another station file is read again.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from tsflow.records.ingest import Batch, Published, Taken
from tsflow.records.store import Records
from tsflow.stations.raw import Origin, RawFile
from tsflow.storage.codecs import digest, to_json


def address_of(url: str) -> str:
    """Return what stands for a URL in a key."""
    return digest(url.encode())[:24]


def described_by(content: Mapping[str, object]) -> str:
    """Return what stands for a station file."""
    return digest(to_json(dict(content)))[:24]


def published(files: Sequence[RawFile], station: str) -> list[Published]:
    """Return what servers said of files; nothing of those whose server says nothing by which it can be asked."""
    origins = [file.origin for file in files if file.origin and (file.origin.etag or file.origin.modified)]
    return [Published(address=address_of(each.url), etag=each.etag, modified=each.modified, station=station) for each in origins]


def known(records: Records, station: str, described: str) -> Callable[[str], Origin | None]:
    """Return what says, by URL, what servers said of the files that were stored as a whole, and were read by this station file."""

    def of(url: str) -> Origin | None:
        taken = records.newest(Taken, station=station, address=address_of(url))
        if taken is None or taken.file.station != described:
            return None
        return Origin(url, taken.file.etag, taken.file.modified)

    return of


def remember(records: Records, batch: Batch) -> None:
    """Write down that a batch's files lie in the store as a whole."""
    if batch.later_rows == 0:
        for file in batch.published:
            now = datetime.now(UTC).replace(microsecond=0)
            records.append(Taken(station=batch.station, address=file.address, created_at=now, file=file))
