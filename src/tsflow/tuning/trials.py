"""The trials of a tuning in the object store.

::

    trials/0007/asked.json        number, values, who asked: the first to write it has the number
    trials/0007/claim-001.json    who took it over, because the one before had died
    trials/0007/result.json       how it ended: the first result counts
    epochs/0007/...               its epochs, from which another worker goes on

Every object is written once; what a worker knows of the others it reads here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tsflow.storage import keys
from tsflow.storage.codecs import from_json, to_json
from tsflow.storage.objects import ObjectStore
from tsflow.tuning.search import Trial
from tsflow.tuning.sessions import Session


@dataclass(frozen=True)
class Known:
    """A trial, and the session that last took it on."""

    trial: Trial
    session: str
    claims: int


class TrialStore:
    """All trials of one tuning; finished ones are read once."""

    def __init__(self, objects: ObjectStore, tuning_id: str) -> None:
        self._objects = objects
        self._tuning = tuning_id
        self._finished: dict[int, Trial] = {}
        self._read: dict[str, dict[str, Any]] = {}  # by key; they never change

    def known(self) -> list[Known]:
        """Return every trial, by number."""
        names: dict[int, list[str]] = {}
        for key in self._objects.keys(keys.tuning(self._tuning, "trials/")):
            *_, number, name = key.split("/")
            names.setdefault(int(number), []).append(name)
        return [self._known(number, found) for number, found in sorted(names.items())]

    def trials(self) -> list[Trial]:
        """Return every trial, by number, running ones without their epochs."""
        return [known.trial for known in self.known()]

    def ask(self, number: int, values: dict[str, Any], session: Session) -> Trial | None:
        """Take a number; None if another worker was first."""
        trial = Trial(number=number, values=values, worker=session.worker)
        body = {"values": values, "worker": session.worker, "session": session.name}
        return trial if self._put(number, "asked.json", body) else None

    def take_over(self, known: Known, session: Session) -> Trial | None:
        """Take on a trial that another session left; None if another worker was first."""
        body = {"worker": session.worker, "session": session.name}
        if not self._put(known.trial.number, f"claim-{known.claims + 1:03d}.json", body):
            return None
        return known.trial.model_copy(update={"worker": session.worker})

    def finish(self, trial: Trial) -> Trial:
        """Write how a trial ended, unless that is written; return what counts."""
        self._put(trial.number, "result.json", trial.model_dump(mode="json"))
        return self._result(trial.number)

    def _known(self, number: int, names: list[str]) -> Known:
        claims = sorted(name for name in names if name.startswith("claim-"))
        asked = self._facts(number, "asked.json")
        last = self._facts(number, claims[-1]) if claims else asked
        if "result.json" in names:
            trial = self._result(number)
        else:
            trial = Trial(number=number, values=asked["values"], worker=last["worker"])
        return Known(trial, last["session"], len(claims))

    def _result(self, number: int) -> Trial:
        if number not in self._finished:
            self._finished[number] = Trial.model_validate(self._facts(number, "result.json"))
        return self._finished[number]

    def _facts(self, number: int, name: str) -> dict[str, Any]:
        key = keys.trial(self._tuning, number, name)
        if key not in self._read:
            self._read[key] = from_json(self._objects.get(key), key)
        return self._read[key]

    def _put(self, number: int, name: str, body: dict[str, Any]) -> bool:
        return self._objects.put_new(keys.trial(self._tuning, number, name), to_json(body), "application/json")
