"""A tuning: its plan, its trials as they are asked, taken over and ended, the sessions that work on it, its result."""

from collections import Counter
from datetime import datetime
from typing import Any, ClassVar, Literal

from tsflow.model import Strict
from tsflow.names import MAIN, Verdict
from tsflow.records.record import Content, Record
from tsflow.records.template import Template

Values = dict[str, Any]  # of a recipe, by dotted key: each family has its own keys and types


class Budget(Strict):
    """How long a tuning may work."""

    minutes: float  # of work, summed over all workers and all their starts
    trials: int | None = None  # of the search, at most; None: as many as the minutes allow
    workers: int = 1
    repeats: int = 0  # other seeds with which the best few are trained again


class TuningPlan(Record):
    """What is searched, on which data, for how long."""

    TEMPLATE: ClassVar[Template] = Template("tunings/{tuning}/tuning.json")

    tuning: str
    station: str
    task: str = MAIN
    as_of: datetime
    docs: str
    profile: str
    split: str
    seed: int
    fingerprint: str  # of the dataset, which holds no test part
    budget: Budget
    request: Values  # as it was asked, to compare with when it goes on
    recipe: Values  # as it was when the tuning began; its file may have changed since
    search: Values
    started_at: datetime

    @classmethod
    def upgraded(cls, content: Content, key: str) -> Content:
        """Commit 49384e5 kept the budget in the request alone."""
        request = content["request"]
        asked = request if isinstance(request, dict) else {}
        return {**content, "budget": {name: asked[name] for name in ("minutes", "trials", "workers")}}


class Asked(Record):
    """A trial's number and values; the first to write it has the number."""

    TEMPLATE: ClassVar[Template] = Template("tunings/{tuning}/trials/{trial:04d}/asked.json")

    values: Values
    worker: str
    session: str
    repeats: int | None = None  # as a trial has them
    seed: int | None = None


class Claim(Record):
    """Who took a trial over, because the one before had died."""

    TEMPLATE: ClassVar[Template] = Template("tunings/{tuning}/trials/{trial:04d}/claim-{claim:03d}.json")

    worker: str
    session: str


class Trial(Strict):
    """One try: what it changes of the recipe, and how it ended. Errors in the target's unit, on the validation part."""

    number: int  # 0: the recipe as it is
    values: Values
    repeats: int | None = None  # the trial that it is once more, with another seed; None: a trial of the search
    seed: int | None = None  # of a repeat; None: the tuning's
    worker: str
    state: Literal["running", "complete", "pruned", "failed"] = "running"
    val_mae: float | None = None  # of the weights kept; None unless complete
    reason: str | None = None  # of pruned and failed
    curve: list[float] = []  # validation MAE by epoch
    best_epoch: int | None = None
    parameters: int | None = None
    train_seconds: float = 0.0
    finished_at: datetime | None = None
    daily: list[float] = []  # of a repeat: a series by day of validation, whose mean is its error; [] where days are too few

    @property
    def reached(self) -> float | None:
        """Its validation MAE, or the least one that it came to before it ended."""
        return self.val_mae if self.val_mae is not None else min(self.curve, default=None)


class TrialResult(Trial, Record):
    """How a trial ended; the first result counts."""

    TEMPLATE: ClassVar[Template] = Template("tunings/{tuning}/trials/{trial:04d}/result.json")


class Beat(Record):
    """A moment of a session: how long it has lasted."""

    TEMPLATE: ClassVar[Template] = Template("tunings/{tuning}/sessions/{session}/beat-{beat:06d}.json")

    at: datetime
    seconds: float


class Start(Beat):
    """A session's start, with the process that works."""

    TEMPLATE: ClassVar[Template] = Template("tunings/{tuning}/sessions/{session}/start.json")

    worker: str
    host: str
    pid: int
    process_began: float


class End(Beat):
    """A session's end."""

    TEMPLATE: ClassVar[Template] = Template("tunings/{tuning}/sessions/{session}/end.json")


class Finalist(Strict):
    """One of the best few trials, judged by other seeds."""

    number: int
    val_mae: float  # the mean over the seeds
    errors: dict[int, float]  # by seed
    daily: list[float] = []  # the mean of its repeats' series


class Gain(Strict):
    """What a tuning gained: the error of the recipe that was found minus that of the recipe as it was."""

    verdict: Verdict
    difference: float | None = None
    low: float | None = None  # 95 % interval, of all finalists together; None: too few days of validation to say
    high: float | None = None

    def told(self, unit: str) -> str:
        """Return it as a sentence."""
        if self.difference == 0:
            return "Nothing is better than the recipe as it is."
        if self.difference is None:
            return "The recipe as it is has no result to compare with."
        if self.low is None or self.high is None:
            return f"The error changed by {self.difference:+.3f} {unit}; there is not enough data to say how sure that is."
        word = "Better" if self.verdict == "better" else "Not clearly better"
        interval = f"95 % interval {-self.high:.3f} to {-self.low:.3f}, for the finalists together"
        return f"{word} than the recipe as it is, on these days: by {-self.difference:.3f} {unit}, {interval}."


class Tuning(Record):
    """A tuning's result after so many finished trials. Errors in the target's unit, on the validation part."""

    TEMPLATE: ClassVar[Template] = Template("tunings/{tuning}/results/{number:04d}/tuning.json")

    tuning: str
    number: int  # finished trials
    architecture: str
    tuned: str  # the name of the recipe that was found
    station: str
    task: str = MAIN
    target: str
    unit: str
    as_of: datetime
    split: str
    profile: str
    seed: int
    fingerprint: str  # of the dataset, which holds no test part
    created_at: datetime
    minutes: float  # asked for
    spent_minutes: float
    naive: float  # MAE of 'as now'
    before: float | None  # MAE of the recipe as it is; None: it failed, or has not ended
    after: float  # MAE of the best trial; both are means over the finalists' seeds, if there are finalists
    best: int
    finalists: list[Finalist] = []  # best first; []: nothing was repeated
    gain: Gain = Gain(verdict="unknown")
    importances: dict[str, float]
    recipe: str  # the file of the tuned recipe, as it is to be saved
    own: Values  # what the recipe itself says under the keys that were searched
    trials: list[Trial]  # best first

    @classmethod
    def upgraded(cls, content: Content, key: str) -> Content:
        """Commit 49384e5 had the number in the key alone."""
        return {**content, "number": (cls.TEMPLATE.values(key) or {})["number"]}

    @property
    def counts(self) -> str:
        """How many trials ended how, in words."""
        states = Counter(trial.state for trial in self.trials)
        return ", ".join(f"{states[state]} {state}" for state in ("complete", "pruned", "failed", "running") if states[state])
