"""What is due of several stations: one whose file is broken is due as well, so that its own task says why, and no other waits."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tsflow import steps
from tsflow.errors import SettingsError, UnknownName
from tsflow.records.store import Records
from tsflow.requests import ForecastRequest, watched
from tsflow.settings import settings
from workflow import ingest

AT = datetime(2026, 10, 1, 5, tzinfo=UTC)


@pytest.fixture
def stations(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of station files, of which `mast` is one more by the simulator, and the first of the schedule."""
    folder = home / "include" / "stations"
    content = yaml.safe_load((folder / "demo.yaml").read_text())
    tasks = {"near": {"horizon_hours": 12}, "far": {}}
    (folder / "mast.yaml").write_text(yaml.safe_dump(content | {"station": "mast", "tasks": tasks}, sort_keys=False))
    monkeypatch.setenv("TSFLOW_SCHEDULE__STATIONS", json.dumps(["mast", "demo"]))
    settings.cache_clear()
    return folder


def break_mast(stations: Path, how: str) -> None:
    if how == "gone":
        (stations / "mast.yaml").unlink()
    else:
        (stations / "mast.yaml").write_text({"no YAML": "station: [", "wrong": "station: mast\n"}[how])


BROKEN = pytest.mark.parametrize("how", ["no YAML", "wrong", "gone"])


@BROKEN
def test_a_station_that_cannot_be_read_is_ingested_with_the_others(stations: Path, how: str):
    assert steps.due_ingest(settings(), scheduled=True, now=AT) == ["mast", "demo"]
    break_mast(stations, how)
    assert steps.due_ingest(settings(), scheduled=True, now=AT) == ["mast", "demo"]


@BROKEN
def test_a_station_that_cannot_be_read_is_retrained_with_the_others(stations: Path, records: Records, how: str):
    for name in ("mast", "demo"):
        ingest(records, name, station=name, history_days=10)
    assert steps.due_retraining(records, settings()) == [("mast", "near"), ("mast", "far"), ("demo", "main")]
    break_mast(stations, how)
    assert steps.due_retraining(records, settings()) == [("mast", "main"), ("demo", "main")]


@BROKEN
def test_a_station_that_cannot_be_read_is_watched_with_the_others(stations: Path, how: str):
    assert watched(ForecastRequest(), settings()) == [("mast", "near"), ("mast", "far"), ("demo", "main")]
    break_mast(stations, how)
    assert watched(ForecastRequest(), settings()) == [("mast", "main"), ("demo", "main")]


def test_a_task_may_be_asked_for_without_a_station(stations: Path):
    assert watched(ForecastRequest(task="far"), settings()) == [("mast", "far")]
    with pytest.raises(UnknownName, match="unknown task of the schedule's stations 'wind'; valid: far, main, near"):
        watched(ForecastRequest(task="wind"), settings())


def test_who_asks_for_one_station_is_told_at_once_that_it_cannot_be_read(stations: Path):
    break_mast(stations, "wrong")
    with pytest.raises(SettingsError, match="title: missing"):
        watched(ForecastRequest(station="mast"), settings())
