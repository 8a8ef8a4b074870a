"""What people and schedules ask for: checked once, before anything runs."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from tsflow.architectures.registry import load_architecture
from tsflow.architectures.space import with_values
from tsflow.errors import SettingsError, UnknownName
from tsflow.settings import Profile, ProfileSettings, Strict, explain, names_in, settings
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
    split: str = "recent"
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
            For a station, split or profile that does not exist.
        """
        load_station(self.station)
        split_settings(settings().splits, self.split)
        profile_settings(self.profile)
        return self


class RetrainRequest(DatasetRequest):
    """Train, rank and publish."""

    architectures: list[str] = []  # none: all under include/architectures

    def checked(self) -> Self:
        """Return the request with its architectures named.

        Raises
        ------
        UnknownName
            For a station, split, profile or architecture that does not exist.
        SettingsError
            If an architecture's file is wrong, does not fit the run's windows, or is named twice.
        """
        super().checked()
        names = self.architectures or names_in("architectures")
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            msg = f"architectures named more than once: {', '.join(repeated)}"
            raise SettingsError(msg)
        for name in names:
            load_architecture(name).fits(settings().windows)
        return self.model_copy(update={"architectures": list(names)})


class TuneRequest(DatasetRequest):
    """Search better settings of one recipe."""

    architecture: str
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
        super().checked()
        recipe = load_architecture(self.architecture).fits(settings().windows)
        if recipe.search is None:
            spaces = [name for name in names_in("architectures") if load_architecture(name).search is not None]
            msg = (
                f"include/architectures/{self.architecture}.yaml has no search space; add the key `search:` with what may be "
                f"changed, such as {{fit.learning_rate: {{low: 3e-4, high: 1e-2, log: true}}}}. With one: {', '.join(spaces)}"
            )
            raise SettingsError(msg)
        for hours in recipe.search["context_hours"].examples if "context_hours" in recipe.search else []:
            with_values(recipe, {"context_hours": hours}).fits(settings().windows)
        return self
