"""Which published files lie in the store as a whole, so that their servers need not send them again.

::

    fetch_batch   asks "unless it is still the one with this ETag"   ->  200 and the file  |  304, nothing to read
    store_batch   once its rows are stored: remembers what the server said of the file, and by which station file it was read

A file of which rows were left to a later ingest is not remembered, and one that was read by another station file is read again.
"""

from collections.abc import Iterator, Mapping, Sequence
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


class Known(Mapping[str, Origin]):
    """By URL, what servers said of the files that were stored as a whole; looked up when it is asked for."""

    def __init__(self, records: Records, station: str, described: str) -> None:
        self._records, self._station, self._described = records, station, described

    def __getitem__(self, url: str) -> Origin:
        """Return it; `KeyError` if the file was not stored, or read by another station file."""
        taken = self._records.newest(Taken, station=self._station, address=address_of(url))
        if taken is None or taken.file.station != self._described:
            raise KeyError(url)
        return Origin(url, taken.file.etag, taken.file.modified)

    def __iter__(self) -> Iterator[str]:
        """Raise: URLs are hashed, and cannot be listed."""
        raise TypeError("the URLs of published files are kept as hashes only")

    def __len__(self) -> int:
        """Return how many files there are."""
        return len({place["address"] for place in self._records.listed(Taken, station=self._station)})


def remember(records: Records, batch: Batch) -> None:
    """Write down that a batch's files lie in the store as a whole."""
    if batch.later_rows == 0:
        for file in batch.published:
            now = datetime.now(UTC).replace(microsecond=0)
            records.append(Taken(station=batch.station, address=file.address, created_at=now, file=file))
