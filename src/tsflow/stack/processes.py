"""Components: processes that are kept running, each in a session of its own, restarted with a limit when they die."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tsflow.errors import StackError
from tsflow.stack.marks import marked_environment, sweep
from tsflow.stack.places import disk_errors, last_lines, log_file
from tsflow.stack.record import ComponentState, ComponentStatus

RESTART_WINDOW_SECONDS = 600.0
_LOG_BYTES = 20 * 2**20  # a longer log is set aside
_LOOK_SECONDS = 60.0


def set_aside(log: Path) -> None:
    """Begin a log anew if it has grown long, with what it held beside it; whoever writes to it goes on, at its end."""
    with contextlib.suppress(OSError):  # a log that stays long is no reason to stop
        if log.stat().st_size > _LOG_BYTES:
            shutil.copy(log, log.with_suffix(".log.1"))  # with its mode: it is its owner's alone
            os.truncate(log, 0)


@dataclass(frozen=True)
class Component:
    """What to run, and how long it may take to stop."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    stop_seconds: float
    umask: int = -1  # what its files and sockets deny to whom; -1: as this process
    pass_fds: tuple[int, ...] = ()  # of locks that it holds too

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process, marked, in its own session, with its output in its log."""
        log = log_file(self.name)
        set_aside(log)
        with disk_errors(log), os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=marked_environment(self.name, self.environment),
                start_new_session=True,
                umask=self.umask,
                pass_fds=self.pass_fds,
            )

    def wait(self, process: subprocess.Popen[bytes], stopping: Callable[[], bool]) -> None:
        """Wait until a command that was started, and ends by itself, has succeeded, or until this process is to stop.

        Raises
        ------
        StackError
            If it ends otherwise, with the end of its log.
        """
        while process.poll() is None:
            if stopping():
                process.kill()
                process.wait()
                return
            time.sleep(0.05)
        if process.returncode:
            log = log_file(self.name)
            msg = f"{self.name} ended with {_ending(process.returncode)}; the end of {log}:\n{last_lines(log)}"
            raise StackError(msg)


@dataclass
class Kept:
    """A component that is kept running."""

    component: Component
    max_restarts: int
    process: subprocess.Popen[bytes] | None = None
    state: ComponentState = "starting"
    started_at: float = 0.0
    restarts: int = 0
    reason: str | None = None
    _recent: deque[float] = field(default_factory=deque)
    _next_start: float = 0.0
    _next_look: float = 0.0  # at how long its log is

    def tick(self, now: float) -> None:
        """Notice a death, and start the component if it is due; `now` is monotonic."""
        if self.state == "failed":
            return
        if self.process is not None and self.process.poll() is not None:
            self._died(self.process.returncode, now)
        elif self.process is not None and now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            set_aside(log_file(self.component.name))
        elif self.process is None and now >= self._next_start:
            self.process = self.component.start()
            self.started_at = time.time()
            self.state = "running"

    def _died(self, code: int, now: float) -> None:
        self.process = None
        self.reason = f"ended with {_ending(code)} at {time.strftime('%Y-%m-%d %H:%M:%S')}"
        sweep(lambda part: part == self.component.name)  # what it had started must not run on beside its successor
        while self._recent and now - self._recent[0] > RESTART_WINDOW_SECONDS:
            self._recent.popleft()
        if len(self._recent) >= self.max_restarts:
            self.state = "failed"
            self.reason += f", after {len(self._recent)} restarts within ten minutes"
            return
        self._next_start = now + (0.0 if not self._recent else 2.0 ** (len(self._recent) - 1))
        self._recent.append(now)
        self.restarts += 1
        self.state = "restarting"

    def status(self) -> ComponentStatus:
        """Return what `tsflow status` shows."""
        return ComponentStatus(
            name=self.component.name,
            state=self.state,
            pid=self.process.pid if self.process else None,
            started_at=self.started_at or None,
            restarts=self.restarts,
            reason=self.reason,
            log=str(log_file(self.component.name)),
        )


def stop(kept: Sequence[Kept]) -> None:
    """Stop components at the same time.

    Each one's leader is asked, which lets running tasks end; after half of the time its whole group is asked; after
    all of it, whatever is left is killed.
    """
    living = [one for one in kept if one.process is not None and one.process.poll() is None]
    started = time.monotonic()
    for one in living:
        _ask(one, os.kill)
    for one in living:
        _wait(one, started + one.component.stop_seconds / 2)
        _ask(one, os.killpg)
    for one in living:
        _wait(one, started + one.component.stop_seconds)
    names = {one.component.name for one in kept}
    sweep(lambda part: part in names)
    for one in kept:
        if one.process is not None:
            one.process.wait()
        one.process, one.state = None, "stopped"


def _wait(one: Kept, deadline: float) -> None:
    while one.process is not None and one.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def _ask(one: Kept, send: Callable[[int, int], None]) -> None:
    if one.process is not None and one.process.poll() is None:
        send(one.process.pid, signal.SIGTERM)


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
