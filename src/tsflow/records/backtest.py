"""A rolling-origin backtest: its plan, and its summary."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from tsflow.model import Strict
from tsflow.names import MAIN, NAIVE, VERDICTS, Verdict
from tsflow.records.dataset import Parts
from tsflow.records.record import Content, Record
from tsflow.records.run import Pinned
from tsflow.records.template import Template
from tsflow.splits import FixedSplit


class Fold(Strict):
    """One fold, by the times of the last rows of its parts."""

    train_start: datetime | None = None  # the last row before training, of a sliding fold; None: the record's beginning
    train_end: datetime
    validation_end: datetime
    test_end: datetime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        ends = [self.train_end, self.validation_end, self.test_end]
        if self.train_start is not None:
            ends = [self.train_start, *ends]
        if not all(earlier < later for earlier, later in pairwise(ends)):
            msg = f"the parts of a fold must follow each other and none be empty, found {', '.join(map(str, ends))}"
            raise ValueError(msg)
        return self

    @property
    def name(self) -> str:
        """The day on which its test part begins."""
        return f"{self.validation_end + timedelta(hours=1):%Y-%m-%d}"

    @property
    def split(self) -> FixedSplit:
        """How it cuts a record."""
        return FixedSplit(train_end=self.train_end, validation_end=self.validation_end, test_end=self.test_end)


class PlannedFold(Strict):
    """A fold, and the fingerprint of the dataset that it gave when the plan was made."""

    times: Fold
    fingerprint: str


class FoldPlan(Strict):
    """How folds are cut, in days."""

    folds: int
    test_days: int
    validation_days: int
    train_days: int | None = None  # None: each fold trains on all before its validation part
    step_days: int | None = None  # None: a quarter of a year, or `test_days` if those are more


class BacktestPlan(Pinned):
    """What was asked for: folds by name, and entrants."""

    TEMPLATE: ClassVar[Template] = Template("backtests/{backtest}/backtest.json")

    backtest: str
    station: str
    task: str = MAIN
    as_of: datetime
    fingerprint: str  # of the whole record; folds are cut from it
    folds: dict[str, PlannedFold]
    plan: FoldPlan
    entrants: list[str]
    reference: str = NAIVE  # what every entrant is compared with; said before there were results
    seed: int
    docs: str


class Errors(Strict):
    """Errors in the target's unit; seasons and hours are those of the target, by the station's clock."""

    origins: int
    mae: float
    rmse: float
    bias: float
    by_fold: dict[str, float]  # MAE; a group without origins is left out
    by_season: dict[str, float]
    by_hour: dict[int, float]
    by_lead: dict[int, float]  # hours ahead; the horizon, and the leads that every fold forecast


class BacktestEntrant(Strict):
    """One line of the summary."""

    rank: int | None = None  # None: not every fold
    architecture: str
    title: str
    status: Literal["ok", "incomplete", "failed"]
    failures: dict[str, str] = {}  # reason by fold
    errors: Errors | None = None
    naive: Errors | None = None  # on the same origins
    skill: float | None = None
    mae_low: float | None = None  # 95 % interval; None: not enough data to say
    mae_high: float | None = None
    difference: float | None = None  # of the MAE from the reference's, on the origins that both have
    difference_low: float | None = None  # 95 % interval, of this line alone
    difference_high: float | None = None
    p_value: float | None = None  # that there is no difference, of this line alone
    p_adjusted: float | None = None  # with all lines, by Holm's rule: what the verdict is by; None: backtests of format 1
    verdict: Literal["reference"] | Verdict | None = None  # None: no forecasts, of it or of the reference
    p_best: float | None = None  # of the Model Confidence Set of the ranked ones; None: no rank, or not enough data to say
    may_be_best: bool | None = None  # False: some ranked one is surely better, at 95 % for all lines together
    parameters: int | None = None  # of the last fold
    train_seconds: float | None = None  # of all folds


def _verdict(line: Content, leader: object) -> object:
    """Return the verdict of a line of an older format in the words of now."""
    if line.get("verdict") is None:
        return "unknown" if leader and line.get("errors") else None
    return "reference" if line["verdict"] == "leader" else line["verdict"]


class Backtest(Record):
    """A backtest's result; summarised again after a further training, it gets the next number."""

    TEMPLATE: ClassVar[Template] = Template("backtests/{backtest}/summary/{number:03d}/summary.json")
    FORMAT: ClassVar[int] = 2

    backtest: str
    number: int = 0  # 0: not stored yet
    station: str
    task: str = MAIN
    profile: str
    seed: int
    fingerprint: str
    as_of: datetime
    created_at: datetime
    horizon_hours: int
    target: str
    unit: str
    folds: dict[str, Parts]
    naive: Errors
    leader: str | None  # the least pooled MAE among those with every fold; None: there is none
    reference: str | None = None  # what every entrant is compared with; None: a backtest of format 1 without a leader
    entrants: list[BacktestEntrant]

    @classmethod
    def upgraded(cls, content: Content, key: str) -> Content:
        """Format 1 compared with the leader, without a word for too few origins; commit 49384e5 had the number in the key alone."""
        lines, leader = content["entrants"], content["leader"]
        entrants = [{**line, "verdict": _verdict(line, leader)} for line in (lines if isinstance(lines, list) else [])]
        number = (cls.TEMPLATE.values(key) or {})["number"]
        return {**content, "reference": leader, "entrants": entrants, "number": number}

    @property
    def lacks_data(self) -> bool:
        """Whether an entrant has too few days for an interval or a comparison."""
        return any(entrant.verdict == "unknown" or (entrant.errors and entrant.mae_low is None) for entrant in self.entrants)

    @property
    def by_line(self) -> bool:
        """Whether an older tsflow judged each line by itself, against the one that led on the same errors."""
        return any(
            entrant.verdict in VERDICTS and entrant.difference is not None and entrant.p_adjusted is None
            for entrant in self.entrants
        )

    @property
    def compared(self) -> bool:
        """Whether the reference has forecasts, so that others could be compared with it."""
        return any(entrant.verdict is not None for entrant in self.entrants)

    def entrant(self, architecture: str) -> BacktestEntrant:
        """Return one line."""
        return next(entrant for entrant in self.entrants if entrant.architecture == architecture)
