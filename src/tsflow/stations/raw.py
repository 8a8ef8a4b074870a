"""A station file as it came."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RawFile:
    """Its name and bytes."""

    name: str
    body: bytes
    own: bool = False  # written by a source of tsflow's, as comma-separated values whatever the form of the station's files
    whole: bool = False  # taken out of a packing, which could not be opened had the file been cut off
