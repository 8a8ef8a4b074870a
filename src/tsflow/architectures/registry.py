"""The registry: from `include/architectures/*.yaml` to a checked architecture of a registered family."""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Annotated, Any, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

import tsflow.architectures
from tsflow.architectures.space import BESIDE, Distribution, check_space
from tsflow.errors import EntrantSkipped, SettingsError, UnknownName
from tsflow.folders import include_dir, names_in
from tsflow.model import Strict, explain
from tsflow.task import Task
from tsflow.windows.dataset import Dataset
from tsflow.yaml_file import read_yaml

_families: dict[str, type["Architecture"]] = {}


class Architecture(Strict):
    """What every recipe says, whatever its family."""

    architecture: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
    title: str
    builder: str  # the family
    context_hours: Annotated[int, Field(ge=1)] | None = None  # fewer than the run's: reads only the last ones
    horizon_hours: Annotated[int, Field(ge=1)] | None = None  # must be the run's; guards a recipe made for another
    search: Annotated[dict[str, Distribution], Field(min_length=1)] | None = None  # what `tsflow tune` may change

    published_mae: Annotated[float, Field(gt=0)] | None = None  # on the test part of the lecture's record, to compare with

    def identity(self) -> dict[str, Any]:
        """Return all that decides what is trained: search space and published figure do not."""
        return self.model_dump(mode="json", exclude=BESIDE)

    @property
    def variables(self) -> set[str]:
        """The station's variables that must be there, but for the target."""
        return set()

    def settled(self, found: dict[str, Any]) -> Self:
        """Return the recipe with what a fit found fixed, so that a refit needs no validation part."""
        return self.model_copy(update=found)

    def fits(self, task: Task) -> Self:
        """Return itself if it can be trained on such windows.

        Raises
        ------
        SettingsError
            If it wants a longer context or another horizon than the run has.
        """
        if self.context_hours and self.context_hours > task.context_hours:
            msg = f"{self._file}: context_hours {self.context_hours} is longer than the task's context_hours {task.context_hours}"
            raise SettingsError(msg)
        if self.horizon_hours and self.horizon_hours != task.horizon_hours:
            msg = (
                f"{self._file}: horizon_hours {self.horizon_hours} is not the task's horizon_hours "
                f"{task.horizon_hours}; one leaderboard never mixes horizons"
            )
            raise SettingsError(msg)
        return self

    def suits(self, station: str, variables: Collection[str]) -> Self:
        """Return itself if the station has the variables that it needs.

        Raises
        ------
        EntrantSkipped
            If the station lacks one.
        """
        if lacking := sorted(self.variables - set(variables)):
            msg = (
                f"{self._file}: needs {', '.join(lacking)}, which station {station} lacks (it has {', '.join(variables)}); "
                f"leave the architecture out, or edit its channels"
            )
            raise EntrantSkipped(msg)
        return self

    @property
    def _file(self) -> str:
        return f"include/architectures/{self.architecture}.yaml"


A = TypeVar("A", bound=Architecture)


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
    def found(self) -> dict[str, Any]:
        """What was decided, as settings of the recipe; see `Architecture.settled`."""
        ...


@runtime_checkable
class Leading(Protocol):
    """A fitted estimator that can forecast hours before the horizon too."""

    lead_hours: tuple[int, ...]

    def predict_leads(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast the leads in degC, shape [n, n_leads]."""
        ...


class Estimator(Architecture, ABC):
    """A family that is fitted in one go, without epochs."""

    @abstractmethod
    def fit(self, dataset: Dataset, *, seed: int) -> Fitted:
        """Fit on the dataset's training part."""


def register(family: str) -> Callable[[type[A]], type[A]]:
    """Make a class the family called `family`; a name can be taken only once."""

    def enter(cls: type[A]) -> type[A]:
        if family in _families:
            msg = f"two families are called {family!r}: {_families[family].__name__} and {cls.__name__}"
            raise SettingsError(msg)
        _families[family] = cls
        return cls

    return enter


def families() -> dict[str, type[Architecture]]:
    """Return every registered family, by name; each module of this package registers its own."""
    for module in pkgutil.iter_modules(tsflow.architectures.__path__):
        importlib.import_module(f"tsflow.architectures.{module.name}")
    return dict(sorted(_families.items()))


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
