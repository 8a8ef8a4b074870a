"""Ingests through the real steps: the same file again, one that grew, a corrected row, and eight at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import write_station
from tests_support import csv_file, row
from tsflow.observations.store import ObservationStore
from tsflow.records.ingest import Ingested
from tsflow.records.store import Records
from tsflow.stations.station import Station
from workflow import ingest


@pytest.fixture
def station(home: Path, small: Station) -> Station:
    write_station(home / "include/stations/small.yaml", small)
    return small


def ingested(records: Records, name: str, folder: Path, *rows: str) -> Ingested:
    path = folder / f"{name}.csv"
    path.write_bytes(csv_file(*rows))
    return ingest(records, name, station="small", as_of=None, files=[path])


def hours(first: int, last: int) -> list[str]:
    return [row(hour, f"{hour / 10}") for hour in range(first, last)]


@pytest.mark.usefixtures("station")
def test_the_same_file_again_changes_nothing_and_a_grown_one_adds_its_new_rows(records: Records, tmp_path: Path):
    assert ingested(records, "first", tmp_path, *hours(0, 48)).new_rows == 48
    before = records.objects.keys("observations/")
    assert not ingested(records, "again", tmp_path, *hours(0, 48)).changed_something
    assert records.objects.keys("observations/") == before
    grown = ingested(records, "grown", tmp_path, *hours(0, 60))
    assert (grown.new_rows, grown.changed_rows) == (12, 0)


@pytest.mark.usefixtures("station")
def test_a_corrected_row_wins_and_is_counted(records: Records, tmp_path: Path):
    ingested(records, "first", tmp_path, *hours(0, 48))
    corrected = ingested(records, "corrected", tmp_path, *hours(0, 20), row(20, "2.5"), *hours(21, 48))
    assert (corrected.new_rows, corrected.changed_rows) == (0, 1)
    assert ObservationStore(records, "small").read()["T"].tolist() == [2.5 if hour == 20 else hour / 10 for hour in range(48)]


@pytest.mark.usefixtures("station")
def test_eight_ingests_at_once_lose_nothing(records: Records, tmp_path: Path):
    def one(number: int) -> Ingested:
        return ingested(records, f"i{number}", tmp_path, *hours(24 * number, 24 * number + 48))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))
    assert ObservationStore(records, "small").read()["T"].tolist() == [hour / 10 for hour in range(9 * 24)]
