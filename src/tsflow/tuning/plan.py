"""What a tuning searches: the recipe as it was when it began, and its search space."""

from tsflow.architectures.registry import Architecture, families
from tsflow.architectures.space import BESIDE, Distribution, value_of
from tsflow.records.tuning import TuningPlan, Values

_SUFFIX = "_tuned"


def tuned_name(architecture: str) -> str:
    """Return what the tuned recipe of an architecture is called."""
    return architecture.removesuffix(_SUFFIX) + _SUFFIX


def stored_recipe(recipe: Architecture) -> tuple[Values, Values]:
    """Return a recipe, and its search space, as a plan keeps them."""
    space = {name: distribution.model_dump(mode="json", exclude_unset=True) for name, distribution in (recipe.search or {}).items()}
    return recipe.model_dump(mode="json", exclude_unset=True, exclude=BESIDE - {"tuned_on"}), space


def recipe_of(plan: TuningPlan) -> Architecture:
    """Return the recipe as it was when the tuning began, with its search space; its file may have changed since."""
    family = families()[plan.recipe["builder"]]
    return family.model_validate({**plan.recipe, "search": plan.search})


def space_of(recipe: Architecture) -> tuple[dict[str, Distribution], Values]:
    """Return a recipe's search space, and what it says itself under those keys."""
    space = recipe.search or {}
    return space, {key: value_of(recipe, key) for key in space}
