"""What variables measure, by the names of the CF conventions, whatever their columns are called.

A recipe asks for quantities by a short name or by the CF name; a station file says `quantity` of each variable, or calls it by
the short name, which implies it.

References
----------
CF Standard Name Table, https://cfconventions.org/standard-names.html; `saturation_vapour_pressure` and
`precipitation_duration` are tsflow's own, as it has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tsflow.errors import UnknownName

Combined = Literal["mean", "sum", "direction"]


@dataclass(frozen=True)
class Quantity:
    """A quantity: how it is called, in which unit formulas take it, and how values of an hour become one."""

    name: str  # CF's
    short: str  # as the recipes and the classic files call it
    unit: str
    range: tuple[float, float]  # in that unit; what weather near the ground stays within, on all continents
    combined: Combined = "mean"
    words: tuple[str, ...] = ()  # in headers that mean it
    screened: bool = False  # recipes may read it if it helps, which the training part says (tsflow.evaluation.screening)


_ALL = (
    Quantity("air_temperature", "T", "degC", (-60, 55), words=("t", "ta", "tc", "tair", "temp", "temperatur", "airt")),
    Quantity("air_pressure", "p", "hPa", (500, 1100), words=("p", "pa", "bp", "press", "druck", "baro", "presion")),
    Quantity("dew_point_temperature", "Tdew", "degC", (-70, 40), words=("td", "dew", "tdew", "taupunkt")),
    Quantity("relative_humidity", "rh", "%", (0, 103), words=("rh", "rf", "hum", "relhum", "feuchte", "humedad")),
    Quantity("wind_speed", "wv", "m/s", (0, 75), words=("wv", "ws", "ff", "wspd", "wind", "wndspd", "speed")),
    Quantity("wind_speed_of_gust", "max_wv", "m/s", (0, 110), words=("maxwv", "gust", "boe", "wsmx"), screened=True),
    Quantity(
        "wind_from_direction", "wd", "deg", (0, 360), "direction", words=("wd", "dd", "dir", "wdir", "richtung"), screened=True
    ),
    Quantity("saturation_vapour_pressure", "VPmax", "hPa", (0, 160), words=("vpmax", "es")),
    Quantity("water_vapor_partial_pressure_in_air", "VPact", "hPa", (0, 70), words=("vpact", "ea")),
    Quantity("water_vapor_saturation_deficit_in_air", "VPdef", "hPa", (-0.1, 140), words=("vpdef", "vpd")),
    Quantity("specific_humidity", "sh", "g/kg", (0, 45), words=("sh", "q")),
    Quantity("mole_fraction_of_water_vapor_in_air", "H2OC", "mmol/mol", (0, 75), words=("h2oc", "h2o")),
    Quantity("air_potential_temperature", "Tpot", "K", (200, 345), words=("tpot", "theta")),
    Quantity("air_density", "rho", "g/m³", (600, 1700), words=("rho", "density")),
    Quantity(
        "lwe_thickness_of_precipitation_amount",
        "rain",
        "mm",
        (0, 120),
        "sum",
        words=("rr", "rain", "precip", "niederschlag", "regen"),
        screened=True,
    ),
    Quantity("precipitation_duration", "raining", "s", (0, 3600), "sum", words=("raining",)),
    Quantity(
        "surface_downwelling_shortwave_flux_in_air",
        "SWDR",
        "W/m^2",
        (-15, 1600),
        words=("sw", "ghi", "rad", "swdr", "slrw", "solar", "strahlung", "radiation", "srad"),
        screened=True,
    ),
    Quantity("surface_downwelling_photosynthetic_photon_flux_in_air", "PAR", "µmol/m^2/s", (-15, 3500), words=("par", "ppfd")),
    Quantity("mole_fraction_of_carbon_dioxide_in_air", "CO2", "ppm", (200, 3000), words=("co2",), screened=True),
    Quantity("soil_temperature", "Tsoil", "degC", (-40, 75), words=("tsoil", "soil", "boden"), screened=True),
)

_BY_NAME: Mapping[str, Quantity] = {name: each for each in _ALL for name in (each.short, each.name)}


def quantities() -> tuple[Quantity, ...]:
    """Return all that are known."""
    return _ALL


def quantity(name: str) -> Quantity:
    """Return a quantity by its short name or its CF name.

    Raises
    ------
    UnknownName
        If there is none; lists those there are.
    """
    if name not in _BY_NAME:
        raise UnknownName("quantity", name, [f"{each.name} ({each.short})" for each in _ALL])
    return _BY_NAME[name]


def screened_quantities() -> tuple[Quantity, ...]:
    """Return those that recipes may read if it helps."""
    return tuple(each for each in _ALL if each.screened)


def implied(variable: str) -> Quantity | None:
    """Return the quantity that a variable's own name says, or None."""
    return _BY_NAME.get(variable)


def stand_ins(measured: Mapping[str, str]) -> dict[str, str]:
    """Return under which other names a station's variables are found: each quantity's names, for the first variable of it.

    ::

        {"temp_2m": "air_temperature"}  ->  {"T": "temp_2m", "air_temperature": "temp_2m"}

    `measured`: by variable, what it measures. A variable's own name always means that variable.
    """
    found: dict[str, str] = {}
    for variable, name in measured.items():
        for other in (quantity(name).short, quantity(name).name):
            if other not in measured:
                found.setdefault(other, variable)
    return found
