"""Units as people write them, and what they become."""

import numpy as np
import pytest

from tsflow.stations.units import SAME, conversion, known_unit, other_unit_in, same_unit, unit_in


@pytest.mark.parametrize(
    ("of", "to", "value", "becomes"),
    [
        ("degF", "degC", 212.0, 100.0),
        ("K", "degC", 0.0, -273.15),
        ("Pa", "hPa", 98765.0, 987.65),
        ("inHg", "mbar", 1.0, 33.863886),
        ("kt", "m/s", 10.0, 5.1444444),
        ("km/h", "m/s", 36.0, 10.0),
        ("mph", "m/s", 1.0, 0.44704),
        ("%", "1", 55.0, 0.55),
        ("Deg C", "°C", 3.0, 3.0),
        ("kJ m-2 h-1", "W/m²", 3.6, 1.0),
    ],
)
def test_values_become_those_of_the_other_unit(of: str, to: str, value: float, becomes: float):
    assert conversion(of, to).of(np.array([value])) == pytest.approx([becomes], rel=1e-6)


@pytest.mark.parametrize(
    ("one", "other"),
    [("mbar", "hPa"), ("g/m**3", "g/m³"), ("m s-1", "m/s"), ("W m-2", "W/m^2"), ("Celsius", "degC"), ("mb", "mbar")],
)
def test_one_unit_is_written_in_many_ways(one: str, other: str):
    assert conversion(one, other) is SAME
    assert same_unit(one, other) or known_unit(one) != known_unit(other)


def test_what_measures_something_else_or_is_no_unit_is_refused():
    with pytest.raises(ValueError, match="K cannot be converted to hPa: they measure different things"):
        conversion("K", "hPa")
    with pytest.raises(ValueError, match=r"'bananas' is no unit that can be converted; write it as in K, degF"):
        conversion("bananas", "degC")


def test_a_header_may_name_its_unit():
    assert unit_in("T (degC)") == "degC"
    assert unit_in("Ta [K]") == "K"
    assert unit_in("Temp") is None
    assert unit_in("temp (roof)") is None


def test_a_header_that_names_another_unit_of_the_same_thing_is_noticed():
    assert other_unit_in("T (K)", "degC") == "K"
    assert other_unit_in("p (mbar)", "hPa") is None
    assert other_unit_in("T (min)", "degC") is None, "the minimum, not the minute"


@pytest.mark.parametrize(
    "text", ["-", "#", "±", "hPa/", "(", "T)", "{", "9**9**9", "10^10^10", "m^99999999", "x" * 5000, "((((", "m***2"]
)
def test_what_pint_stumbles_over_is_no_unit(text: str):
    assert known_unit(text) is None
    assert unit_in(f"albedo ({text})") is None


@pytest.mark.parametrize(("text", "unit"), [("℃", "degC"), ("ºC", "degC"), ("degrees C", "degC"), ("%RH", "%"), ("％", "%")])
def test_spellings_of_loggers(text: str, unit: str):
    assert same_unit(text, unit)
