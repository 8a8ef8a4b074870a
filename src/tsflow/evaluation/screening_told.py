"""What a reader of a board should know of the quantities that some recipes read if they help."""

from collections.abc import Mapping, Sequence

from tsflow.architectures.registry import Architecture
from tsflow.records.dataset import Screened


def screening_told(screened: Sequence[Screened], unit: str, recipes: Mapping[str, Architecture]) -> list[str]:
    """Return what was found; no sentence where the station measures nothing further, or none of the recipes would read it.

    Parameters
    ----------
    unit
        The target's.
    recipes
        Of all entrants, by name.
    """
    ask = {quantity for recipe in recipes.values() for quantity in recipe.if_it_helps}
    who = ", ".join(name for name, recipe in recipes.items() if recipe.if_it_helps)
    asked = [each for each in screened if each.quantity in ask]
    gain = (
        f"less error in {unit} of a linear model, on hours that it did not learn, with its 95 % interval; "
        "more than its standard error is enough"
    )
    told = []
    if read := [_gain(each) for each in asked if each.read]:
        told.append(f"{who}: read {', '.join(read)} too, as it helps here ({gain}).")
    if unread := [_gain(each) for each in asked if not each.read and each.gain is not None]:
        told.append(f"{who}: leave out {', '.join(unread)}, as it does not help enough here ({gain}).")
    if short := [each.variable for each in asked if each.gain is None]:
        told.append(f"{who}: leave out {', '.join(short)}, as the training part has too few days to say whether it helps.")
    return told


def _gain(each: Screened) -> str:
    return f"{each.variable} ({each.gain:.3f} [{each.low:.3f}, {each.high:.3f}])"
