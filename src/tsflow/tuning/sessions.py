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
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

import psutil

from tsflow.errors import TsflowError
from tsflow.records.store import Records
from tsflow.records.template import Value
from tsflow.records.tuning import Beat, End, Start
from tsflow.storage.codecs import stamp

log = logging.getLogger(__name__)
B = TypeVar("B", bound=Beat)

BEAT_SECONDS = 10.0
DEAD_AFTER_SECONDS = 60.0  # without a beat; a false alarm costs work done twice, never a result
_SAME_START_SECONDS = 2.0  # how exactly the system says when a process began


class Session:
    """One start of one worker, while it lasts; leaving it, however, writes its end."""

    def __init__(self, records: Records, tuning_id: str, worker: str) -> None:
        self.worker = worker
        self.name = f"{stamp(datetime.now(UTC))}-{uuid4().hex[:8]}"
        self._records = records
        self._tuning = tuning_id
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"beats of {self.name}", daemon=True)
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        began = psutil.Process().create_time()
        self._put(Start(**self._now(), worker=self.worker, host=platform.node(), pid=os.getpid(), process_began=began))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._put(End(**self._now()))

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return time.monotonic() - self._began

    def _beat(self) -> None:
        number = 1
        while not self._over.wait(BEAT_SECONDS):
            try:
                self._put(Beat(**self._now()), beat=number)
            except TsflowError as error:  # the next one may get through; the training itself meets the same trouble
                log.warning("a beat of %s was not written: %s", self.name, error)
            number += 1

    def _now(self) -> dict[str, datetime | float]:
        return {"at": datetime.now(UTC), "seconds": round(self.seconds, 3)}

    def _put(self, moment: Beat, **beside: Value) -> None:
        self._records.first(moment, tuning=self._tuning, session=self.name, **beside)


class Sessions:
    """All sessions of a tuning, as they stand in the object store; what never changes is read once."""

    def __init__(self, records: Records, tuning_id: str) -> None:
        self._records = records
        self._tuning = tuning_id
        self._read: dict[tuple[type[Beat], str, int], Beat] = {}

    def spent_seconds(self, current: Session | None = None) -> float:
        """Return the work of all sessions so far, that of `current` by its own clock."""
        others = (last.seconds for session, last in self._last().items() if current is None or session != current.name)
        return sum(others) + (current.seconds if current else 0.0)

    def alive(self) -> set[str]:
        """Return the sessions that are at work."""
        return {session for session, last in self._last().items() if self._is_alive(session, last)}

    def _is_alive(self, session: str, last: Beat) -> bool:
        if isinstance(last, End):
            return False
        start = self._once(Start, session)
        if start.host == platform.node():
            return _runs(start.pid, start.process_began)
        return (datetime.now(UTC) - last.at).total_seconds() < DEAD_AFTER_SECONDS

    def _last(self) -> dict[str, Beat]:
        """Return the newest moment of each session: its end, else its last beat, else its start."""
        beats: dict[str, int] = {}
        for place in self._records.listed(Beat, tuning=self._tuning):
            beats[str(place["session"])] = int(place["beat"])
        started, ended = self._sessions(Start), self._sessions(End)
        found: dict[str, Beat] = {}
        for session in started:
            if session in ended:
                found[session] = self._once(End, session)
            else:
                found[session] = self._once(Beat, session, beats[session]) if session in beats else self._once(Start, session)
        return found

    def _sessions(self, kind: type[Beat]) -> list[str]:
        return [str(place["session"]) for place in self._records.listed(kind, tuning=self._tuning)]

    def _once(self, kind: type[B], session: str, beat: int = 0) -> B:
        if (kind, session, beat) not in self._read:
            more: dict[str, Value] = {"beat": beat} if beat else {}
            self._read[kind, session, beat] = self._records.read(kind, tuning=self._tuning, session=session, **more)
        read = self._read[kind, session, beat]
        assert isinstance(read, kind)  # noqa: S101  # kept by its kind
        return read


def _runs(pid: int, began: float) -> bool:
    """Tell whether a process of this machine runs, and is not another one that got its number."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - began) < _SAME_START_SECONDS and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
