"""Whether the files of some folders have changed."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_SUFFIXES = {".py", ".md", ".yaml", ".yml"}  # not what reading them leaves beside them


class Watched:
    """Folders whose files are looked at from time to time."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)
        self._seen = set(self._files())

    def changed(self) -> bool:
        """Say whether a file came, went or is another one since the last look."""
        before, self._seen = self._seen, set(self._files())
        return self._seen != before

    def _files(self) -> Iterator[tuple[Path, int, int]]:
        """Yield path, time and size; what goes meanwhile is left out, a folder (`os.walk` sees to that) or a file."""
        for folder in self._folders:
            for inside, _, names in os.walk(folder):
                for path in (Path(inside, name) for name in names):
                    try:
                        facts = path.stat() if path.suffix in _SUFFIXES else None
                    except OSError:  # it went, or is a link to nowhere
                        continue
                    if facts is not None:
                        yield path, facts.st_mtime_ns, facts.st_size
