"""The registry of forms: what a form is, and how a station file's form finds its class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import PlainValidator, SerializeAsAny

from tsflow.model import Strict
from tsflow.registry import Registry
from tsflow.stations.kinds import of_its_kind
from tsflow.stations.raw import RawFile
from tsflow.stations.unpack import tables

if TYPE_CHECKING:
    import pandas as pd

    from tsflow.stations.station import Station

_kinds: Registry[Form] = Registry("tsflow.stations.forms", "form")
register = _kinds.register
kinds = _kinds.all


@dataclass(frozen=True)
class Table:
    """What a form reads from a file.

    The index of the cells is the row's line in the file, which messages name. The time columns are text, or one of them is a
    column of times: without a zone by the station's clock, or with one. A row that ends behind the cells that the
    station reads has no value in its last columns.
    """

    cells: pd.DataFrame
    unfinished_rows: int = 0  # left out since they were still being written: 0 or 1
    encoding: str | None = None  # of a file of text


class Form(Strict, ABC):
    """A form of files; its fields are the keys that the station file gives."""

    endings: ClassVar[tuple[str, ...]]  # of the names of such files, in a zip

    kind: str

    @abstractmethod
    def read(self, file: RawFile, station: Station) -> Table:
        """Return the cells of a file that is unpacked.

        Raises
        ------
        SourceFormatError
            If this is no table with the columns that the station file names.
        """

    @abstractmethod
    def require_columns(self, file: RawFile, station: Station) -> None:
        """Raise `SourceFormatError` unless an unpacked file begins as one of this form with the station's columns does."""

    def require(self, file: RawFile, station: Station) -> None:
        """Raise `SourceFormatError` unless each table of a file, packed or not, begins as the station's do."""
        for table in tables(file, self.endings):
            self.require_columns(table, station)


def default() -> Form:
    """Return the form of a station file that names none: comma-separated values under one line of headers."""
    return kinds()["csv"].model_validate({"kind": "csv"})


def _checked(value: object) -> Form:
    """Return a form of a station file: a block, whose `kind` is csv if it has none, or the name of a kind alone."""
    if isinstance(value, Form):
        return value
    block = {"kind": value} if isinstance(value, str) else {"kind": "csv", **value} if isinstance(value, Mapping) else value
    return of_its_kind(block, kinds(), "form")


AnyForm = Annotated[SerializeAsAny[Form], PlainValidator(_checked)]
