"""What retention removed, or would, by kind; and what to say of a thing that it may have removed."""

from datetime import datetime
from typing import ClassVar

from tsflow.model import Strict
from tsflow.records.record import Record
from tsflow.records.template import Template
from tsflow.settings import settings

# By the beginning of a key: what it is, and the setting that keeps it longer.
_KEPT = {
    "runs/": ("runs, but for the newest of each task,", "runs_days"),
    "backtests/": ("backtests, but for the newest of each task,", "backtests_days"),
    "tunings/": ("tunings, but for the newest of each task,", "tunings_days"),
    "datasets/": ("datasets", "datasets_days"),
    "champions/": ("bundles of models, but for the newest champions of each task,", "bundles_days"),
    "local/": ("bundles of models, but for the newest champions of each task,", "bundles_days"),
    "ingests/": ("batches", "ingests_days"),
    "quarantine/": ("refused files", "quarantine_days"),
    "forecasts/": ("forecasts", "forecasts_days"),
    "scores/": ("scores", "scores_days"),
    "monitor/": ("reports of the monitor", "scores_days"),
}
_MODELS = ("models and forecasts of entrants, but for those of champions,", "candidates_days")


def why_gone(key: str) -> str:
    """Return what to say of an object that is not there: that retention removes such a thing, and what keeps it longer."""
    what, name = (
        _MODELS if "/candidates/" in key else next((said for begin, said in _KEPT.items() if key.startswith(begin)), ("", ""))
    )
    if not name:
        return ""
    days = getattr(settings().retention, name)
    return f"retention removes {what} after {days:g} days; to keep them longer set retention.{name} in include/tsflow.yaml"


class Collected(Strict):
    """Of one kind what went, or would go, and why."""

    kind: str
    setting: str  # of `retention`, which keeps it longer
    why: str
    objects: int
    size: int  # bytes
    oldest: datetime | None = None


class Collection(Record):
    """One look at the store, and what came of it."""

    TEMPLATE: ClassVar[Template] = Template("retention/{number:06d}.json")

    number: int = 0  # 0: not stored yet
    created_at: datetime
    at: datetime  # by the store's clock
    removed: bool  # False: only looked
    kinds: list[Collected]
    stay_objects: int  # after it, observations left out
    stay_size: int
    packed_parts: int = 0  # of observations, that went into bags
    notes: list[str] = []  # what stayed though it may be due, and why; what could not be done

    @property
    def objects(self) -> int:
        """How many objects went, or would go."""
        return sum(kind.objects for kind in self.kinds)

    @property
    def size(self) -> int:
        """How many bytes they have."""
        return sum(kind.size for kind in self.kinds)
