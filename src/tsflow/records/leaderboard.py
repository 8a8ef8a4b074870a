"""The leaderboard as it is stored: every entrant of a run, ranked by validation MAE, those without a result with the reason."""

from datetime import datetime
from typing import ClassVar, Literal, Self

from pydantic import computed_field, model_validator

from tsflow.model import Strict
from tsflow.names import MAIN
from tsflow.records.candidate import Epoch
from tsflow.records.dataset import Parts
from tsflow.records.record import Content, Record, Reference
from tsflow.records.template import Template

Verdict = Literal["challenger", "better", "tie", "worse"]


class Band(Strict):
    """How the intervals of one level did on the test part; width and pinball loss in the target's unit."""

    level: float
    coverage: float  # share of truths inside, bounds included
    width: float  # mean
    pinball: float  # mean over both bounds; less is better
    narrow: float | None = None  # nine in ten intervals are wider,
    wide: float | None = None  # and nine in ten narrower than this


class LeadErrors(Strict):
    """MAE so many hours after the origin, on validation and test, and that of naive."""

    hours: int
    validation: float | None = None
    naive_validation: float | None = None
    test: float | None = None
    naive_test: float | None = None


class Entrant(Strict):
    """One line. Errors in the target's unit; None where the part of the split is empty or the entrant has no forecasts."""

    rank: int | None = None
    architecture: str
    title: str
    status: Literal["ok", "failed", "skipped"]
    reason: str | None = None
    unfinished: bool = False  # failed for want of store or memory, or left nothing: the board is incomplete without it
    candidate: Reference | None = None  # what was judged; None: an entrant without a result, or a board of commit 49384e5
    val_mae: float | None = None
    test_mae: float | None = None
    val_rmse: float | None = None
    test_rmse: float | None = None
    val_bias: float | None = None
    test_bias: float | None = None
    train_mae: float | None = None
    train_rmse: float | None = None
    train_bias: float | None = None
    val_skill: float | None = None
    test_skill: float | None = None
    skill: float | None = None  # on the test part; on validation where there is no test part
    mae_low: float | None = None  # 95 % interval of the MAE that skill is about, by block bootstrap
    mae_high: float | None = None
    difference: float | None = None  # of that MAE from the challenger's
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None  # Diebold-Mariano against the challenger
    verdict: Verdict | None = None  # None: too few origins to say
    parameters: int | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    train_seconds: float | None = None
    published_mae: float | None = None  # of the lecture's source, on the test part of its own record
    reused_from: str | None = None  # the run that trained it, if the same training was done before
    curve: list[Epoch] = []
    intervals: list[Band] = []
    crps: float | None = None  # on the test part
    pit: list[float] = []  # shares of the test part in equal bins, by where in its distribution the truth lay; even: calibrated
    lead_errors: list[LeadErrors] = []  # of entrants that forecast the way to the horizon too
    memory: list[float] = []  # of networks: mean absolute gradient by lag, the origin first
    weights: dict[str, float] = {}  # of an ensemble's members

    @model_validator(mode="after")
    def _without_a_result_there_is_a_reason(self) -> Self:
        if (self.status != "ok") != bool(self.reason):
            msg = "status failed or skipped goes with a reason, status ok without"
            raise ValueError(msg)
        return self


class Leaderboard(Record):
    """A run's result; ranked again after a further training, it gets the next number."""

    TEMPLATE: ClassVar[Template] = Template("runs/{run}/leaderboard/{number:03d}/leaderboard.json")

    run: str
    number: int = 0  # 0: not stored yet
    station: str
    task: str = MAIN
    split: str
    profile: str
    seed: int
    fingerprint: str
    as_of: datetime
    first_versions: bool = False  # as the run says
    created_at: datetime
    context_hours: int = 120
    horizon_hours: int
    target: str
    unit: str
    parts: Parts
    naive: dict[str, float]  # MAE of naive on each part that has windows
    challenger: str  # the architecture with the least validation MAE
    warnings: list[str] = []  # of the hours: what was left out, filled in, or set aside
    entrants: list[Entrant]

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own way
    @property
    def champion(self) -> str:
        """The challenger, under the name that programs know from tsflow 0.1."""
        return self.challenger

    @classmethod
    def upgraded(cls, content: Content, key: str) -> Content:
        """Commit 49384e5 called the challenger champion, and the best line leader."""
        lines = content["entrants"]
        entrants = [
            {**line, "verdict": "challenger"} if line.get("verdict") == "leader" else line
            for line in (lines if isinstance(lines, list) else [])
        ]
        number = (cls.TEMPLATE.values(key) or {})["number"]
        return {**content, "challenger": content["champion"], "entrants": entrants, "number": number}

    def entrant(self, architecture: str) -> Entrant:
        """Return one line."""
        return next(entrant for entrant in self.entrants if entrant.architecture == architecture)
