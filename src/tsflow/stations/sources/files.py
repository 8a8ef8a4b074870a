"""Files on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from tsflow.errors import SourceFormatError
from tsflow.folders import home
from tsflow.stations.raw import RawFile
from tsflow.stations.sources.registry import Source, register

if TYPE_CHECKING:
    from tsflow.stations.station import Station


@register("files")
class FilesSource(Source):
    """Files on this machine: paths or patterns, relative ones from tsflow's home."""

    paths: Annotated[list[str], Field(min_length=1)]

    def fetch(self, station: Station, *, start: datetime | None, end: datetime) -> list[RawFile]:
        """Return all the files, whatever the interval."""
        return read_paths(self.paths, base=home())


def read_paths(paths: Sequence[str], *, base: Path | None = None) -> list[RawFile]:
    """Read files by path or pattern; relative ones from `base`, or from the working folder."""
    read: list[Path] = []
    for pattern in paths:
        path = Path(pattern)
        folder, name = (base or Path.cwd()) / path.parent, path.name
        found = [folder / name] if (folder / name).exists() else sorted(folder.glob(name))
        matches = [path for path in found if path.is_file()]  # neither folders nor pipes
        if not matches:
            msg = f"no file {pattern!r} in {(base or Path.cwd())}; give an existing path, or a pattern that matches one"
            raise SourceFormatError(msg)
        read += matches
    return [RawFile(path.name, path.read_bytes()) for path in read]
