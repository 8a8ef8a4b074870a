"""The registry: from `include/architectures/*.yaml` to a checked architecture of a registered family."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Annotated, NoReturn, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from tsflow.architectures.space import BESIDE, Distribution, check_space
from tsflow.architectures.tuned_on import TunedOn
from tsflow.errors import EntrantSkipped, SettingsError, UnknownName
from tsflow.folders import include_dir, names_in
from tsflow.model import Strict, explain
from tsflow.records.found import Found
from tsflow.registry import Registry
from tsflow.stations.deriving import readable
from tsflow.task import Task
from tsflow.windows.dataset import Dataset
from tsflow.yaml_file import read_yaml

_families: Registry["Architecture"] = Registry("tsflow.architectures", "family")
register = _families.register
families = _families.all


class Architecture(Strict):
    """What every recipe says, whatever its family."""

    architecture: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
    title: str
    builder: str  # the family
    context_hours: Annotated[int, Field(ge=1)] | None = None  # fewer than the task's: reads only the last ones
    context_hours_at_most: Annotated[int, Field(ge=1)] | None = None  # likewise; of a task that has fewer it reads all
    horizon_hours: Annotated[int, Field(ge=1)] | None = None  # must be the task's; guards a recipe made for another
    search: Annotated[dict[str, Distribution], Field(min_length=1)] | None = None  # what `tsflow tune` may change

    published_mae: Annotated[float, Field(gt=0)] | None = None  # on the test part of the lecture's record, to compare with
    tuned_on: list[TunedOn] = []  # the hours that chose the settings; `tsflow tune` adds to it, and boards tell of it

    @model_validator(mode="after")
    def _one_way_to_say_what_is_read(self) -> Self:
        if self.context_hours is not None and self.context_hours_at_most is not None:
            msg = (
                f"context_hours {self.context_hours} and context_hours_at_most {self.context_hours_at_most} both say what is read; "
                f"keep one"
            )
            raise ValueError(msg)
        return self

    def identity(self) -> dict[str, object]:
        """Return all that decides what is trained: search space and published figure do not."""
        return self.model_dump(mode="json", exclude=BESIDE)

    def effort(self, max_epochs: int | None = None) -> float:
        """Return about how many seconds a training takes on a record of years: long ones begin first, so that none ends alone."""
        return 0.0

    @property
    def variables(self) -> set[str]:
        """The station's variables that must be there, but for the target."""
        return set()

    @property
    def if_it_helps(self) -> list[str]:
        """The quantities that it reads where they help."""
        return []

    def settled(self, found: Found, growth: float = 1.0) -> Self:
        """Return the recipe with what a fit found fixed, so that a refit needs no validation part.

        `growth`: how many times more windows the refit learns from. The rule: epochs stay, as a pass over more windows makes more
        steps anyway; boosted rounds grow with the windows; a penalty stays, as it is weighed against a sum over windows.
        """
        return self

    def hours_read(self, task: Task) -> int:
        """Return how many of a context's last hours it reads."""
        return self.rows_read(task.context_hours)

    def rows_read(self, context_hours: int) -> int:
        """Return how many of so many hours it reads, the last ones."""
        return min(self.context_hours or context_hours, self.context_hours_at_most or context_hours)

    def require_task(self, task: Task) -> None:
        """Raise unless it can be trained for a task; all that depends on context and horizon is checked here.

        Raises
        ------
        SettingsError
            If it wants a longer context, another horizon, or further hours than the task gives; says what to change.
        """
        if self.context_hours and self.context_hours > task.context_hours:
            self.refuse(
                f"context_hours {self.context_hours} is longer than the task's context_hours {task.context_hours}; shorten it"
            )
        if self.horizon_hours and self.horizon_hours != task.horizon_hours:
            self.refuse(
                f"horizon_hours {self.horizon_hours} is not the task's horizon_hours {task.horizon_hours}; "
                f"one leaderboard never mixes horizons"
            )

    def within(self, names: Collection[str], helpful: Collection[str] = ()) -> Self:
        """Return the recipe without what it reads only if it is there or only if it helps, where it is not or does not.

        Parameters
        ----------
        names
            Every variable and quantity of the station.
        helpful
            Short names of quantities that help there (`tsflow.evaluation.screening`).
        """
        return self

    def on(self, dataset: Dataset) -> Self:
        """Return the recipe as it is trained on a dataset: with what its station gives, and what helps there."""
        return self.within(readable(dataset.units, dataset.quantities), dataset.helpful)

    def require_variables(self, station: str, units: Mapping[str, str], quantities: Mapping[str, str]) -> None:
        """Raise unless the station has the variables or quantities that it needs.

        Parameters
        ----------
        units
            Of the station's variables.
        quantities
            What those measure, where the station file says so.

        Raises
        ------
        EntrantSkipped
            If the station lacks one.
        """
        if lacking := sorted(self.variables - {*readable(units, quantities)}):
            msg = (
                f"{self._file}: needs {', '.join(lacking)}, which station {station} lacks (it has {', '.join(units)}); "
                f"say by `quantity` in the station file which variable that is, leave the architecture out, or edit its channels"
            )
            raise EntrantSkipped(msg)

    def require_libraries(self) -> None:
        """Raise `EntrantSkipped` unless the libraries are installed that the family needs beyond those that tsflow brings along."""

    def refuse(self, reason: str) -> NoReturn:
        """Raise `SettingsError` with the recipe's file and a reason, which says what to change."""
        msg = f"{self._file}: {reason}"
        raise SettingsError(msg)

    @property
    def _file(self) -> str:
        return f"include/architectures/{self.architecture}.yaml"


