"""A station file as it came."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RawFile:
    """Its name and bytes."""

    name: str
    body: bytes
