"""What a daemon of the stack writes down about itself, for `status`, `up` and `down` to read."""

import os
import time
from pathlib import Path
from typing import Literal

import psutil
from pydantic import ValidationError

from tsflow.model import Strict
from tsflow.stack.marks import part_of, stat_fields
from tsflow.stack.places import private_dir, write_private

SUPERVISOR, KEEPER = "supervisor", "object-store-keeper"  # the two daemons

ComponentState = Literal["starting", "running", "restarting", "failed", "stopped"]
DaemonState = Literal["starting", "running", "failed", "stopping"]
_CLOCK_SECONDS = 5.0  # a start time since the epoch is derived from the clock, which may have been set since
_FIRST_EPOCH = 1e9  # no machine runs for thirty years


def began(pid: int) -> float:
    """Return when a process began, in seconds since the machine did, so that a step of the clock changes nothing.

    Where the system does not say that, in seconds since the epoch.

    Raises
    ------
    psutil.NoSuchProcess
        If it is gone.
    """
    try:
        return int(stat_fields(pid)[19]) / os.sysconf("SC_CLK_TCK")  # see proc_pid_stat(5): starttime
    except OSError:
        return psutil.Process(pid).create_time()


def since_epoch(pid: int) -> float:
    """Return when a process began, in seconds since the epoch by the clock as it goes now, though it was set meanwhile.

    Raises
    ------
    psutil.NoSuchProcess
        If it is gone.
    """
    since_boot = began(pid)
    return since_boot if since_boot > _FIRST_EPOCH else time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot


class ComponentStatus(Strict):
    """One process that is kept running."""

    name: str
    state: ComponentState
    pid: int | None = None
    started_at: float | None = None  # seconds since the epoch
    restarts: int = 0
    reason: str | None = None  # why it last died, or is not healthy
    log: str
    healthy: bool | None = None  # None: nobody asked


class DaemonRecord(Strict):
    """A daemon and its components."""

    name: str
    pid: int
    created: float  # as `began` says: with the pid, what no other process has
    state: DaemonState
    url: str | None = None  # where what it keeps answers
    reason: str | None = None
    stop_seconds: float = 30.0  # how long an orderly end may take
    components: tuple[ComponentStatus, ...] = ()

    def process(self) -> psutil.Process | None:
        """Return the daemon's process, or None if it is gone (another one may have its pid)."""
        try:
            process = psutil.Process(self.pid)
            since_epoch = self.created > _FIRST_EPOCH  # as an earlier tsflow wrote it down
            passed = abs(process.create_time() - self.created) if since_epoch else abs(began(self.pid) - self.created)
            if passed > (_CLOCK_SECONDS if since_epoch else 0):
                return None
        except psutil.Error:
            return None
        return process if part_of(process) == self.name else None

    def write(self) -> None:
        """Replace what is written down."""
        write_private(_file(self.name), self.model_dump_json(indent=1) + "\n")


def read_record(name: str) -> DaemonRecord | None:
    """Return what a daemon last wrote, alive or not; it may be of a newer tsflow, which says more."""
    try:
        return DaemonRecord.model_validate_json(_file(name).read_text(encoding="utf-8"), extra="ignore")
    except (OSError, ValidationError):
        return None  # of another version, or none: the marks still find its processes


def living(name: str) -> DaemonRecord | None:
    """Return what a daemon last wrote if it is alive."""
    record = read_record(name)
    return record if record is not None and record.process() is not None else None


def forget(name: str) -> None:
    """Remove what a daemon wrote."""
    _file(name).unlink(missing_ok=True)


def _file(name: str) -> Path:
    return private_dir("run") / f"{name}.json"
