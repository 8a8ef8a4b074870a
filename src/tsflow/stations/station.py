"""The station file: what a station measures, in which form it says so, and where its files are."""

import codecs
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from tsflow.bundle.calendar import CALENDAR
from tsflow.errors import SettingsError, UnknownName
from tsflow.folders import include_dir, names_in
from tsflow.location import Location
from tsflow.model import Strict, explain
from tsflow.names import MAIN, TASK_NAME
from tsflow.settings import WindowSettings
from tsflow.stations.cadence import cadence_of
from tsflow.stations.deriving import Derivation, combined, derived_variables
from tsflow.stations.forms import AnyForm, default
from tsflow.stations.formulas import formula
from tsflow.stations.quantities import quantity
from tsflow.stations.sources import AnySource, Source
from tsflow.stations.timestamp import Timestamp
from tsflow.stations.units import same_unit
from tsflow.stations.variable import Variable
from tsflow.task import Task
from tsflow.yaml_file import read_yaml

_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_.]*$"  # stands in columns, keys and pages
AUTO = "auto"  # in place of an encoding: look at the bytes
# Columns that tsflow adds, and what stands for the target in recipes.
_TAKEN = frozenset({"time", "segment", "filled", "hour", "day", *CALENDAR, "target"})


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
    cadence: Annotated[timedelta, BeforeValidator(cadence_of)]
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
                msg = f"variables.{name}: tsflow gives that name a meaning of its own; choose another"
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
        given = self.derivations
        for name, variable in self.variables.items():
            if variable.derived and name not in given:
                needed = ", ".join(formula(variable.derived).inputs)
                msg = f"variables.{name} is derived from {needed}, which no earlier variable gives"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _directions_fit(self) -> Self:
        for name in (name for name, how in combined(self.units, self.said_quantities).items() if how == "direction"):
            if not same_unit(unit := self.units[name], "deg"):
                msg = f"variables.{name}: a direction is stored in deg; write `unit: deg`, and for files in {unit} `column_unit`"
                raise ValueError(msg)
            if name in self.targets:
                msg = f"target {name!r} is a direction: 1 lies beside 359, and errors are no differences; forecast another variable"
                raise ValueError(msg)
        return self

    @property
    def derivations(self) -> dict[str, Derivation]:
        """How each derived variable is computed, in an order in which each finds its inputs computed."""
        wanted = {name: variable.derived for name, variable in self.variables.items() if variable.derived}
        return derived_variables(wanted, self.units, self.said_quantities)

    @property
    def targets(self) -> set[str]:
        """The variables that are forecast: without them an hour is none."""
        return {task.target or self.target for task in self.tasks.values()}

    @property
    def units(self) -> dict[str, str]:
        """The unit of each variable, in order."""
        return {name: variable.unit for name, variable in self.variables.items()}

    @property
    def said_quantities(self) -> dict[str, str]:
        """What variables measure, as far as the file says so; the names of others may say it."""
        said = {name: each.quantity or each.derived for name, each in self.variables.items()}
        return {name: quantity(meant).name for name, meant in said.items() if meant is not None and meant != name}

    @model_validator(mode="after")
    def _rest_of_some_rows(self) -> Self:
        for name, variable in self.variables.items():
            if variable.stuck_for is not None and variable.stuck_for < 2 * self.cadence:
                msg = f"variables.{name}.stuck_for: found {variable.stuck_for}, expected two cadences ({2 * self.cadence}) or more"
                raise ValueError(msg)
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


def station_of(content: Mapping[str, object], origin: str) -> Station:
    """Return a station as its file's content describes it; `SettingsError` names the file, which is `origin`, and the wrong key."""
    try:
        return Station.model_validate(content)
    except (ValidationError, UnknownName) as error:
        message = explain(error, origin) if isinstance(error, ValidationError) else f"{origin}: {error}"
        raise SettingsError(message) from error


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
    station = station_of(read_yaml(path), str(path))
    if not by_path and station.station != name:
        msg = f"{path}: station: found {station.station!r}, expected the file's name {name!r}"
        raise SettingsError(msg)
    return station
