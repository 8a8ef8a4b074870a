"""A station whose files speak of other names and units: read, derived, trained on, forecast."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from mast import AS_OF, MAST, mast_csv, simulated, write_mast
from tsflow.errors import SettingsError
from tsflow.observations.store import ObservationStore
from tsflow.records.store import Records
from tsflow.stations.station import Station, load_station
from workflow import ingest, rank, retrain


@pytest.fixture
def mast(home: Path) -> Station:
    write_mast(home)
    return load_station("mast")


def test_values_are_stored_in_the_stations_units(records: Records, mast: Station, tmp_path: Path):
    rows = simulated(3)
    (tmp_path / "mast.csv").write_bytes(mast_csv(rows))
    ingest(records, station="mast", as_of=AS_OF, files=[tmp_path / "mast.csv"])
    stored = ObservationStore(records, "mast").read()
    np.testing.assert_allclose(stored["air_2m"], rows["T"], atol=1e-4)
    np.testing.assert_allclose(stored["baro"], rows["p"], atol=1e-3)
    np.testing.assert_allclose(stored["cup"], rows["wv"], atol=1e-4)


@pytest.mark.parametrize(
    ("variable", "change", "says"),
    [
        ("air_2m", {"column_unit": None}, r"column 'AirT_Avg \[degF\]' names the unit degF, not degC; write `column_unit: degF`"),
        ("air_2m", {"column_unit": "Pa"}, r"Pa cannot be converted to degC"),
        ("air_2m", {"quantity": "air_pressure"}, r"degC cannot be converted to hPa"),
        ("air_2m", {"quantity": "warmth"}, r"unknown quantity 'warmth'; valid: .*air_temperature \(T\)"),
        ("cup", {"column_unit": "bananas"}, r"'bananas' is no unit"),
    ],
)
def test_a_unit_or_quantity_that_does_not_fit_is_refused_by_file_and_key(home: Path, variable: str, change: dict, says: str):
    variables = {**MAST["variables"], variable: {**MAST["variables"][variable], **change}}
    variables[variable] = {key: value for key, value in variables[variable].items() if value is not None}
    write_mast(home, variables=variables)
    with pytest.raises(SettingsError, match=says):
        load_station("mast")


def test_a_derived_variable_finds_its_inputs_by_what_they_measure(home: Path):
    dew = {"derived": "Tdew", "unit": "K", "range": [200, 310]}
    write_mast(home, variables={**MAST["variables"], "dew": dew})
    station = load_station("mast")
    how = station.derivations["dew"]
    assert how.inputs == ("air_2m", "humid")
    found = how.of({"air_2m": np.array([20.0]), "humid": np.array([50.0])})
    assert found == pytest.approx([9.26 + 273.15], abs=0.02), "20 degC and 50 %: a dew point of 9.3 degC, in the unit it asks for"


def test_the_best_recipes_train_on_it_and_on_temperature_alone(records: Records, home: Path, tmp_path: Path):
    best = ["naive", "ridge", "lightgbm", "mlp", "conv_gru", "tcn", "tide", "transformer"]
    rows = simulated(60)
    for name, kept in (("mast", list(MAST["variables"])), ("bare", ["air_2m"])):
        variables = {each: MAST["variables"][each] for each in kept}
        path = home / "include" / "stations" / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**MAST, "station": name, "variables": variables}, sort_keys=False))
        (tmp_path / f"{name}.csv").write_bytes(mast_csv(rows))
        ingest(records, f"i-{name}", station=name, as_of=AS_OF, files=[tmp_path / f"{name}.csv"])
        retrain(records, name, station=name, as_of=AS_OF, architectures=best)
        board = rank(records, name)
        assert {entrant.architecture: entrant.status for entrant in board.entrants} == dict.fromkeys(best, "ok")


def test_a_recipe_sees_the_same_weather_by_other_names(records: Records, home: Path, tmp_path: Path):
    """Ridge on the mast and on the same rows in Jena's way, with their measured dew point left out: the same errors."""
    rows = simulated(60)
    write_mast(home)
    names = {"air_2m": ("T", "degC"), "baro": ("p", "hPa"), "humid": ("rh", "%"), "cup": ("wv", "m/s")}
    ranges = {name: MAST["variables"][old]["range"] for old, (name, _) in names.items()}
    classic = {name: {"column": name, "unit": unit, "range": ranges[name]} for name, unit in names.values()}
    content = {**MAST, "station": "classic", "target": "T", "variables": classic, "form": "csv"}
    content["timestamp"] = {"column": "time", "format": "%Y-%m-%d %H:%M:%S", "utc_offset_hours": 1}
    (home / "include" / "stations" / "classic.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    (tmp_path / "mast.csv").write_bytes(mast_csv(rows))
    (tmp_path / "classic.csv").write_text(rows[["time", "T", "p", "rh", "wv"]].to_csv(index=False))
    errors = []
    for name in ("mast", "classic"):
        ingest(records, f"i-{name}", station=name, as_of=AS_OF, files=[tmp_path / f"{name}.csv"])
        retrain(records, name, station=name, as_of=AS_OF, architectures=["naive", "ridge"])
        errors.append(rank(records, name).entrant("ridge").val_mae)
    assert errors[0] == pytest.approx(errors[1], abs=2e-3), "rounding of the files aside"
