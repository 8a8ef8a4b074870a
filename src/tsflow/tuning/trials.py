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

from tsflow.records.record import Record
from tsflow.records.store import R, Records
from tsflow.records.template import Value
from tsflow.records.tuning import Asked, Claim, Trial, TrialResult
from tsflow.tuning.sessions import Session


@dataclass(frozen=True)
class Known:
    """A trial, and the session that last took it on."""

    trial: Trial
    session: str
    claims: int


class TrialStore:
    """All trials of one tuning; what never changes is read once."""

    def __init__(self, records: Records, tuning_id: str) -> None:
        self._records = records
        self._tuning = tuning_id
        self._read: dict[tuple[type[Record], int, int], Record] = {}

    def known(self) -> list[Known]:
        """Return every trial, by number."""
        ended = self._numbers(TrialResult)
        claims: dict[int, int] = {}
        for place in self._records.listed(Claim, tuning=self._tuning):
            claims[int(place["trial"])] = int(place["claim"])
        return [self._known(number, claims.get(number, 0), ended=number in ended) for number in sorted(self._numbers(Asked))]

    def trials(self) -> list[Trial]:
        """Return every trial, by number, running ones without their epochs."""
        return [known.trial for known in self.known()]

    def ask(self, trial: Trial, session: Session) -> Trial | None:
        """Take a trial's number for it; None if another worker was first."""
        asked = Asked(values=trial.values, worker=session.worker, session=session.name, repeats=trial.repeats, seed=trial.seed)
        counts = self._records.first(asked, tuning=self._tuning, trial=trial.number)
        return trial if counts == asked else None

    def take_over(self, known: Known, session: Session) -> Trial | None:
        """Take on a trial that another session left; None if another worker was first."""
        claim = Claim(worker=session.worker, session=session.name)
        counts = self._records.first(claim, tuning=self._tuning, trial=known.trial.number, claim=known.claims + 1)
        return known.trial.changed(worker=session.worker) if counts == claim else None

    def finish(self, trial: Trial) -> Trial:
        """Write how a trial ended, unless that is written; return what counts."""
        result = TrialResult(**trial.model_dump())
        return self._records.first(result, tuning=self._tuning, trial=trial.number)

    def _numbers(self, kind: type[Record]) -> set[int]:
        return {int(place["trial"]) for place in self._records.listed(kind, tuning=self._tuning)}

    def _known(self, number: int, claims: int, *, ended: bool) -> Known:
        asked = self._once(Asked, number)
        last = self._once(Claim, number, claims) if claims else asked
        again = {"repeats": asked.repeats, "seed": asked.seed}
        running = Trial(number=number, values=asked.values, worker=last.worker, **again)
        trial = self._once(TrialResult, number) if ended else running
        return Known(trial, last.session, claims)

    def _once(self, kind: type[R], number: int, claim: int = 0) -> R:
        place: dict[str, Value] = {"tuning": self._tuning, "trial": number, **({"claim": claim} if claim else {})}
        if (kind, number, claim) not in self._read:
            self._read[kind, number, claim] = self._records.read(kind, **place)
        read = self._read[kind, number, claim]
        assert isinstance(read, kind)  # noqa: S101  # kept by its kind
        return read
