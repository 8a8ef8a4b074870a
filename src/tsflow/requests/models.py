"""What people and schedules ask for; each knob is declared here, and nowhere else.

The Airflow form, the command line's options and the table in docs/requests.md are made from these fields: `title` and
`description` are what people read, so that each sentence stands alone. Light on purpose: DAG files import it when they are parsed.
"""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from tsflow.errors import SettingsError
from tsflow.model import Strict
from tsflow.names import TASK_NAME
from tsflow.requests.moments import Moment
from tsflow.requests.names import ARCHITECTURES, PROFILES, SPLITS, STATIONS, TUNABLE
from tsflow.requests.sections import FOLDS, ROWS, TRAINING
from tsflow.requests.sentences import sentences
from tsflow.settings import settings

Station = Annotated[str, STATIONS]
Days = Annotated[int, Field(ge=1)]

_CLOCK = "by the station's clock, which keeps one offset from UTC all year, whatever time zone a screen shows"
_NEW_FILES = "Forms offer a new file's name within a minute."


class Request(Strict):
    """What somebody asks of a workflow."""

    @classmethod
    def of(cls, content: Mapping[str, object]) -> Self:
        """Check what a form, a command or another program gave; fields that are None count as not given.

        Raises
        ------
        SettingsError
            With each field that is wrong, what was found and what is expected.
        """
        try:
            return cls.model_validate({name: value for name, value in content.items() if value is not None})
        except ValidationError as error:
            raise SettingsError(sentences(error, cls.__name__)) from error


class DatedRequest(Request):
    """What is asked about a moment."""

    as_of: Moment = Field(
        None,
        title="As of",
        description=f"Use only what was known at this moment, such as 2026-06-30 or 2026-06-30T12:00, {_CLOCK}. Empty: now.",
    )


class IngestRequest(DatedRequest):
    """Bring observations up to the as-of into the store."""

    station: Station | None = Field(
        None,
        title="Station",
        description=f"Ingest this station: a name under include/stations. {_NEW_FILES} "
        "Empty: every station of the setting schedule.stations.",
    )
    source: str | None = Field(
        None,
        title="Source",
        description="Fetch from this source of the station file, such as archive or live. Empty: the first source of the file.",
    )
    history_days: Annotated[Days | None, ROWS] = Field(
        None,
        title="Days of history",
        description="Ask a simulated station for so many days before the as-of. Empty: as many as its station file says.",
    )


class ForecastRequest(Request):
    """Forecast or monitor now."""

    station: Station | None = Field(
        None,
        title="Station",
        description=f"Work on this station: a name under include/stations. {_NEW_FILES} "
        "Empty: every station of the setting schedule.stations.",
    )
    task: Annotated[str, Field(pattern=TASK_NAME)] | None = Field(
        None,
        title="Task",
        description="Work on this task of the station file only. Empty: every task.",
    )


class DatasetRequest(DatedRequest):
    """What is cut from a station's record, to train on."""

    as_of: Moment = Field(
        None,
        title="As of",
        description=f"Use only what was known at this moment, such as 2026-06-30 or 2026-06-30T12:00, {_CLOCK}. "
        "Empty: the last midnight, so that all runs of a day see the same data.",
    )
    station: Station = Field(
        default_factory=lambda: settings().station,
        title="Station",
        description="Work on this station: a name under include/stations, or on the command line the path of a station file. "
        f"{_NEW_FILES}",
    )
    task: Annotated[str, Field(pattern=TASK_NAME)] | None = Field(
        None,
        title="Task",
        description="Forecast this task of the station file: a target, its context and its horizon. Empty: the file's first task.",
    )
    late_rows: Annotated[bool, ROWS] = Field(
        False,
        title="Late rows",
        description="Use also rows and corrections that came in after the as-of, if they were measured up to it. Without this a "
        "replay sees only what was known then.",
    )
    start: Moment = Field(
        None,
        title="Start",
        description="Leave out all rows up to this moment, by the station's clock. Empty: use the whole record, or the days that "
        "the profile says.",
    )
    end: Moment = Field(
        None,
        title="End",
        description="Leave out all rows after this moment, by the station's clock. Empty: use the rows up to the as-of.",
    )
    profile: Annotated[str, PROFILES] = Field(
        default_factory=lambda: settings().schedule.profile,
        title="Profile",
        description="How much work is done: smoke is for a first look, quick for daily retraining, full for the best model.",
    )
    seed: Annotated[int, Field(ge=0, lt=2**31), TRAINING] = Field(
        1, title="Seed", description="Draw all random numbers of the trainings from this seed; the same seed gives the same models."
    )

    @model_validator(mode="after")
    def _start_before_end(self) -> Self:
        if self.start is not None and self.end is not None and self.start >= self.end:
            msg = f"start {self.start} is not before end {self.end}: no row lies between them; swap them, or leave one out"
            raise ValueError(msg)
        return self


