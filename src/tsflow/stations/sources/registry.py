"""The registry of source kinds: what a source is, and how a station file's source finds its class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import PlainValidator, SerializeAsAny, ValidationError, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from tsflow.errors import UnknownName
from tsflow.model import Strict
from tsflow.registry import Registry
from tsflow.stations.raw import RawFile

if TYPE_CHECKING:
    from tsflow.stations.station import Station

_kinds: Registry[Source] = Registry("tsflow.stations.sources", "source kind")
register = _kinds.register
kinds = _kinds.all


class Source(Strict, ABC):
    """A source of a station file; its fields are the keys that the file gives."""

    kind: str

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

    def reaching_back(self, days: int) -> Self:
        """Return the source that goes so many days back; one that gives whatever there is stays as it is."""
        return self


def _of_its_kind(value: object) -> Source:
    """Return a source of a station file, checked by the class of its kind; an error names the key that is wrong."""
    if isinstance(value, Source):
        return value
    given = value.get("kind") if isinstance(value, Mapping) else None
    known = kinds()
    if not isinstance(given, str):
        raise _wrong_kind(f"every source is a block with a `kind`; valid: {', '.join(known)}")
    if given not in known:
        raise _wrong_kind(str(UnknownName("source kind", given, list(known))))
    return known[given].model_validate(value)


def _wrong_kind(said: str) -> ValidationError:
    """Return the error at the key `kind`, to which pydantic adds the place of the source."""
    problem = PydanticCustomError("source_kind", "{said}", {"said": said})
    return ValidationError.from_exception_data("Source", [InitErrorDetails(type=problem, loc=("kind",), input={})])


AnySource = Annotated[SerializeAsAny[Source], PlainValidator(_of_its_kind)]
