"""What became of a task's champion: every promotion, refusal, rollback and pin, in order, never changed."""

from datetime import datetime
from typing import ClassVar, Literal

from tsflow.model import Strict
from tsflow.names import MAIN, PRODUCTION, Stage
from tsflow.records.decision import Check
from tsflow.records.record import Record, Reference
from tsflow.records.template import Template

Kind = Literal["promotion", "refresh", "rollback", "refusal", "pin", "unpin", "adoption"]
MOVES: frozenset[Kind] = frozenset({"promotion", "refresh", "rollback", "adoption"})


class PointerFacts(Strict):
    """The pointer that an entry makes, as `champion.json` says it."""

    format: int
    station: str
    version: str
    manifest_key: str
    manifest_sha256: str
    promoted_at: str
    sequence: int
    signature: str = ""


class State(Strict):
    """What holds after an entry, so that the newest one is enough to know it."""

    champion: int | None = None  # the entry that made the present champion
    pinned: int | None = None  # the entry that pinned it
    refused: list[str] = []  # versions that a person refused


class Entry(Record):
    """One move of a champion, or the refusal of one; its number is the pointer's sequence if it moves it."""

    TEMPLATE: ClassVar[Template] = Template("{folder:path}/history/{number:06d}.json")

    number: int
    station: str
    task: str = MAIN
    stage: Stage = PRODUCTION
    kind: Kind
    at: datetime
    actor: str
    reason: str
    version: str | None = None  # that it is about
    architecture: str | None = None
    manifest: Reference | None = None  # of that version
    run: str | None = None
    board: Reference | None = None
    as_of: datetime | None = None
    val_mae: float | None = None
    test_mae: float | None = None
    naive_test_mae: float | None = None
    checks: list[Check] = []
    pointer: PointerFacts | None = None  # None: the champion stays
    state: State = State()
