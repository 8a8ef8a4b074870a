"""The leaderboard as it is stored: every entrant of a run, ranked by validation MAE, those without a result with the reason."""

from datetime import datetime
from typing import ClassVar, Literal, Self

from pydantic import computed_field, model_validator

from tsflow.model import Strict
from tsflow.names import MAIN, VERDICTS, Verdict
from tsflow.records.candidate import Epoch, Learnt
from tsflow.records.dataset import Parts
from tsflow.records.record import Content, Record, Reference
from tsflow.records.template import Template


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
    status: Literal["ok", "failed", "skipped", "rested"]  # rested: lost for weeks, and trains once a week
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
    mae_low: float | None = None  # 95 % interval of the MAE that skill is about; None: not enough data to say
    mae_high: float | None = None
    difference: float | None = None  # of that MAE from the challenger's
    difference_low: float | None = None  # 95 % interval, of this line alone
    difference_high: float | None = None
    p_value: float | None = None  # that there is no difference, of this line alone
    p_adjusted: float | None = None  # with all lines of the board, by Holm's rule: what the verdict is by; None: boards of format 1
    verdict: Literal["challenger"] | Verdict | None = None  # None: no result, or no test part, as validation picked the challenger
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
    learnt: Learnt | None = None  # its training windows; None: an ensemble, or a board of a tsflow that did not say

    @model_validator(mode="after")
    def _without_a_result_there_is_a_reason(self) -> Self:
        if (self.status != "ok") != bool(self.reason):
            msg = "status failed, skipped or rested goes with a reason, status ok without"
            raise ValueError(msg)
        return self


def _verdict(line: Content) -> object:
    """Return the verdict of a line of an older format in the words of now."""
    if line["status"] == "ok" and line.get("verdict") is None:
        return "unknown"
    return "challenger" if line.get("verdict") == "leader" else line.get("verdict")


class Leaderboard(Record):
    """A run's result; ranked again after a further training, it gets the next number."""

    TEMPLATE: ClassVar[Template] = Template("runs/{run}/leaderboard/{number:03d}/leaderboard.json")
    FORMAT: ClassVar[int] = 2

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
        """Commit 49384e5 called the challenger champion, and the best line leader; format 1 had no word for too few origins."""
        lines = content["entrants"]
        entrants = [{**line, "verdict": _verdict(line)} for line in (lines if isinstance(lines, list) else [])]
        number = (cls.TEMPLATE.values(key) or {})["number"]
        return {**content, "challenger": content["champion"], "entrants": entrants, "number": number}

    @property
    def lacks_data(self) -> bool:
        """Whether the part that is judged has too few days for an interval."""
        return any(entrant.status == "ok" and entrant.mae_low is None for entrant in self.entrants)

    @property
    def by_line(self) -> bool:
        """Whether an older tsflow judged each line by itself, without a correction for all together."""
        return any(
            entrant.verdict in VERDICTS and entrant.difference is not None and entrant.p_adjusted is None
            for entrant in self.entrants
        )

    def entrant(self, architecture: str) -> Entrant:
        """Return one line."""
        return next(entrant for entrant in self.entrants if entrant.architecture == architecture)
