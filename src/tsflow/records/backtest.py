"""A rolling-origin backtest: its plan, and its summary."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from tsflow.model import Strict
from tsflow.names import MAIN
from tsflow.records.dataset import Parts
from tsflow.records.record import Content, Record
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


class BacktestPlan(Record):
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
    profile: str
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
    mae_low: float | None = None  # 95 % interval, by block bootstrap
    mae_high: float | None = None
    difference: float | None = None  # of the MAE from the leader's, on the entrant's origins
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None  # Diebold-Mariano against the leader
    verdict: Literal["leader", "better", "tie", "worse"] | None = None  # None: too few origins to say, or no leader
    parameters: int | None = None  # of the last fold
    train_seconds: float | None = None  # of all folds


class Backtest(Record):
    """A backtest's result; summarised again after a further training, it gets the next number."""

    TEMPLATE: ClassVar[Template] = Template("backtests/{backtest}/summary/{number:03d}/summary.json")

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
    entrants: list[BacktestEntrant]

    @classmethod
    def upgraded(cls, content: Content, key: str) -> Content:
        """Commit 49384e5 had the number in the key alone."""
        return {**content, "number": (cls.TEMPLATE.values(key) or {})["number"]}

    def entrant(self, architecture: str) -> BacktestEntrant:
        """Return one line."""
        return next(entrant for entrant in self.entrants if entrant.architecture == architecture)