class _Split(Strict):
    """What a request asks that needs one split."""

    split: Annotated[str, SPLITS, TRAINING] = Field(
        default_factory=lambda: settings().schedule.split,
        title="Split",
        description="How the record is cut: recent validates and tests on the last days, book on the last quarters of the rows.",
    )


class TrainingRequest(DatasetRequest):
    """What a training of several architectures asks."""

    architectures: list[Annotated[str, ARCHITECTURES]] = Field(
        [],
        title="Architectures",
        description=f"Train these recipes of include/architectures. {_NEW_FILES} "
        "Empty: the recipes of the profile, which for full are all.",
    )


class RetrainRequest(TrainingRequest, _Split):
    """Train, rank and publish."""

    rest: Annotated[bool, TRAINING] = Field(
        False,
        title="Rest",
        description="Leave out recipes that were surely worse than the challenger on all boards of three weeks, but for one "
        "training a week; the board names them. The daily retraining does so.",
    )


class BacktestRequest(TrainingRequest):
    """Train and test at several ends of the record."""

    reference: Annotated[str, ARCHITECTURES] | None = Field(
        None,
        title="Reference",
        description="Compare every recipe with this one, which must be among the architectures. Whoever turns out to be the best "
        "is no reference, as it was picked by the same errors. Empty: naive, whether it takes part or not.",
    )
    folds: Days = Field(4, title="Folds", description="Cut the record so many times; the last fold ends with the record.")
    test_days: Annotated[Days, FOLDS] = Field(
        60, title="Days of test", description="Days in each fold's test part, on which errors are measured."
    )
    validation_days: Annotated[Days, FOLDS] = Field(
        60,
        title="Days of validation",
        description="Days in each fold's validation part, which comes before its test part and decides when a training stops.",
    )
    train_days: Annotated[Days | None, FOLDS] = Field(
        None,
        title="Days of training",
        description="Days in each fold's training part, which comes before its validation part. Empty: everything before that.",
    )
    step_days: Annotated[Days | None, FOLDS] = Field(
        None,
        title="Days from fold to fold",
        description="Days between the ends of two folds, not fewer than the days of test. Empty: 91, so that four folds "
        "test the four seasons.",
    )


class TuneRequest(DatasetRequest, _Split):
    """Search better settings of one recipe."""

    architecture: Annotated[str, TUNABLE] = Field(
        title="Architecture",
        description="Tune this recipe of include/architectures; the key search of its file, without which a form does not offer "
        "it, says what may be changed.",
    )
    minutes: Annotated[float, Field(gt=0, le=10_080)] = Field(
        10.0,
        title="Minutes",
        description="Minutes of work, summed over all workers and all their starts, after which the search ends.",
    )
    trials: Annotated[int, Field(ge=1)] | None = Field(
        None, title="Trials", description="End the search after so many trials. Empty: as many as the minutes allow."
    )
    repeats: Annotated[int, Field(ge=0, le=10)] = Field(
        2,
        title="Repeats",
        description="Train the three best recipes of the search, and the one it began with, again with so many other seeds, and "
        "name the one with the least error by those. At most half of the minutes are kept for it. 0: the best trial of the search.",
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default_factory=lambda: settings().training.pool_slots,
        title="Workers",
        description="Try so many settings at the same time, each in a task of its own. Only one works with --here.",
    )