class Fitted(Protocol):
    """An estimator after fitting."""

    @property
    def parameters(self) -> int:
        """How many numbers were fitted."""
        ...

    def predict(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast in degC, shape [n], from raw inputs of shape [n, context_hours, n_columns], `Dataset.columns`."""
        ...

    def to_onnx(self) -> bytes:
        """Return the model as ONNX: `observations` [n, context_hours, n_columns] raw -> `forecast` [n, 1] in degC."""
        ...


@runtime_checkable
class Judged(Protocol):
    """A fitted estimator of which the validation part decided something."""

    @property
    def found(self) -> Found:
        """What was decided; `Architecture.settled` takes it."""
        ...


@runtime_checkable
class Leading(Protocol):
    """A fitted estimator that can forecast hours before the horizon too."""

    lead_hours: tuple[int, ...]

    def predict_leads(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast the leads in degC, shape [n, n_leads]."""
        ...


@runtime_checkable
class Spreading(Protocol):
    """A fitted estimator that forecasts quantiles too; their distance says how unsure it is (`tsflow.architectures.quantiles`)."""

    @property
    def quantile_levels(self) -> tuple[float, ...]:
        """The levels, rising."""
        ...

    def predict_quantiles(self, contexts: NDArray[np.float32], forecasts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Forecast the quantiles in degC, shape [n, n_levels], each row sorted; `forecasts`: what `predict` gave, shape [n]."""
        ...


class Estimator(Architecture, ABC):
    """A family that is fitted in one go, without epochs."""

    @abstractmethod
    def fit(self, dataset: Dataset, *, seed: int) -> Fitted:
        """Fit on the dataset's training part."""


def load_architecture(name: str) -> Architecture:
    """Return an architecture by name.

    Raises
    ------
    UnknownName
        If there is no such architecture or family; the message lists those there are.
    SettingsError
        If its file has a wrong type, a missing or an extra key; the message names file and key.
    """
    if name not in names_in("architectures"):
        raise UnknownName("architecture", name, names_in("architectures"))
    path = include_dir() / "architectures" / f"{name}.yaml"
    content = read_yaml(path)
    known = families()
    if content.get("builder") not in known:
        msg = f"{path}: builder: {UnknownName('builder', str(content.get('builder')), list(known))}"
        raise SettingsError(msg)
    try:
        architecture = known[content["builder"]].model_validate(content)
    except ValidationError as error:
        raise SettingsError(explain(error, str(path))) from error
    if architecture.architecture != name:
        msg = f"{path}: architecture: found {architecture.architecture!r}, expected the file's name {name!r}"
        raise SettingsError(msg)
    check_space(architecture, str(path))
    return architecture
