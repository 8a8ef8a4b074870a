"""What was read once, on this machine's disk: files by their hash, and the last good pointer of each champion."""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from tsflow.bundle.manifest import BundleFile
from tsflow.bundle.reading import ANY_SIZE


def default_folder() -> Path:
    """Return where it lies: TSFLOW_CACHE, else `tsflow` in the user's cache folder."""
    named = os.environ.get("TSFLOW_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tsflow"


class Cache:
    """A folder; where it cannot be written nothing is kept, and everything works as without it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, wanted: BundleFile) -> bytes | None:
        """Return a file by its hash; None if it is not there, or is not that file any more."""
        body = self._read(self._folder / "files" / wanted.sha256)
        if body is None or wanted.size not in {len(body), ANY_SIZE} or hashlib.sha256(body).hexdigest() != wanted.sha256:
            return None
        return body

    def keep_file(self, body: bytes) -> None:
        """Keep a file that was verified."""
        self._write(self._folder / "files" / hashlib.sha256(body).hexdigest(), body)

    def pointer(self, address: str) -> bytes | None:
        """Return the last good pointer of an address."""
        return self._read(self._pointer_file(address))

    def keep_pointer(self, address: str, body: bytes) -> None:
        """Keep a pointer whose bundle was verified."""
        self._write(self._pointer_file(address), body)

    def _pointer_file(self, address: str) -> Path:
        return self._folder / "pointers" / f"{hashlib.sha256(address.encode()).hexdigest()[:32]}.json"

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except OSError:
            return None

    @staticmethod
    def _write(path: Path, body: bytes) -> None:
        with suppress(OSError):  # a cache is a help, not a need
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            Path(name).replace(path)
