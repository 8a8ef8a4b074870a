"""A bell beside the scheduler: whoever has given it something to do rings, so that it need not look over and over again.

It is a named pipe in Airflow's folder, which the scheduler alone makes and reads. Where there is none, as under `docker compose`,
or where nobody reads it, ringing does nothing.
"""

import contextlib
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from tsflow.errors import StackError

_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_OF_TASKS, _ENDS = "/execution/", "/state"  # what running tasks report: that they live, what they found; and at last how they ended

Scope = MutableMapping[str, Any]  # by ASGI
Said = Callable[..., Awaitable[Any]]
Application = Callable[[Scope, Said, Said], Awaitable[None]]


def _path() -> Path | None:
    folder = os.environ.get("AIRFLOW_HOME")
    return Path(folder) / "scheduler.bell" if folder else None


class Bell:
    """The end of the pipe that is heard."""

    def __init__(self) -> None:
        path = _path()
        if path is None:
            msg = "AIRFLOW_HOME is not set; the stack sets it for each of its processes"
            raise StackError(msg)
        if not path.is_fifo():
            path.unlink(missing_ok=True)
            os.mkfifo(path, 0o600)
        self._end = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # for writing, too: so it never ends

    def fileno(self) -> int:
        """Return what can be waited for."""
        return self._end

    def silence(self) -> bool:
        """Forget how often it was rung, and say whether it was."""
        rung = False
        with contextlib.suppress(BlockingIOError):
            while os.read(self._end, 4096):
                rung = True
        return rung


def ring() -> None:
    """Wake the scheduler of this stack, if it has one."""
    path = _path()
    with contextlib.suppress(OSError):  # no pipe, no reader, or as full as it gets
        if path is not None and path.is_fifo():
            end = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            try:
                os.write(end, b"!")
            finally:
                os.close(end)


class RingsAfterChanges:
    """A layer around the API server that rings once a request that may change something is done, its transaction included.

    Of what a task reports that is its end alone. The local executor tells of it, too, but up to five seconds later: Airflow's
    process beside the task looks for its exit no more often, unless the exit comes before the last of its pipes is closed.
    """

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Said, send: Said) -> None:
        """Answer a request as the server does."""
        try:
            await self._app(scope, receive, send)
        finally:
            if scope["type"] == "http" and scope["method"] in _CHANGES and _matters(scope["path"]):
                ring()


def _matters(path: str) -> bool:
    return not path.startswith(_OF_TASKS) or path.endswith(_ENDS)
