"""What every entrant of a run trains on, as it is described beside its rows."""

from datetime import datetime
from typing import ClassVar, Literal

from tsflow.location import Location
from tsflow.model import Strict
from tsflow.records.record import Content, Record
from tsflow.records.template import Template
from tsflow.settings import HourlySettings, WindowSettings
from tsflow.splits import FixedSplit, FractionSplit, RecentSplit

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


class PartFacts(Strict):
    """Rows, windows, and times of the first and the last row of a part of the split; no times where it has no row."""

    rows: int
    windows: int
    first: datetime | None
    last: datetime | None


class Parts(Strict):
    """The three parts of a split."""

    train: PartFacts
    validation: PartFacts
    test: PartFacts

    def of(self, part: Part) -> PartFacts:
        """Return one of them."""
        facts: PartFacts = getattr(self, part)
        return facts


class Break(Strict):
    """Where hours are missing: no window spans it."""

    after: datetime
    before: datetime
    missing_hours: int


ImplausibleKind = Literal["out of range", "stuck", "spike"]


class Reading(Strict):
    """A value that was stored for a time."""

    time: datetime
    value: float | None  # None: infinite


class Implausible(Strict):
    """Values of a variable that were set aside, all for one reason."""

    variable: str
    kind: ImplausibleKind
    count: int
    first: list[Reading] = []  # a few of them


class HourlyReport(Strict):
    """What was filled, dropped, and where the hours break."""

    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    filled_rows: int = 0
    filled_values: dict[str, int] = {}
    dropped_hours: int = 0
    set_aside: dict[str, int] = {}  # implausible values, by variable; filled like missing ones
    implausible: list[Implausible] = []  # the same by reason, with time and value of the first ones
    side_filled: dict[str, int] = {}  # hours of variables beside the target that were filled in, however long they were missing
    left_out: dict[str, float] = {}  # variables beside the target that were missing too often, with the share of hours they miss
    shifted_hours: int = 0  # taken from a row beside the wanted minute: the logger is off its grid
    breaks: list[Break] = []


class Screened(Strict):
    """Whether recipes read a quantity that they may read if it helps, and what that was decided by."""

    quantity: str  # by its short name
    variable: str  # which measures it
    read: bool
    gain: float | None = None  # by which the MAE of a linear model falls with it, in the target's unit; None: too few days to say
    low: float | None = None  # 95 % interval
    high: float | None = None


class ScalerFacts(Strict):
    """Mean and standard deviation of each feature over the training rows, in its unit, in the features' order."""

    mean: list[float]
    deviation: list[float]


class StoredDataset(Record):
    """A dataset without its rows, under the fingerprint of both."""

    TEMPLATE: ClassVar[Template] = Template("datasets/{fingerprint}/dataset.json")
    FORMAT: ClassVar[int] = 2  # part of the fingerprint: raise it when the meaning of a stored dataset changes

    fingerprint: str
    station: str
    target: str
    units: list[tuple[str, str]]  # of each feature, in order
    windows: WindowSettings
    split: FractionSplit | RecentSplit | FixedSplit
    split_name: str
    hourly: HourlySettings
    location: Location | None
    utc_offset_hours: float
    quantities: dict[str, str] = {}  # what variables measure, where the station file says so
    screened: list[Screened] = []  # quantities that recipes may read if it helps
    parts: Parts
    scaler: ScalerFacts
    hourly_report: HourlyReport

    @classmethod
    def upgraded(cls, content: Content, key: str) -> Content:
        """Refuse what is older: its fingerprint means something else."""
        msg = "an older format; build the dataset again"
        raise TypeError(msg)
