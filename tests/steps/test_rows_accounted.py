"""Rows read are rows stored and rows reported, on the whole way from a file into the store."""

from pathlib import Path

import pandas as pd

from conftest import write_station
from tests_support import csv_file, row
from tsflow.observations.store import ObservationStore
from tsflow.records.ingest import Batch
from tsflow.records.store import Records
from tsflow.stations.station import Station
from workflow import ingest


def test_each_row_of_a_file_is_stored_or_told(records: Records, home: Path, small: Station, tmp_path: Path):
    """48 hours, one repeated, one with two values, the last one unfinished, and an as-of before their end."""
    write_station(home / "include" / "stations" / "small.yaml", small)
    lines = [*map(row, range(10)), row(9), row(9, "7.7"), *map(row, range(10, 48))]
    (tmp_path / "a.csv").write_bytes(csv_file(*lines)[:-1])
    done = ingest(records, station="small", as_of="2021-01-02T12:00", history_days=None, files=[tmp_path / "a.csv"])
    batch = records.read(Batch, ingest="i1")
    assert batch.report is not None
    report = batch.report
    assert report.rows_read + report.unfinished_rows == len(lines)
    assert (report.identical_duplicates, report.conflicting_duplicates, report.unfinished_rows) == (1, 1, 1)
    assert report.rows_read == report.rows_kept + report.identical_duplicates + report.conflicting_duplicates
    assert report.rows_kept == batch.rows + batch.later_rows
    assert batch.later_rows == 10
    assert batch.rows == done.new_rows == len(ObservationStore(records, "small").read())


def test_rows_that_are_stored_again_are_told_as_new_changed_or_neither(
    records: Records, home: Path, small: Station, tmp_path: Path
):
    write_station(home / "include" / "stations" / "small.yaml", small)
    path = tmp_path / "a.csv"
    path.write_bytes(csv_file(*map(row, range(24))))
    ingest(records, "i1", station="small", as_of="2021-02-01", history_days=None, files=[path])
    path.write_bytes(csv_file(*map(row, range(12)), row(12, "9.5"), *map(row, range(13, 30))))
    done = ingest(records, "i2", station="small", as_of="2021-02-01", history_days=None, files=[path])
    assert (done.rows, done.new_rows, done.changed_rows) == (30, 6, 1)
    stored = ObservationStore(records, "small").read().set_index("time")
    assert (len(stored), stored.loc[pd.Timestamp("2021-01-01 12:00"), "T"]) == (30, 9.5)
