"""What people and schedules ask for: checked once, before anything runs."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from tsflow.architectures.ensembles import Ensemble
from tsflow.architectures.network import Network
from tsflow.architectures.registry import load_architecture
from tsflow.architectures.space import with_values
from tsflow.errors import EntrantSkipped, SettingsError, UnknownName
from tsflow.folders import names_in
from tsflow.model import Strict, explain
from tsflow.settings import Profile, ProfileSettings, settings
from tsflow.stations.station import Station, load_station
from tsflow.windows.split import split_settings


def _moment(value: object) -> object:
    """Take a date or a date and time in ISO form; a date alone is its first moment."""
    if isinstance(value, str) and value:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            msg = f"{value!r} is not a date such as 2020-06-30, or 2020-06-30T12:00"
            raise ValueError(msg) from error
        if moment.tzinfo is not None and moment.utcoffset():
            msg = f"{value!r} names a time zone; as-of is in the station's own clock, without one"
            raise ValueError(msg)
        return moment.replace(tzinfo=None)  # Airflow's form adds Z to every time
    return value or None


AsOf = Annotated[datetime | None, BeforeValidator(_moment)]


def station_now(station: Station) -> datetime:
    """Return the present by the station's clock, without a zone."""
    return (datetime.now(UTC) + timedelta(hours=station.timestamp.utc_offset_hours)).replace(tzinfo=None)


def profile_settings(name: str) -> Profile:
    """Return the profile called `name`."""
    if name not in ProfileSettings.model_fields:
        raise UnknownName("profile", name, list(ProfileSettings.model_fields))
    profile: Profile = getattr(settings().profiles, name)
    return profile


class Request(Strict):
    """What both workflows ask: which station, and as of when."""

    station: str  # a name under include/stations, or the path of a station file
    as_of: AsOf = None  # by the station's clock; None: now. Nothing later is read

    @classmethod
    def of(cls, content: dict[str, Any]) -> Self:
        """Check what a form, a command or another step gave; a `SettingsError` says what is wrong."""
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise SettingsError(explain(error, "request")) from error

    def moment(self, station: Station) -> datetime:
        """Return the as-of that is meant.

        Raises
        ------
        SettingsError
            If it lies in the future.
        """
        now = station_now(station)
        if self.as_of is not None and self.as_of > now:
            msg = f"as-of {self.as_of} is in the future (now {now:%Y-%m-%d %H:%M} by the station's clock); give a past date"
            raise SettingsError(msg)
        return self.as_of or now.replace(second=0, microsecond=0)


class IngestRequest(Request):
    """Bring a station's observations up to the as-of into the store."""

    source: str | None = None  # a source of the station file; None: its first
    paths: list[str] = []  # files to read instead of a source
    history_days: Annotated[int, Field(ge=1)] | None = None  # of the simulator; None: what its source says

    @model_validator(mode="after")
    def _source_or_paths(self) -> Self:
        if self.source and self.paths:
            msg = f"give source ({self.source}) or paths ({', '.join(self.paths)}), not both"
            raise ValueError(msg)
        return self


class DatasetRequest(Request):
    """What is cut from a station's record, to train on."""

    start: AsOf = None  # nothing at or before it is read; None: all there is
    profile: str = "full"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1

    def moment(self, station: Station) -> datetime:
        """Return the as-of that is meant: without one, the last midnight, so that all runs of a day see the same data."""
        moment = super().moment(station)
        return moment if self.as_of is not None else moment.replace(hour=0, minute=0)

    def checked(self) -> Self:
        """Return the request.

        Raises
        ------
        UnknownName
            For a station or profile that does not exist.
        """
        load_station(self.station)
        profile_settings(self.profile)
        return self


