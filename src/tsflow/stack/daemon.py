"""Starting a daemon of the stack, handing it the settings, and its life: record, signals, failure."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr
from pydantic_core import to_jsonable_python

from tsflow.errors import StackError, TsflowError
from tsflow.folders import home, state_dir
from tsflow.settings import Settings
from tsflow.stack.locks import FileLock
from tsflow.stack.marks import marked_environment, unmarked_environment
from tsflow.stack.places import disk_errors, log_file, private_dir
from tsflow.stack.processes import Kept
from tsflow.stack.record import DaemonRecord, DaemonState, began, forget

_TICK_SECONDS = 0.2
_CALM_SECONDS = 1.0  # once everything runs
_started: list[subprocess.Popen[bytes]] = []  # kept, so that Python does not warn of children left behind


def spawn(name: str, module: str, settings: Settings) -> subprocess.Popen[bytes]:
    """Start a daemon in a session of its own; it outlives this process."""
    log = log_file(name)
    places = {"TSFLOW_HOME": str(home()), "TSFLOW_STATE": str(state_dir())}  # a path may be relative, and its folder is another
    environment = marked_environment(name, {**unmarked_environment(), **places})
    with disk_errors(log), os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=private_dir(),
            env=environment,
            start_new_session=True,
        )
    reap()
    _started.append(process)
    if process.stdin is None:
        msg = f"{name}: started without a pipe for its settings"
        raise StackError(msg)
    try:
        with process.stdin as pipe:
            pipe.write(_revealed(settings).encode())
    except BrokenPipeError:
        process.wait()  # it died at once; its log says why
    return process


def reap() -> None:
    """Let go of the daemons of this process that have ended."""
    _started[:] = [child for child in _started if child.poll() is None]


def received_settings() -> Settings:
    """Return the settings that `spawn` handed over."""
    return Settings(**json.load(sys.stdin))


def _revealed(settings: Settings) -> str:
    """Settings as JSON with their secrets: for a pipe only, never a file or an argument."""

    def plain(value: Any) -> Any:
        if isinstance(value, SecretStr):
            return value.get_secret_value()
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return to_jsonable_python(value)

    return json.dumps(plain(settings.model_dump()))


class Daemon:
    """The frame of a daemon: at most one of a name, a record that others read, an orderly end on SIGTERM."""

    def __init__(self, name: str, stop_seconds: float) -> None:
        self.name = name
        self.stop_seconds = stop_seconds
        self.kept: list[Kept] = []
        self.state: DaemonState = "starting"
        self.url: str | None = None
        self.reason: str | None = None
        self._created = began(os.getpid())
        self._stopping = False  # not an Event: to set one in a signal handler can deadlock
        self._woken, self._waker = socket.socketpair()  # Python writes to it when a signal comes
        for end in (self._woken, self._waker):
            end.setblocking(False)
        self._written: DaemonRecord | None = None

    def live(self, work: Callable[[], None], cleanup: Callable[[], None]) -> int:
        """Do the work unless another daemon of this name does; return the exit code."""
        lock = FileLock(private_dir("run") / f"{self.name}.lock")
        if not lock.acquire():
            return 0
        self._hear_signals()
        try:
            self.write()
            work()
        except TsflowError as error:
            self.reason = str(error)
            self.state = "failed"
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        except Exception as error:
            self.reason = f"{type(error).__name__}: {error}; see {log_file(self.name)}"
            self.state = "failed"
            raise
        else:
            self.state = "stopping"
        finally:
            self.write()
            cleanup()
            if self.state == "stopping":
                forget(self.name)
            lock.release()
            signal.set_wakeup_fd(-1)
        return 0 if self.state == "stopping" else 1

    def stopping(self) -> bool:
        """Say whether the daemon was asked to end."""
        return self._stopping

    def _hear_signals(self) -> None:
        """Let a request to stop, and the end of a child, end a pause."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def _asked_to_stop(self, *_: object) -> None:
        self._stopping = True

    def pause(self) -> None:
        """Wait until it is time to look again: that is at once when a signal has come."""
        calm = self.state == "running" and all(kept.state == "running" for kept in self.kept)
        select.select([self._woken], [], [], _CALM_SECONDS if calm else _TICK_SECONDS)
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)

    def write(self) -> None:
        """Write the record if something changed."""
        record = DaemonRecord(
            name=self.name,
            pid=os.getpid(),
            created=self._created,
            state=self.state,
            url=self.url,
            reason=self.reason,
            stop_seconds=self.stop_seconds,
            components=tuple(kept.status() for kept in self.kept),
        )
        if record != self._written:
            with contextlib.suppress(StackError):  # a full disk must not end what still runs; tried again at the next tick
                record.write()
                self._written = record
