"""Locks of the kernel on files: gone with their holder, however that ends, so none is ever stale."""

import fcntl
import os
import time
from pathlib import Path

_POLL_SECONDS = 0.05


class FileLock:
    """One lock on one file; many may share it, or one may have it alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self, *, shared: bool = False, timeout_seconds: float = 0.0) -> bool:
        """Take the lock, or give up after a while and return False."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(fd)
                    return False
                time.sleep(_POLL_SECONDS)
            else:
                self._fd = fd
                return True

    @property
    def handed_on(self) -> tuple[int, ...]:
        """What a child process must inherit (`pass_fds`) to hold the lock too, for as long as it lives."""
        return () if self._fd is None else (self._fd,)

    def release(self) -> None:
        """Give the lock back; without effect if it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
