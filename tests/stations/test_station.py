from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from conftest import station_of
from tsflow.errors import SettingsError, UnknownName
from tsflow.stations.station import Station, load_station


def test_an_unknown_station_lists_the_known_ones():
    with pytest.raises(UnknownName, match="unknown station 'atlantis'; valid: demo, jena, jena_hourly"):
        load_station("atlantis")


def test_an_unknown_source_lists_the_known_ones(jena: Station):
    with pytest.raises(UnknownName, match="unknown source of station jena 'ftp'; valid: archive, classic, files, live"):
        jena.source("ftp")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colour": "blue"}, "colour: unknown key"),
        ({"cadence": "7min"}, "cadence: must divide an hour or be one"),
        ({"target": "x"}, "target 'x' is not among variables"),
        ({"missing": "none"}, "missing: Input should be a valid list"),
        ({"location": {"latitude": 99, "longitude": 0, "altitude_m": 0}}, "location.latitude"),
        ({"sources": {"a": {"kind": "pigeon"}}}, "sources.a.kind: unknown source kind 'pigeon'; valid: archive, files, "),
        ({"sources": {"a": {"urls": ["x"]}}}, "sources.a.kind: every source is a block with a `kind`; valid: archive, files"),
        ({"sources": {"a": {"kind": ["files"]}}}, "sources.a.kind: every source is a block with a `kind`"),
        ({"sources": {"a": "files"}}, "sources.a.kind: every source is a block with a `kind`"),
        ({"sources": {"a": {"kind": "archive"}}}, "sources.a.urls: missing; give it a value"),
        ({"sources": {"a": {"kind": "archive", "urls": []}}}, "sources.a.urls: List should have at least 1 item"),
        ({"sources": {"a": {"kind": "files", "paths": ["x"], "seed": 1}}}, "sources.a.seed: unknown key"),
        ({"variables": {"T": {"unit": "degC", "range": [0, 1]}}}, "give exactly one of column and derived"),
        ({"variables": {"T": {"column": "T", "unit": "degC", "range": [2, 1]}}}, "is not below the upper bound"),
        (
            {
                "variables": {
                    "T": {"column": "T", "unit": "degC", "range": [0, 1]},
                    "sh": {"derived": "sh", "unit": "g/kg", "range": [0, 9]},
                }
            },
            "variables.sh is derived from VPact, p, which no earlier variable gives",
        ),
    ],
)
def test_a_wrong_station_file_names_file_and_key(home: Path, change: dict, says: str):
    path = home / "include" / "stations" / "jena.yaml"
    content = yaml.safe_load(path.read_text()) | change
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(SettingsError) as caught:
        load_station("jena")
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


def test_a_station_file_may_be_given_by_path_and_must_be_yaml(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("station: [")
    with pytest.raises(SettingsError, match=r"mine\.yaml: not readable as YAML"):
        load_station(str(path))
    with pytest.raises(SettingsError, match="no such file"):
        load_station(str(tmp_path / "other.yaml"))


def test_the_altitude_may_be_left_out_and_is_kept_where_it_is_given(small: Station):
    place = {"latitude": 50.0, "longitude": 11.0}
    assert small.changed(location=place).location.altitude_m is None
    # The hash of a dataset holds this content, so it has to stay what it was.
    assert small.changed(location=place | {"altitude_m": 200}).location.model_dump(mode="json") == place | {"altitude_m": 200.0}


@pytest.mark.parametrize("name", ["filled", "hour_of_day", "day_of_year", "target", "segment"])
def test_a_variable_cannot_have_a_name_that_tsflow_uses_itself(name: str):
    with pytest.raises(ValidationError, match=f"variables.{name}: tsflow gives that name a meaning of its own"):
        station_of({"T": "degC", name: "m"})


def test_a_direction_is_no_target():
    with pytest.raises(ValidationError, match="target 'wd' is a direction: 1 lies beside 359"):
        station_of({"wd": "deg", "T": "degC"})


def test_a_direction_in_radians_is_refused_with_what_to_write():
    with pytest.raises(
        ValidationError, match="a direction is stored in deg; write `unit: deg`, and for files in rad `column_unit`"
    ):
        station_of({"T": "degC", "wd": "rad"})
