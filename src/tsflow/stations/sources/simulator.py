"""The built-in simulator: physically consistent weather as a pure function of time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field

from tsflow.stations.raw import RawFile
from tsflow.stations.sources.registry import Source, register

if TYPE_CHECKING:
    from tsflow.stations.station import Station


@register("simulator")
class SimulatorSource(Source):
    """Made-up weather in the form of the station's own files."""

    seed: int = 0
    history_days: Annotated[int, Field(ge=1)] = 1826  # how far back an ingest without a start goes

    def begins(self, as_of: datetime) -> datetime:
        """Return the beginning of the history that is wanted."""
        return as_of - timedelta(days=self.history_days)

    def reaching_back(self, days: int) -> Self:
        """Return the same weather over so many days."""
        return self.changed(history_days=days)

    def fetch(self, station: Station, *, start: datetime | None, end: datetime) -> list[RawFile]:
        """Return one file of the interval."""
        from tsflow.stations.simulator import simulated_file

        begin = start or self.begins(end)
        return [RawFile(*simulated_file(station, self, begin, end), own=True)] if begin < end else []
