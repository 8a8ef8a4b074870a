"""What the gate decided about a board: which recipe is to go out, and by which rules."""

from datetime import datetime
from typing import ClassVar, Literal

from tsflow.model import Strict
from tsflow.names import MAIN, NAIVE
from tsflow.records.record import Record
from tsflow.records.template import Template

Verdict = Literal["first", "change", "refresh", "refusal"]


class Check(Strict):
    """One rule: what was found, and whether that is enough."""

    rule: str
    passed: bool
    found: str  # in words, with its figure and its limit


class Reigning(Strict):
    """The champion when a run began, whose recipe is an entrant of it."""

    version: str
    sequence: int  # of its pointer
    entrant: str | None  # what its recipe is called on the run's board; None: this tsflow cannot train it
    problem: str = ""  # why not


class Decision(Record):
    """What became of a board, before the model that goes out is fitted on everything."""

    TEMPLATE: ClassVar[Template] = Template("runs/{run}/leaderboard/{number:03d}/decision.json")

    run: str
    number: int  # of the board
    station: str
    task: str = MAIN
    created_at: datetime
    verdict: Verdict
    outgoing: str  # the entrant whose model is made a bundle: of a refusal the challenger, so that a person may promote it
    challenger: str
    reigning: Reigning | None
    checks: list[Check]

    @property
    def reason(self) -> str:
        """The decision in a sentence."""
        failed = [check.found for check in self.checks if not check.passed]
        if self.verdict == "refusal":
            return "; ".join(failed)
        said = {
            "first": f"{self.outgoing} is the first champion",
            "change": f"{self.outgoing} takes the place of {self.reigning.entrant if self.reigning else 'nobody'}",
            "refresh": f"the champion's recipe {self.outgoing} stays, fitted anew",
        }[self.verdict]
        if self.outgoing == NAIVE:
            led = self.challenger == NAIVE
            said += f", as no recipe {'has a smaller error on validation' if led else 'is surely better than it'}"
        compared = [check.found for check in self.checks if " against " in check.found]
        return ": ".join([said, *(["; ".join(compared)] if compared else [])])
