"""What the service takes and answers; OpenAPI is made from it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

_EXAMPLE: JsonDict = {
    "rows": {"time": ["2026-06-30T00:00:00", "2026-06-30T01:00:00"], "T": [12.5, 12.1], "p": [1000.1, 1000.3]},
}


class Rows(BaseModel):
    """One row an hour, in order of time, in the station's own units."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    rows: Annotated[
        dict[str, list[float | int | str | None]],
        Field(
            min_length=1,
            description="Columns by name: `time` in ISO 8601, by the station's clock or with an offset, and every variable that "
            "the champion reads (its `features`). The last `context_hours` rows are used.",
        ),
    ]


class Interval(BaseModel):
    """In which the target lies with a probability."""

    level: float
    low: float
    high: float


class Forecast(BaseModel):
    """A forecast from rows that were handed over."""

    station: str
    task: str
    target: str
    unit: str
    origin: str
    target_time: str
    value: float
    intervals: list[Interval]
    leads: dict[int, float] = Field(description="Forecasts of hours before the horizon, by hours ahead; may be empty.")
    version: str
    architecture: str
    stale: bool = Field(description="Whether the champion's data are older than they should be.")


class Latest(BaseModel):
    """What the workflow forecast last, from the observations in the store."""

    model_config = ConfigDict(extra="allow")

    station: str
    task: str
    status: str = Field(description="ok, or none: then `problem` and `reason` say why there is no newer one.")
    problem: str | None = None
    reason: str = ""
    made_at: str
    age_seconds: float
    forecast: dict[str, object] | None = None


class ChampionFacts(BaseModel):
    """What the champion is."""

    station: str
    task: str
    version: str
    architecture: str
    title: str
    sequence: int
    promoted_at: str
    as_of: str
    age_days: float
    stale: bool
    problem: str | None = Field(description="Why the last look for a newer one kept this one.")
    features: dict[str, str] = Field(description="Unit by name of each column that a forecast reads.")
    target: str
    unit: str
    context_hours: int
    horizon_hours: int
    val_mae: float | None
    test_mae: float | None
    naive: dict[str, float]


class Problem(BaseModel):
    """Why there is no answer."""

    detail: str
