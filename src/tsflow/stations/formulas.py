"""Humidity and density formulas of the station's own record, used to derive and to check variables.

Each was checked on real rows of the Jena station to the tolerance given. Arrays or tensors of any one shape in, the same shape
out, in the units of their quantities (`stations/quantities.py`). `ops`: NumPy, or `keras.ops` where a model computes them itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsflow.errors import UnknownName

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Formula:
    """A quantity that follows from others, all by their short names: what it needs, how, and how closely real rows keep it."""

    name: str
    inputs: tuple[str, ...]
    compute: Callable[..., Any]
    tolerance: float  # in the variable's unit, rounding of the record included
    curved: bool = False  # takes `ops`, since it has more in it than arithmetic


def vapour_pressure(vpmax_mbar: Array, rh_percent: Array) -> Array:
    """Actual vapour pressure in mbar."""
    return vpmax_mbar * rh_percent / 100


def vapour_pressure_deficit(vpmax_mbar: Array, vpact_mbar: Array) -> Array:
    """Saturation deficit in mbar."""
    return vpmax_mbar - vpact_mbar


def water_vapour_concentration(vpact_mbar: Array, p_mbar: Array) -> Array:
    """Mole fraction of water vapour in mmol/mol."""
    return 1000 * vpact_mbar / p_mbar


def specific_humidity(vpact_mbar: Array, p_mbar: Array) -> Array:
    """Specific humidity in g/kg."""
    return 622 * vpact_mbar / (p_mbar - 0.378 * vpact_mbar)


def potential_temperature(t_degc: Array, p_mbar: Array) -> Array:
    """Potential temperature in K, reference 1000 mbar."""
    return (t_degc + 273.15) * (1000 / p_mbar) ** 0.286


def air_density(t_degc: Array, p_mbar: Array, vpact_mbar: Array) -> Array:
    """Density of moist air in g/m³."""
    return (p_mbar - 0.378 * vpact_mbar) * 1e5 / (287.058 * (t_degc + 273.16))


def saturation_vapour_pressure(t_degc: Any, ops: Any = np) -> Any:
    """Saturation vapour pressure over water in mbar, Magnus form (WMO-No. 8, annex 4.B)."""
    return 6.112 * ops.exp(17.62 * t_degc / (243.12 + t_degc))


def dew_point(vpact_mbar: Any, ops: Any = np) -> Any:
    """Dew point in degC: the Magnus form solved for temperature."""
    ratio = ops.log(vpact_mbar / 6.112)
    return 243.12 * ratio / (17.62 - ratio)


_DRIEST = 0.1  # per cent; at 0 there is no dew point


def dew_point_of_humidity(t_degc: Any, rh_percent: Any, ops: Any = np) -> Any:
    """Dew point in degC, of temperature and relative humidity over water (WMO-No. 8, annex 4.B)."""
    return dew_point(saturation_vapour_pressure(t_degc, ops) * ops.maximum(rh_percent, _DRIEST) / 100, ops)


_FORMULAS = {
    formula.name: formula
    for formula in (
        Formula("VPmax", ("T",), saturation_vapour_pressure, 0.2, curved=True),
        Formula("Tdew", ("T", "rh"), dew_point_of_humidity, 0.2, curved=True),
        Formula("VPact", ("VPmax", "rh"), vapour_pressure, 0.02),
        Formula("VPdef", ("VPmax", "VPact"), vapour_pressure_deficit, 0.02),
        Formula("H2OC", ("VPact", "p"), water_vapour_concentration, 0.02),
        Formula("sh", ("VPact", "p"), specific_humidity, 0.02),
        Formula("Tpot", ("T", "p"), potential_temperature, 0.03),
        Formula("rho", ("T", "p", "VPact"), air_density, 0.2),
    )
}


def formula(name: str) -> Formula:
    """Return the formula that derives the quantity of that short name."""
    if name not in _FORMULAS:
        raise UnknownName("formula", name, list(_FORMULAS))
    return _FORMULAS[name]


def all_formulas() -> tuple[Formula, ...]:
    """Return every formula, in an order in which each finds its inputs computed."""
    return tuple(_FORMULAS.values())
