"""The registry of forms: what a form is, and how a station file's form finds its class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import PlainValidator, SerializeAsAny, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from tsflow.errors import UnknownName
from tsflow.model import Strict
from tsflow.registry import Registry
from tsflow.stations.raw import RawFile

if TYPE_CHECKING:
    import pandas as pd

    from tsflow.stations.station import Station

_kinds: Registry[Form] = Registry("tsflow.stations.forms", "form")
register = _kinds.register
kinds = _kinds.all


class Form(Strict, ABC):
    """A form of files; its fields are the keys that the station file gives."""

    kind: str

    @abstractmethod
    def read(self, file: RawFile, station: Station) -> tuple[pd.DataFrame, int]:
        """Return a file's cells and how many rows were left out since they were still being written (0 or 1).

        The index is the row's line in the file, which messages name. The time column is text. A row that is too short has no
        value in its last columns.

        Raises
        ------
        SourceFormatError
            If this is no table with the columns that the station file names.
        """

    @abstractmethod
    def require(self, file: RawFile, station: Station) -> None:
        """Raise `SourceFormatError` unless the file begins as one of this form with the station's columns does."""


def default() -> Form:
    """Return the form of a station file that names none: comma-separated values under one line of headers."""
    return kinds()["csv"].model_validate({"kind": "csv"})


def _of_its_kind(value: object) -> Form:
    """Return a form of a station file: a block, whose `kind` is csv if it has none, or the name of a kind alone."""
    if isinstance(value, Form):
        return value
    given = {"kind": value} if isinstance(value, str) else value
    known = kinds()
    if not isinstance(given, Mapping):
        raise _wrong_kind(f"a form is a block, or one of: {', '.join(known)}")
    kind = given.get("kind", "csv")
    if kind not in known:
        raise _wrong_kind(str(UnknownName("form", str(kind), list(known))))
    return known[kind].model_validate({**given, "kind": kind})


def _wrong_kind(said: str) -> ValidationError:
    problem = PydanticCustomError("form_kind", "{said}", {"said": said})
    return ValidationError.from_exception_data("Form", [InitErrorDetails(type=problem, loc=("kind",), input={})])


AnyForm = Annotated[SerializeAsAny[Form], PlainValidator(_of_its_kind)]
