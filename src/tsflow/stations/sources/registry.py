"""The registry of source kinds: what a source is, and how a station file's source finds its class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import PlainValidator, PrivateAttr, SerializeAsAny, field_validator

from tsflow.model import Strict
from tsflow.registry import Registry
from tsflow.stations.kinds import of_its_kind
from tsflow.stations.raw import Origin, RawFile

if TYPE_CHECKING:
    from tsflow.stations.station import Station

_kinds: Registry[Source] = Registry("tsflow.stations.sources", "source kind")
register = _kinds.register
kinds = _kinds.all


Known = Callable[[str], Origin | None]


def _nothing(url: str) -> Origin | None:
    """Know no file: each is fetched."""


class Source(Strict, ABC):
    """A source of a station file; its fields are the keys that the file gives."""

    kind: str
    _known: Known = PrivateAttr(default_factory=lambda: _nothing)

    @field_validator("kind")
    @classmethod
    def _registered(cls, kind: str) -> str:
        if not _kinds.holds(kind, cls):
            msg = f"{cls.__name__} is not registered as the source kind {kind!r}"
            raise ValueError(msg)
        return kind

    @abstractmethod
    def fetch(self, station: Station, *, start: datetime | None, end: datetime) -> list[RawFile]:
        """Return the files that cover `start` (exclusive; None: all there is) to `end`, by the station's clock.

        Files may hold more than was asked for: an archive comes in half-years.

        Raises
        ------
        SourceUnavailable
            If the source does not answer or a file is not there; the message names every address tried.
        SourceFormatError
            If there is nothing to read where the station file says.
        """

    def begins(self, as_of: datetime) -> datetime | None:
        """Return from when on the source has rows; None: it cannot tell, take whatever there is.

        An ingest whose store begins later than this fetches anew from here.
        """
        return None

    def knowing(self, known: Known) -> Self:
        """Return the source that asks servers for what changed: by URL, what they said of files that were stored whole."""
        wiser = self.changed()
        wiser._known = known
        return wiser

    def reaching_back(self, days: int) -> Self:
        """Return the source that goes so many days back; one that gives whatever there is stays as it is."""
        return self


def _checked(value: object) -> Source:
    return value if isinstance(value, Source) else of_its_kind(value, kinds(), "source")


AnySource = Annotated[SerializeAsAny[Source], PlainValidator(_checked)]
