"""The registry of source kinds, and a kind of somebody's own that is used through a station file."""

import importlib
import subprocess
import sys
import textwrap
from datetime import datetime
from pathlib import Path
from typing import Annotated

import pytest
import yaml
from pydantic import Field, ValidationError

from tests_support import csv_file, row
from tsflow.errors import SettingsError
from tsflow.stations import sources
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.sources import Source, kinds, register, registry
from tsflow.stations.sources.files import FilesSource
from tsflow.stations.sources.simulator import SimulatorSource
from tsflow.stations.station import Station, load_station

NOW = datetime(2026, 11, 1)


class PigeonSource(Source):
    """A loft to which pigeons carry one reading after the other."""

    loft: str
    pigeons: Annotated[int, Field(ge=1)] = 3

    def fetch(self, station: Station, *, start: datetime | None, end: datetime) -> list[RawFile]:
        """Return what the pigeons brought."""
        return [RawFile(f"{self.loft}.csv", csv_file(*map(row, range(self.pigeons))))]


@pytest.fixture
def pigeons(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of the test's own that knows one kind more."""
    monkeypatch.setattr(registry._kinds, "_classes", dict(kinds()))
    register("pigeon")(PigeonSource)


def station_file(folder: Path, station: Station, source: dict) -> str:
    """Write a station with one source; return the file's path."""
    content = station.model_dump(mode="json", exclude_unset=True) | {"cadence": "60min", "sources": {"post": source}}
    path = folder / "loft.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return str(path)


@pytest.mark.usefixtures("pigeons")
def test_a_new_kind_is_used_through_a_station_file(small: Station, tmp_path: Path):
    station = load_station(station_file(tmp_path, small, {"kind": "pigeon", "loft": "roof", "pigeons": 4}))
    source = station.source("post")
    assert source == PigeonSource(kind="pigeon", loft="roof", pigeons=4)
    rows, report = parse(source.fetch(station, start=None, end=NOW), station, now=NOW)
    assert len(rows) == 4
    assert report.files == ["roof.csv"]


@pytest.mark.usefixtures("pigeons")
@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"kind": "pigeon"}, "sources.post.loft: missing; give it a value"),
        (
            {"kind": "pigeon", "loft": "roof", "pigeons": 0},
            "sources.post.pigeons: Input should be greater than or equal to 1 (found 0)",
        ),
        ({"kind": "pigeon", "loft": "roof", "owl": 1}, "sources.post.owl: unknown key"),
        ({"kind": "owl"}, "sources.post.kind: unknown source kind 'owl'; valid: archive, files, "),
    ],
)
def test_a_new_kinds_fields_are_checked_by_name(small: Station, tmp_path: Path, source: dict, says: str):
    path = station_file(tmp_path, small, source)
    with pytest.raises(SettingsError) as caught:
        load_station(path)
    assert str(caught.value).startswith(f"{path}: {says}")


@pytest.mark.usefixtures("pigeons")
def test_a_station_keeps_all_fields_of_its_sources_when_it_is_written_and_read_again(small: Station, tmp_path: Path):
    station = load_station(station_file(tmp_path, small, {"kind": "pigeon", "loft": "roof"}))
    content = station.model_dump(mode="json", exclude_unset=True)
    assert content["sources"] == {"post": {"kind": "pigeon", "loft": "roof"}}
    assert Station.model_validate(content) == station
    assert Station.model_validate_json(station.model_dump_json()) == station
    assert station.changed(title="A loft").sources == station.sources


@pytest.mark.usefixtures("pigeons")
def test_the_example_that_tells_how_to_add_a_kind_works_as_it_stands(
    small: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, _, after = sources.__doc__.partition("a whole one:\n")
    example, _, _ = after.partition("The fields of the class")
    (tmp_path / "newest_of_the_docstring.py").write_text(textwrap.dedent(example))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("newest_of_the_docstring")
    for day in range(3):
        (tmp_path / f"day{day}.csv").write_bytes(csv_file(row(24 * day)))
    station = load_station(station_file(tmp_path, small, {"kind": "newest", "folder": str(tmp_path), "count": 2}))
    files = station.source("post").fetch(station, start=None, end=NOW)
    assert [file.name for file in files] == ["day1.csv", "day2.csv"]


def test_the_registry_says_what_it_knows_and_takes_a_kind_once():
    assert {"archive", "files", "simulator"} <= set(kinds())
    with pytest.raises(SettingsError, match="two classes are registered as the source kind 'files': FilesSource and PigeonSource"):
        register("files")(PigeonSource)
    assert kinds()["files"] is FilesSource


def test_a_source_cannot_call_itself_by_another_kinds_name():
    with pytest.raises(ValidationError, match="FilesSource is not registered as the source kind 'archive'"):
        FilesSource(kind="archive", paths=["*.csv"])
    with pytest.raises(ValidationError, match="PigeonSource is not registered as the source kind 'pigeon'"):
        PigeonSource(kind="pigeon", loft="roof")


@pytest.mark.parametrize("name", kinds())
def test_each_kind_has_a_file_of_its_name_and_says_what_it_is(name: str):
    kind = kinds()[name]
    assert kind.__module__ == f"tsflow.stations.sources.{name}"
    assert kind.__doc__


def test_only_a_source_that_makes_up_its_past_begins_somewhere():
    made_up = SimulatorSource(kind="simulator", history_days=10)
    assert made_up.begins(datetime(2021, 1, 11)) == datetime(2021, 1, 1)
    assert made_up.reaching_back(3).begins(datetime(2021, 1, 4)) == datetime(2021, 1, 1)
    files = FilesSource(kind="files", paths=["*.csv"])
    assert files.begins(datetime(2021, 1, 1)) is None
    assert files.reaching_back(3) == files


def test_checking_a_station_file_loads_no_heavy_library():
    code = (
        "import sys; from tsflow.stations.station import load_station; load_station('jena'); load_station('demo'); "
        "print([name for name in ('pandas', 'requests', 'scipy', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
