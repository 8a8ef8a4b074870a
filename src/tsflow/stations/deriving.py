"""Which variables, in which units, a formula is computed from: at one station, each quantity under its variable's own name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tsflow.stations.formulas import Formula, all_formulas, formula
from tsflow.stations.quantities import Combined, implied, quantity, stand_ins
from tsflow.stations.units import SAME, Conversion, conversion


def measures(units: Mapping[str, str], said: Mapping[str, str]) -> dict[str, str]:
    """Return what each variable measures, by CF name, as far as it is known.

    Parameters
    ----------
    units
        Of the variables.
    said
        What the station file says of some; the others' own names may say it, if their unit fits.
    """
    found = {}
    for name, unit in units.items():
        if name in said:
            found[name] = quantity(said[name]).name
        elif (meant := implied(name)) is not None and _converts(unit, meant.unit):
            found[name] = meant.name
    return found


def combined(units: Mapping[str, str], said: Mapping[str, str]) -> dict[str, Combined]:
    """Return how values of each variable become one, as `measures` takes them."""
    measured = measures(units, said)
    by_unit: dict[str, Combined] = {name: "direction" if unit == "deg" else "mean" for name, unit in units.items()}
    return {name: quantity(measured[name]).combined if name in measured else how for name, how in by_unit.items()}


def _converts(unit: str, to: str) -> bool:
    try:
        conversion(unit, to)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Derivation:
    """A formula with the variables that it is computed from at a station."""

    formula: Formula
    inputs: tuple[str, ...]  # variables, or what an earlier formula gives, in the formula's order
    conversions: tuple[Conversion, ...]  # from their units to the formula's
    result: Conversion = SAME  # from the formula's unit to that of the variable which takes it

    def of(self, values: Mapping[str, Any], ops: Any = np) -> Any:
        """Return the derived values of those of the inputs: arrays, or with `keras.ops` tensors."""
        taken = [_converted(values[name], how) for name, how in zip(self.inputs, self.conversions, strict=True)]
        found = self.formula.compute(*taken, ops=ops) if self.formula.curved else self.formula.compute(*taken)
        return _converted(found, self.result)

    @property
    def tolerance(self) -> float:
        """How closely real rows keep the formula, in the unit of the result."""
        return self.formula.tolerance * abs(self.result.scale)

    def into(self, unit: str) -> Derivation:
        """Return the same with its result in another unit."""
        return replace(self, result=conversion(quantity(self.formula.name).unit, unit))


def _converted(values: Any, how: Conversion) -> Any:
    return values if how is SAME else values * how.scale + how.offset


def derivation(short: str, units: Mapping[str, str], measured: Mapping[str, str], found: Collection[str] = ()) -> Derivation | None:
    """Return how a quantity follows from a station's variables, or None if they do not give it.

    Parameters
    ----------
    short
        The short name of the quantity.
    units, measured
        Of the variables that may be inputs: their units, and by CF name what they measure.
    found
        What other formulas gave already, by short name.
    """
    how = formula(short)
    known = {**{name: name for name in measured}, **stand_ins(measured)}
    inputs = [_input(name, known, found, units, measured) for name in how.inputs]
    if None in inputs:
        return None
    names, conversions = zip(*(each for each in inputs if each), strict=True)
    return Derivation(how, names, conversions)


def derived_variables(wanted: Mapping[str, str], units: Mapping[str, str], said: Mapping[str, str]) -> dict[str, Derivation]:
    """Return how a station file's derived variables are computed, in an order in which each finds its inputs computed.

    Parameters
    ----------
    wanted
        By variable, the short name of the quantity that it is derived as; what others do not give is left out.
    units, said
        Of all variables, derived ones too: their units, and what the station file says they measure.
    """
    found: dict[str, Derivation] = {}
    for name, short in wanted.items():
        known = {other: unit for other, unit in units.items() if other not in wanted or other in found}
        how = derivation(short, known, measures(known, said))
        if how is not None:
            found[name] = how.into(units[name])
    return found


def derivations(units: Mapping[str, str], measured: Mapping[str, str]) -> dict[str, Derivation]:
    """Return what formulas give that a station lacks, by short name, in an order in which each finds its inputs computed.

    Parameters as of `derivation`.
    """
    there = {*measured, *stand_ins(measured)}
    found: dict[str, Derivation] = {}
    for short in (each.name for each in all_formulas() if each.name not in there):
        if (how := derivation(short, units, measured, found)) is not None:
            found[short] = how
    return found


def _input(
    short: str, known: Mapping[str, str], found: Collection[str], units: Mapping[str, str], measured: Mapping[str, str]
) -> tuple[str, Conversion] | None:
    """Return the variable for a formula's input and how it is converted, or None if there is none."""
    variable, wanted = known.get(short), quantity(short)
    if variable is not None and measured[variable] == wanted.name:
        return variable, conversion(units[variable], wanted.unit)
    return (short, SAME) if short in found else None


def readable(units: Mapping[str, str], said: Mapping[str, str]) -> Collection[str]:
    """Return every name that a recipe may use at a station: variables, their quantities, and what formulas give of those."""
    measured = measures(units, said)
    return {*units, *stand_ins(measured), *derivations(units, measured)}
