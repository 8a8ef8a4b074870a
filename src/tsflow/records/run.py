"""A run of `retrain`: what was asked for, and what it came to."""

from datetime import datetime
from typing import Any, ClassVar

from tsflow.model import Strict
from tsflow.names import MAIN
from tsflow.records.decision import Reigning
from tsflow.records.record import Record
from tsflow.records.template import Template


class PinnedProfile(Strict):
    """What the profile said when the run began: how much work each training does, and whether what it brings may go out."""

    max_epochs: int | None
    refit: bool
    may_promote: bool
    networks_history_days: int | None = None
    favourite: str | None = None  # the challenger, unless another entrant is clearly better


class Pinned(Record):
    """What is to be trained as it was when that was planned: an edit of a file meanwhile does not mix two recipes."""

    profile: str
    pinned_profile: PinnedProfile | None = None  # None: an older one, its profile counts as it is now
    recipes: dict[str, dict[str, Any]] = {}  # of each entrant as it was then: each family has its own keys


class Run(Pinned):
    """Which entrants are expected, on which dataset."""

    TEMPLATE: ClassVar[Template] = Template("runs/{run}/run.json")

    run: str
    station: str
    task: str = MAIN  # by its name in the station file
    as_of: datetime  # by the station's clock
    first_versions: bool = False  # the store began after the as-of: who knows what was known then? rows count as they came first
    fingerprint: str  # of the dataset
    entrants: list[str]
    split: str
    seed: int
    rested: dict[str, str] = {}  # who would be an entrant, and why not today
    reigning: Reigning | None = None  # the champion then; its recipe is among the entrants
    docs: str  # the key of the Data Docs of its hours
