"""The private state folder: what lies where, written so that a reader never sees half a file."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from tsflow.errors import StackError
from tsflow.folders import state_dir

FREE_BYTES = 256 * 2**20  # below this SeaweedFS takes no more objects and SQLite soon fails


def private_dir(*parts: str) -> Path:
    """Return a folder of the state folder, made if it is not there, closed to everyone else."""
    folder = state_dir()
    for name in ("", *parts):
        folder = folder / name
        with disk_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_mode & 0o077:
                folder.chmod(0o700)
    return folder


def log_file(name: str) -> Path:
    """Return where a part of the stack logs to."""
    return private_dir("logs") / f"{name}.log"


def stack_id() -> str:
    """Return what tells this state folder's processes from another's, the same for each start."""
    return hashlib.sha256(str(state_dir()).encode()).hexdigest()[:16]


def write_private(path: Path, text: str, *, replace: bool = True) -> bool:
    """Write a file as a whole, mode 0600; with `replace=False` leave one that is there, and say so by False."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with disk_errors(path):
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                draft.replace(path)
            else:
                os.link(draft, path)  # unlike a rename, fails if another process was first
        except FileExistsError:
            if replace:
                raise
            return False
        finally:
            draft.unlink(missing_ok=True)
    return True


def require_room() -> None:
    """Refuse to start on a disk that is all but full.

    Raises
    ------
    StackError
        With what is free and what is needed.
    """
    folder = private_dir()
    free = psutil.disk_usage(str(folder)).free
    if free < FREE_BYTES:
        msg = (
            f"the disk of {folder} is full: {free / 2**20:.0f} MiB free, at least {FREE_BYTES / 2**20:.0f} MiB needed; "
            "make room, or set TSFLOW_STATE to a folder on another disk"
        )
        raise StackError(msg)


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Say what to do where the disk is full or the state folder cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            msg = f"{path}: no space left on the disk; make room, or set TSFLOW_STATE to a folder on another disk"
        elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
            msg = f"{path}: cannot be written ({error.strerror}); set TSFLOW_STATE to a folder of your own"
        else:
            raise
        raise StackError(msg) from error


def last_lines(path: Path, count: int = 15) -> str:
    """Return the end of a log, for an error's text."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError as error:
        return f"(no log: {error.strerror})"
    return "\n".join(f"  | {line}" for line in lines[-count:]) or "(the log is empty)"
