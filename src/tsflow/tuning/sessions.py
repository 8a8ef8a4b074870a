"""Who works on a tuning, for how long, and who no longer does.

A session is one start of one worker. It leaves a beat every few seconds and an end; a session without an end is
dead once its process is gone (seen on its own machine) or its beats have stopped (seen from any other)::

    start.json . beat-000001.json . beat-000002.json . ... . end.json
    |<-------------------- seconds of work ------------------->|

Every object is written once. The seconds of all sessions, dead ones too, are what a tuning has spent.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import psutil

from tsflow.errors import TsflowError
from tsflow.storage import keys
from tsflow.storage.codecs import from_json, stamp, to_json
from tsflow.storage.objects import ObjectStore

log = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
DEAD_AFTER_SECONDS = 60.0  # without a beat; a false alarm costs work done twice, never a result
_SAME_START_SECONDS = 2.0  # how exactly the system says when a process began


class Session:
    """One start of one worker, while it lasts; leaving it, however, writes its end."""

    def __init__(self, objects: ObjectStore, tuning_id: str, worker: str) -> None:
        self.worker = worker
        self.name = f"{stamp(datetime.now(UTC))}-{uuid4().hex[:8]}"
        self._objects = objects
        self._tuning = tuning_id
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"beats of {self.name}", daemon=True)
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        process = {"host": platform.node(), "pid": os.getpid(), "process_began": psutil.Process().create_time()}
        self._put("start.json", {"worker": self.worker, **process})
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._put("end.json", {})

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return time.monotonic() - self._began

    def _beat(self) -> None:
        number = 1
        while not self._over.wait(BEAT_SECONDS):
            try:
                self._put(f"beat-{number:06d}.json", {})
            except TsflowError as error:  # the next one may get through; the training itself meets the same trouble
                log.warning("a beat of %s was not written: %s", self.name, error)
            number += 1

    def _put(self, name: str, facts: dict[str, Any]) -> None:
        body = {"at": datetime.now(UTC).isoformat(), "seconds": round(self.seconds, 3), **facts}
        self._objects.put_new(keys.session(self._tuning, self.name, name), to_json(body), "application/json")


class Sessions:
    """All sessions of a tuning, as they stand in the object store."""

    def __init__(self, objects: ObjectStore, tuning_id: str) -> None:
        self._objects = objects
        self._prefix = keys.tuning(tuning_id, "sessions/")
        self._tuning = tuning_id
        self._read: dict[str, dict[str, Any]] = {}  # by key; they never change

    def spent_seconds(self, current: Session | None = None) -> float:
        """Return the work of all sessions so far, that of `current` by its own clock."""
        others = (names for session, names in self._names().items() if current is None or session != current.name)
        before = sum(float(self._facts(names[-1])["seconds"]) for names in others)
        return before + (current.seconds if current else 0.0)

    def alive(self) -> set[str]:
        """Return the sessions that are at work."""
        return {session for session, names in self._names().items() if self._is_alive(names)}

    def _is_alive(self, names: list[str]) -> bool:
        last = self._facts(names[-1])
        if names[-1].endswith("/end.json"):
            return False
        start = self._facts(names[0])
        if start["host"] == platform.node():
            return _runs(start["pid"], start["process_began"])
        silent = datetime.now(UTC) - datetime.fromisoformat(last["at"])
        return silent.total_seconds() < DEAD_AFTER_SECONDS

    def _names(self) -> dict[str, list[str]]:
        """Return the keys of each session, in order of time: start, beats, end."""
        order = {"start": 0, "beat-": 1, "end.j": 2}
        found: dict[str, list[str]] = defaultdict(list)
        for key in self._objects.keys(self._prefix):
            found[key.split("/")[-2]].append(key)
        ordered = {name: sorted(of, key=lambda key: (order[key.rpartition("/")[2][:5]], key)) for name, of in found.items()}
        return {name: of for name, of in ordered.items() if of[0].endswith("/start.json")}

    def _facts(self, key: str) -> dict[str, Any]:
        if key not in self._read:
            self._read[key] = from_json(self._objects.get(key), key)
        return self._read[key]


def _runs(pid: int, began: float) -> bool:
    """Tell whether a process of this machine runs, and is not another one that got its number."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - began) < _SAME_START_SECONDS and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
