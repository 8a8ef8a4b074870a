"""Recipes as they were when a run or a backtest began: an edit of a file, or an update, does not mix two on one board."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from tsflow.architectures.registry import Architecture, families, load_architecture
from tsflow.errors import SettingsError
from tsflow.model import explain
from tsflow.records.run import Pinned


def recipe_of(content: Mapping[str, Any]) -> Architecture:
    """Return a recipe that was stored.

    Raises
    ------
    SettingsError
        If this tsflow has no such family, or the family has other keys by now.
    """
    builder = str(content.get("builder"))
    if builder not in families():
        msg = f"recipe {content.get('architecture')}: this tsflow has no family {builder!r}"
        raise SettingsError(msg)
    try:
        return families()[builder].model_validate(content)
    except ValidationError as error:
        raise SettingsError(explain(error, f"recipe {content.get('architecture')}")) from error


def contents(recipes: Mapping[str, Architecture]) -> dict[str, dict[str, object]]:
    """Return recipes as they are stored with what was planned of them."""
    return {name: recipe.model_dump(mode="json", exclude={"search"}) for name, recipe in recipes.items()}


def readable_recipes(run: Pinned, names: Iterable[str]) -> dict[str, Architecture]:
    """Return those of a run's recipes that it pinned and that this tsflow still knows how to read."""
    found = {}
    for name in names:
        with suppress(SettingsError):
            if name in run.recipes:
                found[name] = recipe_of(run.recipes[name])
    return found


def pinned(run: Pinned, name: str) -> Architecture:
    """Return an entrant's recipe as its run has it, or its backtest; one of a tsflow that did not pin reads the present file."""
    return recipe_of(run.recipes[name]) if name in run.recipes else load_architecture(name)
