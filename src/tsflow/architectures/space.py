"""The search space of a recipe: which of its keys tuning may change, and to what.

::

    search:
      units: {choices: [[16], [32], [32, 32]]}                    any values
      fit.learning_rate: {low: 3e-4, high: 1e-2, log: true}       evenly by order of magnitude
      dropout: {low: 0.0, high: 0.5, step: 0.1}
      fit.patience: {low: 2, high: 6}                             whole bounds (and step): whole numbers
      convolutions.0.filters: {choices: [8, 16]}                  an entry of a list, by its number
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError, model_validator

from tsflow.errors import SettingsError
from tsflow.model import Strict, explain

if TYPE_CHECKING:
    from tsflow.architectures.registry import Architecture

BESIDE = {"search", "published_mae", "tuned_on"}  # keys of a recipe that do not decide what is trained
_FIXED = ("architecture", "title", "builder", "horizon_hours", *sorted(BESIDE))  # what a recipe is, and what it forecasts
_INSIDE = 0.381966  # of a range: a value that is hardly ever whole, and not a bound


class Distribution(Strict):
    """Where one key's values come from: `choices`, or a range from `low` to `high`, both included."""

    choices: list[Any] | None = None
    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    step: int | float | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.choices is not None:
            if self.model_fields_set != {"choices"}:
                msg = f"give choices, or low and high; found {', '.join(sorted(self.model_fields_set))}"
                raise ValueError(msg)
            self._check_choices(self.choices)
        elif self.low is None or self.high is None:
            msg = "give choices, or low and high"
            raise ValueError(msg)
        else:
            self._check_range(self.low, self.high)
        return self

    @staticmethod
    def _check_choices(choices: list[Any]) -> None:
        if not choices:
            msg = "choices is empty; name at least two values"
            raise ValueError(msg)
        if len({encoded(choice) for choice in choices}) < len(choices):
            msg = f"choices names a value twice: {choices}"
            raise ValueError(msg)

    def _check_range(self, low: float, high: float) -> None:
        if low >= high:
            msg = f"low {low:g} is not below high {high:g}"
            raise ValueError(msg)
        if self.log and (low <= 0 or self.step is not None):
            msg = f"log wants a low above 0 and no step; found low {low:g}, step {self.step}"
            raise ValueError(msg)
        if self.step is not None and (self.step <= 0 or (Decimal(str(high)) - Decimal(str(low))) % Decimal(str(self.step))):
            msg = f"step {self.step:g} does not lead from low {low:g} to high {high:g}"
            raise ValueError(msg)

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        return all(isinstance(bound, int) for bound in (self.low, self.high, self.step or 1))

    @property
    def examples(self) -> list[Any]:
        """Values that a recipe must take: every choice, or both bounds and a value between them."""
        if self.choices is not None or self.low is None or self.high is None:
            return list(self.choices or [])
        between = self.low + (self.step or 0) if self.step or self.whole else self.low + _INSIDE * (self.high - self.low)
        return [self.low, between, self.high]

    def holds(self, value: Any) -> bool:
        """Tell whether a value is one that it can give."""
        if self.choices is not None or self.low is None or self.high is None:
            return encoded(value) in map(encoded, self.choices or [])
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        step = self.step or (1 if self.whole else None)
        return step is None or (Decimal(str(value)) - Decimal(str(self.low))) % Decimal(str(step)) == 0


def encoded(choice: Any) -> str:
    """Return a choice as text, always the same for the same choice; `json.loads` gives it back."""
    return json.dumps(choice, sort_keys=True)


def value_of(architecture: Architecture, key: str) -> Any:
    """Return what a recipe says under a dotted key; `KeyError` if it knows no such key."""
    place: Any = architecture.identity()
    for part in key.split("."):
        if isinstance(place, list) and part.isdigit() and int(part) < len(place):
            place = place[int(part)]
        elif isinstance(place, dict):
            place = place[part]
        else:
            raise KeyError(key)
    return place


def with_values(architecture: Architecture, values: Mapping[str, object]) -> Architecture:
    """Return a recipe with other values under some dotted keys, and without a search space.

    Raises
    ------
    SettingsError
        If the recipe refuses a value.
    """
    content = architecture.model_dump(mode="json", exclude_unset=True, exclude=BESIDE)
    for key, value in values.items():
        *parents, leaf = key.split(".")
        place: Any = content
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place.setdefault(parent, {})
        place[int(leaf) if isinstance(place, list) else leaf] = value
    try:
        return type(architecture).model_validate(content)
    except ValidationError as error:
        raise SettingsError(explain(error, architecture.architecture)) from error


def check_space(architecture: Architecture, path: str) -> None:
    """Refuse a search space that names unknown keys, or values that the recipe refuses.

    Each value is tried alone; that the recipe takes all of them together can only a trial show.

    Raises
    ------
    SettingsError
        With the file, the key and what is the matter.
    """
    for key, distribution in (architecture.search or {}).items():
        if key.split(".")[0] in _FIXED:
            msg = f"{path}: search.{key}: says what the recipe is and cannot be searched"
            raise SettingsError(msg)
        try:
            value_of(architecture, key)
        except KeyError:
            known = ", ".join(_keys(architecture.identity()))
            msg = f"{path}: search.{key}: unknown key of a {architecture.builder} recipe; it knows {known}"
            raise SettingsError(msg) from None
        for example in distribution.examples:
            try:
                with_values(architecture, {key: example})
            except SettingsError as error:
                msg = f"{path}: search.{key}: the recipe refuses {example!r}: {error}"
                raise SettingsError(msg) from error


def _keys(content: Mapping[str, object], before: str = "") -> list[str]:
    found = []
    for key, value in content.items():
        if not before and key in _FIXED:
            continue
        found += _keys(value, f"{before}{key}.") if isinstance(value, dict) else [f"{before}{key}"]
    return found
