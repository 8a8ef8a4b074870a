'''Where a station's files come from: one file of this folder for each kind of source.

To add a kind, write one file in this folder. Nothing else has to be changed: every module of the folder is imported
when a station file is checked, and its class is registered under the name that the file gives as `kind`. This is
a whole one:

    """The newest files of a folder."""

    from __future__ import annotations

    from datetime import datetime
    from pathlib import Path
    from typing import TYPE_CHECKING, Annotated

    from pydantic import Field

    from tsflow.errors import SourceFormatError
    from tsflow.stations.raw import RawFile
    from tsflow.stations.sources.registry import Source, register

    if TYPE_CHECKING:
        from tsflow.stations.station import Station


    @register("newest")
    class NewestSource(Source):
        """The last files by name of a folder, into which a logger writes one file each day."""

        folder: Path
        count: Annotated[int, Field(ge=1)] = 30

        def fetch(self, station: Station, *, start: datetime | None, end: datetime) -> list[RawFile]:
            """Return the last files, whatever the interval."""
            paths = sorted(self.folder.glob("*.csv"))[-self.count :]
            if not paths:
                msg = f"no .csv file in {self.folder}; correct `folder` in the station file"
                raise SourceFormatError(msg)
            return [RawFile(path.name, path.read_bytes()) for path in paths]

The fields of the class are the keys that a station file gives, and they are checked like every other key of the file:

    sources:
      logger: {kind: newest, folder: /var/logger, count: 10}

What a kind has to keep to:

- `fetch` returns whole files in the form that the station file describes: `station.form`, `station.timestamp` (column, format), the
  columns of `station.measured`, `station.encoding`. What a service answers is put into comma-separated values and marked
  `RawFile(..., own=True)`, as `json_http.py` does.
- `start` and `end` are by the station's clock, without a zone: rows after `start`, up to and with `end`; no `start` means all
  there is. It may return more rows than were asked for, because rows that are stored already are not stored twice.
- `fetch` raises `SourceUnavailable` if trying again later may help, and `SourceFormatError` if it cannot.
- A source that knows where its rows begin overrides `begins`, and one whose history can be chosen also `reaching_back`.
  An ingest then fetches older rows when the store begins too late; `simulator.py` shows both.
- `tsflow.stations.download` fetches by HTTP and tries again, `api_key.py` and `paging.py` beside it know keys and pages; tests
  serve real bytes from a local server (`tests/stations`).
- Heavy libraries are imported inside `fetch`, because whoever checks a station file imports every module of this folder.
  `Station` is imported for the type checker alone, because the station file imports this folder.
- A URL that may hold a password goes through `tsflow.texts.without_passwords` before it stands in a message.
'''

from tsflow.stations.sources.registry import AnySource, Source, kinds, register

__all__ = ["AnySource", "Source", "kinds", "register"]
