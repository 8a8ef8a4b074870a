"""Units as station files and headers write them, and how values go from one to another (by pint)."""

from __future__ import annotations

import re
import tokenize
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pint

# What loggers and station files write and pint does not know, or knows as something else (C is its coulomb, mb its millibarn).
_OTHERS_NAMES = {
    "c": "degC",
    "℃": "degC",
    "ºc": "degC",
    "degrees c": "degC",
    "degrees celsius": "degC",
    "℉": "degF",
    "degrees f": "degF",
    "degrees fahrenheit": "degF",
    "deg c": "degC",
    "degree c": "degC",
    "celsius": "degC",
    "f": "degF",
    "deg f": "degF",
    "fahrenheit": "degF",
    "mb": "mbar",
    "kts": "kt",
    "knots": "kt",
    "volts": "V",
    "w/m2": "W/m^2",
    "percent": "%",
    "%rh": "%",
    "% rh": "%",
    "％": "%",
    "pct": "%",
    "degrees": "deg",
    "°": "deg",
    "meters/second": "m/s",
    "meters/s": "m/s",
}
_POWER = re.compile(r"(?<=[A-Za-z])(-?\d)(?![\d.])")  # m s-1, W m-2, g/m3
# A power of a power, or a high one: pint would work it out.
_ENDLESS = re.compile(r"(?:\*\*|\^)\s*-?\d+\s*(?:\*\*|\^)|(?:\*\*|\^)\s*-?\d{3}")
_LONGEST = 40  # no unit has more characters
# What pint's parser stumbles over: it takes a text for an expression in Python.
_STUMBLES = (TypeError, ValueError, AttributeError, ArithmeticError, AssertionError, RecursionError, tokenize.TokenError)
_IN_BRACKETS = re.compile(r"[\[(]([^\[\]()]+)[\])]\s*$")  # at the end of a header: T (degC), T [degC]


@dataclass(frozen=True)
class Conversion:
    """What turns a value of one unit into another: scale times value, plus offset."""

    scale: float
    offset: float

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values in the other unit, of the same shape."""
        return values * self.scale + self.offset


SAME = Conversion(1.0, 0.0)
_SPAN = 1e4  # between the two values that a conversion is read off
_ROUNDING = 1e-12


def known_unit(text: str) -> pint.Unit | None:
    """Return a unit as pint knows it, or None if nobody does."""
    import pint

    if len(text) > _LONGEST or _ENDLESS.search(text):
        return None
    for spelt in _spellings(text):
        try:
            unit: pint.Unit = _registry().parse_units(spelt)
        except (pint.PintError, *_STUMBLES):
            continue
        return unit
    return None


def same_unit(one: str, other: str) -> bool:
    """Say whether two texts name one unit, such as `g/m**3` and `g/m³`; texts that nobody knows are alike if they are equal."""
    if _plain(one) == _plain(other):
        return True  # without pint, which takes a third of a second to load
    units = known_unit(one), known_unit(other)
    return units[0] is not None and units[0] == units[1]


def conversion(of: str, to: str) -> Conversion:
    """Return how values of one unit become those of another.

    Raises
    ------
    ValueError
        If one of them is no unit that is known, or they measure different things.
    """
    if same_unit(of, to):
        return SAME
    units = {text: known_unit(text) for text in (of, to)}
    for text, unit in units.items():
        if unit is None:
            msg = f"{text!r} is no unit that can be converted; write it as in K, degF, hPa, kt, km/h or W/m^2"
            raise ValueError(msg)
    source, target = units[of], units[to]
    if source is None or target is None or not source.is_compatible_with(target):
        msg = f"{of} cannot be converted to {to}: they measure different things"
        raise ValueError(msg)
    at = [float(_registry().Quantity(value, source).to(target).magnitude) for value in (0.0, _SPAN)]
    found = Conversion((at[1] - at[0]) / _SPAN, at[0])
    return SAME if found.offset == 0 and abs(found.scale - 1) < _ROUNDING else found


def converts(of: str, to: str) -> bool:
    """Say whether values of one unit can become those of another; what nobody knows as a unit is only like itself."""
    try:
        conversion(of, to)
    except ValueError:
        return False
    return True


def is_another_unit(said: str, unit: str) -> bool:
    """Say whether a text surely names another unit; what is none, or has no dimension where the other has one, does not."""
    if not said or same_unit(said, unit):
        return False
    found, expected = known_unit(said), known_unit(unit)
    if found is None or expected is None or (found.dimensionless and not expected.dimensionless):
        return False
    return not converts(said, unit) or conversion(said, unit) is not SAME


def unit_in(header: str) -> str | None:
    """Return what a column's header says in brackets at its end if that is a unit, else None; `T (min)` may mean a minimum."""
    found = _IN_BRACKETS.search(header)
    return found[1].strip() if found and known_unit(found[1]) is not None else None


def other_unit_in(header: str, unit: str) -> str | None:
    """Return the unit that a header names if values in it would be taken wrongly as ones in `unit`, else None."""
    named = _IN_BRACKETS.search(header)
    if named is None:
        return None
    try:
        return named[1].strip() if conversion(named[1], unit) is not SAME else None
    except ValueError:
        return None  # no unit, or one of something else, such as the minimum or the month


def _plain(text: str) -> str:
    plain = text.strip().replace("**", "^").replace("²", "^2").replace("³", "^3")
    return "hPa" if plain == "mbar" else plain


def _spellings(text: str) -> list[str]:
    plain = _plain(text)
    other = _OTHERS_NAMES.get(re.sub(r"[\s_]+", " ", plain.lower()))
    powers = _POWER.sub(r"^\1", plain)
    product = re.sub(r"\s+", "*", powers) if "*" not in powers and "/" not in powers else powers
    return [other] if other else [product, powers, plain]


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()
