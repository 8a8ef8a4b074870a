"""Ports on loopback: the wanted one, or another that is free, remembered for the next start."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from tsflow.stack.places import private_dir, write_private

LOOPBACK = "127.0.0.1"
ANY = 0
PORT_SECONDS = 5.0  # whoever uses a daemon knows it by its port, which one that was killed holds some moments longer
_POLL_SECONDS = 0.05


def choose_ports(owner: str, wanted: Mapping[str, int], *, patience_seconds: float = 0.0) -> dict[str, int]:
    """Return a free port for each name; `ANY` leaves the choice to the system.

    A port that replaced a taken one is kept for later starts, as long as the setting stays the same.

    Parameters
    ----------
    patience_seconds
        How long the ports of the last start are waited for: a process that was killed holds them some moments longer.
    """
    deadline = time.monotonic() + patience_seconds
    file = _file(owner)
    remembered = _remembered(file)
    chosen: dict[str, int] = {}
    with contextlib.ExitStack() as held:  # all are held until all are chosen, so that no two are the same
        for name, port in wanted.items():
            before = remembered.get(name, {})
            candidates = [before["port"]] if before.get("wanted") == port and "port" in before else []
            while candidates and not is_free(candidates[0]) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
            candidates += [port, ANY]
            chosen[name] = next(held.enter_context(_bound(free)) for free in candidates if is_free(free))
    write_private(file, json.dumps({name: {"wanted": wanted[name], "port": port} for name, port in chosen.items()}) + "\n")
    return chosen


def remembered_ports(owner: str) -> dict[str, int]:
    """Return the ports that were chosen last."""
    return {name: choice["port"] for name, choice in _remembered(_file(owner)).items()}


def is_free(port: int) -> bool:
    """Say whether nobody listens on the port, on loopback or on all addresses."""
    if port == ANY:
        return True
    with socket.socket() as probe:  # where a bind beside a listener on 0.0.0.0 is allowed, a connect tells
        probe.settimeout(1.0)
        if probe.connect_ex((LOOPBACK, port)) == 0:
            return False
    try:
        with _bound(port):
            return True
    except OSError:
        return False


def listening(pid: int) -> set[int]:
    """Return the ports on which a process and its children listen."""
    found: set[int] = set()
    with contextlib.suppress(psutil.Error):  # one that has ended listens nowhere
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                ends = process.net_connections("tcp4")
                found |= {end.laddr.port for end in ends if end.status == psutil.CONN_LISTEN}
    return found


@contextlib.contextmanager
def _bound(port: int) -> Iterator[int]:
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections do not count
        held.bind((LOOPBACK, port))
        held.listen()  # two that only bind could share a port
        yield held.getsockname()[1]


def _file(owner: str) -> Path:
    return private_dir("run") / f"ports-{owner}.json"


def _remembered(file: Path) -> dict[str, dict[str, int]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # only a convenience: without it the ports are chosen afresh
    return content if isinstance(content, dict) else {}