class TrainingRequest(DatasetRequest):
    """What a training of several architectures asks."""

    architectures: list[str] = []  # none: those of the profile

    def checked(self) -> Self:
        """Return the request with its architectures named.

        Raises
        ------
        UnknownName
            For a station, profile or architecture that does not exist.
        SettingsError
            If an architecture's file is wrong, does not fit the run's windows, or is named twice.
        """
        super().checked()
        station = load_station(self.station)
        names = self.architectures or profile_settings(self.profile).architectures or names_in("architectures")
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            msg = f"architectures named more than once: {', '.join(repeated)}"
            raise SettingsError(msg)
        for name in names:
            architecture = load_architecture(name).fits(station.task(None, settings().windows)[1])
            if self.architectures:  # of all, those that the station has no variables for are left out, with their reason
                try:
                    architecture.suits(station.station, list(station.variables))
                except EntrantSkipped as reason:
                    raise SettingsError(str(reason)) from reason
        return self.model_copy(update={"architectures": sorted(names, key=_turn)})


def _turn(name: str) -> float:
    """Return when an architecture's turn is: long trainings first, so that none is left alone at the end; ensembles last."""
    architecture = load_architecture(name)
    if isinstance(architecture, Network):
        return -architecture.fit.epochs * architecture.seeds
    return 1 if isinstance(architecture, Ensemble) else 0


class RetrainRequest(TrainingRequest):
    """Train, rank and publish."""

    split: str = "recent"

    def checked(self) -> Self:
        """Return the request with its architectures named; also raises `UnknownName` for a split that does not exist."""
        split_settings(settings().splits, self.split)
        return super().checked()


class BacktestRequest(TrainingRequest):
    """Train and test at several ends of the record."""

    folds: Annotated[int, Field(ge=1)] = 4
    test_days: Annotated[int, Field(ge=1)] = 60  # of each fold
    validation_days: Annotated[int, Field(ge=1)] = 60  # before them; decides when a training stops
    train_days: Annotated[int, Field(ge=1)] | None = None  # before those; None: all there is
    step_days: Annotated[int, Field(ge=1)] | None = None  # from fold to fold; None: a quarter of a year, or test_days

    def checked(self) -> Self:
        """Return the request with its architectures named, without ensembles: what those are made of differs from fold to fold.

        Raises
        ------
        SettingsError
            If an ensemble is named.
        """
        ensembles = [name for name in names_in("architectures") if isinstance(load_architecture(name), Ensemble)]
        if named := [name for name in self.architectures if name in ensembles]:
            msg = f"{', '.join(named)}: ensembles are weighed by `retrain` only; leave them out of a backtest"
            raise SettingsError(msg)
        request = super().checked()
        return request.model_copy(update={"architectures": [name for name in request.architectures if name not in ensembles]})


class TuneRequest(DatasetRequest):
    """Search better settings of one recipe."""

    architecture: str
    split: str = "recent"
    minutes: Annotated[float, Field(gt=0, le=10_080)] = 10.0  # of work, summed over all workers and all their starts
    trials: Annotated[int, Field(ge=1)] | None = None  # at most; None: as many as the minutes allow
    workers: Annotated[int, Field(ge=1, le=64)] = 1

    def checked(self) -> Self:
        """Return the request.

        Raises
        ------
        UnknownName
            For a station, split, profile or architecture that does not exist.
        SettingsError
            If the architecture's file is wrong, does not fit the run's windows, or says not what may be changed.
        """
        split_settings(settings().splits, self.split)
        super().checked()
        task = load_station(self.station).task(None, settings().windows)[1]
        recipe = load_architecture(self.architecture).fits(task)
        if recipe.search is None:
            spaces = [name for name in names_in("architectures") if load_architecture(name).search is not None]
            msg = (
                f"include/architectures/{self.architecture}.yaml has no search space; add the key `search:` with what may be "
                f"changed, such as {{fit.learning_rate: {{low: 3e-4, high: 1e-2, log: true}}}}. With one: {', '.join(spaces)}"
            )
            raise SettingsError(msg)
        for hours in recipe.search["context_hours"].examples if "context_hours" in recipe.search else []:
            with_values(recipe, {"context_hours": hours}).fits(task)
        return self
