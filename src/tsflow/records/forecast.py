"""Forecasts that were made, and what was thought of them later."""

from datetime import datetime
from typing import ClassVar, Literal

from tsflow.model import Strict
from tsflow.names import MAIN
from tsflow.records.record import Record
from tsflow.records.template import Template, Value

# One file a forecast, by the day of its origin; the name says origin and version, so that a repeat writes nothing.
FORECAST_ROWS = Template("forecasts/{station}/{task}/day={day}/{origin}-{version}.parquet")

Problem = Literal["no champion", "no observations", "stale data", "gap in the context", "unusable data"]


class Interval(Strict):
    """In which the target lies with a probability."""

    level: float
    low: float
    high: float
    stretch: float = 1.0  # times as wide as the champion says, as the intervals of the last weeks held too few or too many truths


class Forecast(Strict):
    """One forecast; times by the station's clock, but for `made_at`."""

    origin: datetime  # the last row that it was made from
    target_time: datetime
    target: str
    unit: str
    value: float
    intervals: list[Interval] = []
    leads: dict[int, float] = {}  # hours ahead before the horizon, of models that forecast the way there
    naive: float
    architecture: str
    version: str
    sequence: int
    made_at: datetime  # UTC


class LatestForecast(Record):
    """What `latest.json` says: the newest forecast there is, and why there is no newer one, if so."""

    TEMPLATE: ClassVar[Template] = Template("forecasts/{station}/{task}/latest.json")

    station: str
    task: str = MAIN
    status: Literal["ok", "none"]
    problem: Problem | None = None
    reason: str = ""
    made_at: datetime  # UTC, of this object
    observed: datetime | None = None  # the newest hour in the store, by the station's clock
    data_age_hours: float | None = None
    model_age_days: float | None = None
    bridged_hours: int = 0  # of the context, interpolated over a gap that training would not bridge
    expected_mae: float | None = None  # of the champion's candidate, on rows that it never saw
    forecast: Forecast | None = None  # of status none the last one that could be made


class DayScore(Record):
    """How the forecasts for one day did, once the truth was in; scored again after corrections, it gets the next number."""

    TEMPLATE: ClassVar[Template] = Template("scores/{station}/{task}/{day}/{number:03d}.json")

    station: str
    task: str = MAIN
    day: str  # of the target times, by the station's clock
    number: int = 0
    created_at: datetime
    forecasts: int
    mae: float
    rmse: float
    bias: float
    naive_mae: float
    by_hour: dict[int, float]  # MAE by hour of the target
    by_lead: dict[int, float] = {}  # MAE by hours ahead
    coverage: dict[str, float] = {}  # share of truths inside, by level
    reach: dict[str, list[float]] = {}  # by level, of each truth: half-widths of the unstretched interval from its middle
    versions: dict[str, int]  # forecasts of each model version

    @property
    def skill(self) -> float | None:
        """1 - MAE / MAE of naive, on the same origins."""
        return 1 - self.mae / self.naive_mae if self.naive_mae else None


class Drift(Strict):
    """How far a variable is from what its season was like in the record: robust z of the mean, ratio of the spread."""

    level: float
    spread: float


class Alert(Strict):
    """Something that somebody should look at."""

    kind: str
    text: str
    figure: float | None = None
    limit: float | None = None
    since: str = ""  # when the first report had it, of those without a break


class Report(Record):
    """What the monitor saw on a day; looked at again, it gets the next number."""

    TEMPLATE: ClassVar[Template] = Template("monitor/{station}/{task}/{day}/{number:03d}.json")

    station: str
    task: str = MAIN
    day: str
    number: int = 0
    created_at: datetime
    days: int  # scored ones among the last `monitor.days`
    mae: float | None = None
    naive_mae: float | None = None
    skill: float | None = None
    coverage: dict[str, float] = {}
    data_age_hours: float | None = None
    model_age_days: float | None = None
    drift: dict[str, Drift] = {}
    bias_z: float | None = None  # mean error of the last days, in deviations of such means
    alerts: list[Alert] = []
    new_alerts: list[str] = []  # kinds of which nobody was told yet
    wants_retraining: bool = False


class Told(Record):
    """That somebody was told of an alert: written once its notifiers have taken it."""

    TEMPLATE: ClassVar[Template] = Template("monitor/{station}/{task}/told/{since}-{what}.json")

    station: str
    task: str
    kind: str
    since: str
    text: str
    told_at: datetime

    @classmethod
    def place(cls, report: Report, alert: Alert) -> dict[str, Value]:
        """Return where it lies that somebody was told of this alert."""
        return {"station": report.station, "task": report.task, "since": alert.since, "what": alert.kind.replace(" ", "-")}
