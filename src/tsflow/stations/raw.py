"""A station file as it came."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """Where a file was fetched, and what its server said of it."""

    url: str
    etag: str | None
    modified: str | None


@dataclass(frozen=True)
class RawFile:
    """Its name and bytes."""

    name: str
    body: bytes
    origin: Origin | None = None  # None: nobody can be asked whether it changed
    unchanged: bool = False  # its server says that it is still what was stored before, and did not send it again
    own: bool = False  # written by a source of tsflow's, as comma-separated values whatever the form of the station's files
    whole: bool = False  # taken out of a packing, which could not be opened had the file been cut off
