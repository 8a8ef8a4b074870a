"""The station file: what a station measures, in which form it says so, and where its files are."""

import codecs
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, FiniteFloat, ValidationError, field_validator, model_validator

from tsflow.errors import SettingsError, UnknownName
from tsflow.folders import include_dir, names_in
from tsflow.location import Location
from tsflow.model import Strict, explain
from tsflow.names import MAIN, TASK_NAME
from tsflow.settings import WindowSettings
from tsflow.stations.forms import AnyForm, default
from tsflow.stations.formulas import formula
from tsflow.stations.sources import AnySource, Source
from tsflow.stations.timestamp import Timestamp
from tsflow.task import Task
from tsflow.yaml_file import read_yaml


def _cadence(value: object) -> object:
    """Take `10min` and `1h` as people write them."""
    for unit, minutes in (("min", 1), ("h", 60)):
        if isinstance(value, str) and (number := value.removesuffix(unit)) != value and number.isdigit() and len(number) < 6:
            return timedelta(minutes=minutes * int(number))
    return value


_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_.]*$"  # stands in columns, keys and pages
AUTO = "auto"  # in place of an encoding: look at the bytes
_TAKEN = frozenset({"time", "segment", "hour", "day"})  # columns that tsflow adds


class Variable(Strict):
    """One measured or derived quantity; `column` is its header in the files."""

    column: str | None = None
    derived: str | None = None  # the name of a formula, for a variable that the files lack
    unit: str
    range: tuple[FiniteFloat, FiniteFloat]  # outside it a value is an error of the instrument or of the file
    missing_share: Annotated[float, Field(ge=0, le=1)] = 0.05  # of a batch; above it the batch fails

    @model_validator(mode="after")
    def _from_file_or_formula(self) -> Self:
        if (self.column is None) == (self.derived is None):
            msg = "give exactly one of column and derived"
            raise ValueError(msg)
        if self.range[0] >= self.range[1]:
            msg = f"range: the lower bound {self.range[0]:g} is not below the upper bound {self.range[1]:g}"
            raise ValueError(msg)
        return self


class StationTask(Strict):
    """What a station file says of one of its tasks; what it leaves out comes from `target` and from the settings' `windows`."""

    target: str | None = None
    context_hours: Annotated[int, Field(ge=1)] | None = None
    horizon_hours: Annotated[int, Field(ge=1)] | None = None


class Station(Strict):
    """A station file, checked; the order of `variables` is the order of features."""

    station: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    title: str
    location: Location
    cadence: Annotated[timedelta, BeforeValidator(_cadence)]
    timestamp: Timestamp
    encoding: str = "utf-8"  # or auto: what each file is found to be in
    form: AnyForm = Field(default_factory=default)
    missing: list[float] = Field(default_factory=list)  # sentinels that stand for "no value"
    target: str
    # By name; each task has its own runs, boards and champion.
    tasks: Annotated[dict[Annotated[str, Field(pattern=TASK_NAME)], StationTask], Field(min_length=1)] = {MAIN: StationTask()}
    variables: Annotated[dict[Annotated[str, Field(pattern=_VARIABLE)], Variable], Field(min_length=1)]
    sources: Annotated[dict[str, AnySource], Field(min_length=1)]
    approval: bool = False  # a person must approve each model before it becomes champion
    ingest_hours: Annotated[int, Field(ge=1, le=24)] = 1  # ingest when so many hours divide the hour of the day, by UTC

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            codecs.lookup("utf-8" if encoding == AUTO else encoding)
        except LookupError as error:
            raise ValueError(str(error)) from error
        return encoding

    @field_validator("variables")
    @classmethod
    def _apart(cls, variables: dict[str, Variable]) -> dict[str, Variable]:
        owners: dict[str, str] = {}
        for name, variable in variables.items():
            if name in _TAKEN:
                msg = f"variables.{name}: tsflow has a column of that name itself; choose another"
                raise ValueError(msg)
            if variable.column and (owner := owners.setdefault(variable.column, name)) != name:
                msg = f"variables.{name}: column {variable.column!r} is also that of {owner}; leave one of them out"
                raise ValueError(msg)
        return variables

    @field_validator("cadence")
    @classmethod
    def _divides_an_hour(cls, cadence: timedelta) -> timedelta:
        if cadence <= timedelta(0) or timedelta(hours=1) % cadence:
            msg = f"must divide an hour or be one (such as 10min, 60min), found {cadence}"
            raise ValueError(msg)
        return cadence

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        if self.target not in self.variables:
            msg = f"target {self.target!r} is not among variables: {', '.join(self.variables)}"
            raise ValueError(msg)
        for name, task in self.tasks.items():
            if task.target is not None and task.target not in self.variables:
                msg = f"tasks.{name}: target {task.target!r} is not among variables: {', '.join(self.variables)}"
                raise ValueError(msg)
        known = [name for name, variable in self.variables.items() if variable.column]
        for name, variable in self.variables.items():
            if variable.derived:
                if variable.derived != name:
                    msg = f"variables.{name}.derived names the formula of {variable.derived!r}; name both alike"
                    raise ValueError(msg)
                if lacking := [needed for needed in formula(name).inputs if needed not in known]:
                    msg = f"variables.{name} is derived from {', '.join(lacking)}, which no earlier variable gives"
                    raise ValueError(msg)
                known.append(name)
        return self

    @property
    def own_encoding(self) -> str:
        """The encoding of files that tsflow itself writes for this station."""
        return "utf-8" if self.encoding == AUTO else self.encoding

    @property
    def rows_per_hour(self) -> int:
        """How many rows of the files make an hour."""
        return timedelta(hours=1) // self.cadence

    @property
    def measured(self) -> dict[str, Variable]:
        """The variables that the files hold."""
        return {name: variable for name, variable in self.variables.items() if variable.column}

    def task(self, name: str | None, windows: WindowSettings) -> tuple[str, Task]:
        """Return the task called `name`, or the first one, with its name; `windows` says what the file leaves out."""
        name = next(iter(self.tasks)) if name is None else name
        if name not in self.tasks:
            raise UnknownName(f"task of station {self.station}", name, list(self.tasks))
        said = self.tasks[name]
        return name, Task(
            target=said.target or self.target,
            context_hours=said.context_hours or windows.context_hours,
            horizon_hours=said.horizon_hours or windows.horizon_hours,
        )

    def source(self, name: str | None) -> Source:
        """Return the source called `name`, or the first one."""
        if name is None:
            return next(iter(self.sources.values()))
        if name not in self.sources:
            raise UnknownName(f"source of station {self.station}", name, list(self.sources))
        return self.sources[name]


def load_station(name: str) -> Station:
    """Return a station by its name under `include/stations`, or by the path of a station file.

    Raises
    ------
    UnknownName
        If there is no such station; the message lists those there are.
    SettingsError
        If the file has a wrong type, a missing or an extra key; the message names file and key.
    """
    by_path = name.endswith((".yaml", ".yml"))
    path = Path(name) if by_path else include_dir() / "stations" / f"{name}.yaml"
    if not by_path and name not in names_in("stations"):
        raise UnknownName("station", name, names_in("stations"))
    content = read_yaml(path)
    try:
        station = Station.model_validate(content)
    except (ValidationError, UnknownName) as error:
        message = explain(error, str(path)) if isinstance(error, ValidationError) else f"{path}: {error}"
        raise SettingsError(message) from error
    if not by_path and station.station != name:
        msg = f"{path}: station: found {station.station!r}, expected the file's name {name!r}"
        raise SettingsError(msg)
    return station
