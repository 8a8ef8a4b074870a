"""A folder of verified files by SHA-256, and of the last good pointer: what a reader starts with if the store is away.

::

    {cache}/{champion}/pointer       digest of the rest, ETag, the pointer's bytes
    {cache}/{champion}/{sha256}      a manifest, a model, intervals

A file is written under another name and renamed, so that a reader sees it whole or not at all; what is read is hashed again, and
a damaged file counts as not there. Several programs may share the folder.
"""

import contextlib
import hashlib
import logging
import os
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from tsflow.errors import SettingsError

log = logging.getLogger(__name__)

_SHA256 = re.compile("[0-9a-f]{64}")  # what a manifest calls a hash is a file's name here
_POINTER = "pointer"
_KEPT_SECONDS = 86_400.0  # another program may still be reading the version before


def default_cache() -> Path:
    """Return the folder that `TSFLOW_CACHE` names, or `~/.cache/tsflow`."""
    named = os.environ.get("TSFLOW_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "tsflow"


@dataclass(frozen=True)
class KeptPointer:
    """A pointer as it came from the store."""

    body: bytes
    etag: str


class Cache:
    """What is kept of one champion, which `address` names: that of its pointer in its store."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder.expanduser() / hashlib.sha256(address.encode()).hexdigest()[:32]
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            msg = f"cache {folder}: no folder can be made there ({error}); name another one, or set TSFLOW_CACHE"
            raise SettingsError(msg) from error

    def find(self, sha256: str) -> bytes | None:
        """Return the bytes of this hash, or None if they are not there, whole."""
        body = self._read(sha256) if _SHA256.fullmatch(sha256) else None
        return body if body is not None and hashlib.sha256(body).hexdigest() == sha256 else None

    def keep(self, sha256: str, body: bytes) -> None:
        """Keep bytes of this hash."""
        self._write(sha256, body)

    def pointer(self) -> KeptPointer | None:
        """Return the last good pointer, or None if there is none, whole."""
        digest, _, rest = (self._read(_POINTER) or b"").partition(b"\n")
        if not rest or hashlib.sha256(rest).hexdigest().encode() != digest:
            return None
        etag, _, body = rest.partition(b"\n")
        return KeptPointer(body, etag.decode())

    def keep_pointer(self, kept: KeptPointer, files: Collection[str]) -> None:
        """Keep the pointer to a version that was found good, with the hashes of its files; older files go in time."""
        rest = kept.etag.encode() + b"\n" + kept.body
        self._write(_POINTER, hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another program was faster
                if path.name not in {_POINTER, *files} and time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                    path.unlink()

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s: cannot be read (%s); it is fetched again", self.folder / name, error)
            return None

    def _write(self, name: str, body: bytes) -> None:
        """Write a file whole; a full disk costs the cache, not the forecast."""
        try:
            with NamedTemporaryFile(dir=self.folder, prefix=f"{name}.", delete=False) as new:
                try:
                    new.write(body)
                    new.close()
                    Path(new.name).replace(self.folder / name)
                except BaseException:
                    Path(new.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            log.warning("%s: cannot be written (%s); the champion is not kept for when the store is away", self.folder, error)
