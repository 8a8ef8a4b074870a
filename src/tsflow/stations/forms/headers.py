"""Whether a file has the columns that the station file names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tsflow.errors import SourceFormatError
from tsflow.stations.raw import RawFile

if TYPE_CHECKING:
    from tsflow.stations.station import Station

HINT = "correct `variables` in the station file, or `encoding` if names look garbled"


def measured_columns(station: Station) -> list[str]:
    """Return the headers of the station's variables."""
    return [variable.column for variable in station.measured.values() if variable.column]


def require_headers(headers: Sequence[str], file: RawFile, station: Station, *, hint: str = HINT) -> None:
    """Raise `SourceFormatError` unless each column of the station is there once; `hint`: what to do where one is missing."""
    wanted = [*station.timestamp.columns, *measured_columns(station)]
    if lacking := [column for column in wanted if column not in headers]:
        missing = f"column missing: {', '.join(map(repr, lacking))}; found: {', '.join(headers)}"
        msg = f"{file.name}: {missing}; {hint}"
        raise SourceFormatError(msg)
    if twice := [column for column in wanted if list(headers).count(column) > 1]:
        msg = f"{file.name}: two columns are called {twice[0]!r}, and the station file names it; rename one of them"
        raise SourceFormatError(msg)
