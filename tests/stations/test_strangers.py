"""Bytes and files from strangers: whatever they are, a named error says what is wrong, and no row changes in silence."""

import bz2
import gzip
import io
import lzma
import os
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import write_station
from tests_support import CSV_HEADER, csv_file, row
from tsflow.errors import DataError, SettingsError, SourceFormatError, TsflowError
from tsflow.records.store import Records
from tsflow.settings import load_settings
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.sources.files import read_paths
from tsflow.stations.station import Station, load_station
from workflow import ingest

NOW = datetime(2026, 11, 1)
GOOD = csv_file(*map(row, range(6)))


def zipped(*members: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return target.getvalue()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            CSV_HEADER + b"".join(f"2021-01-01 {hour:02d}:00,0,5,2,0\n".encode() for hour in range(4)),
            "row 2 has 5 cells, the header 3",
        ),
        (csv_file(row(0), row(1), row(2) + ",7"), "row 4 has 4 cells, the header 3"),
        (b'time,T,wv,note\n2021-01-01 00:00,1,1,"a\n2021-01-01 01:00,2,1,b"\n', "row 2: a quotation mark is opened and not closed"),
        (b"time,T,T,wv\n2021-01-01 00:00,1,2,3\n", "two columns are called 'T'"),
        (b"time,T, T,wv\n2021-01-01 00:00,1,2,3\n", "two columns are called 'T'"),
        (csv_file(row(0, "True"), row(1, "False")), "'True' is not a number"),
        (csv_file("1066-10-14 09:00,5,1", row(1)), "time 1066-10-14 09:00:00 lies before 1750"),
    ],
)
def test_what_would_be_read_as_something_else_is_refused(small: Station, body: bytes, says: str):
    with pytest.raises(SourceFormatError, match=says):
        parse([RawFile("a.csv", body)], small, now=NOW)


def test_a_row_that_is_still_being_written_is_left_out_and_counted(small: Station):
    frame, report = parse([RawFile("a.csv", GOOD[:-2])], small, now=NOW)
    assert len(frame) == 5
    assert report.unfinished_rows == 1
    whole, report = parse([RawFile("a.csv.gz", gzip.compress(GOOD[:-1]))], small, now=NOW)
    assert len(whole) == 6, "a packed file is whole if it can be unpacked"
    assert report.unfinished_rows == 0


def test_a_byte_order_mark_before_utf_8_is_no_fault_and_blanks_are_empty_cells(small: Station):
    frame, _ = parse([RawFile("a.csv", b"\xef\xbb\xbf" + GOOD)], small, now=NOW)
    pd.testing.assert_frame_equal(frame, parse([RawFile("a.csv", GOOD)], small, now=NOW)[0])
    blank, report = parse([RawFile("a.csv", csv_file(row(0, "  "), row(1)))], small, now=NOW)
    assert np.isnan(blank["T"].iloc[0])
    assert report.empty_cells == {"T": 1}


def test_an_unused_column_may_stand_twice(small: Station):
    body = b"time,T,x, x,wv,x\n2021-01-01 00:00,1,2,3,4,5\n2021-01-01 01:00,1,2,3,4,5\n"
    frame, report = parse([RawFile("a.csv", body)], small, now=NOW)
    assert frame["wv"].tolist() == [4.0, 4.0]
    assert "x" in report.ignored_columns


@pytest.mark.parametrize("name", ["A.ZIP", "a.zip"])
def test_a_zip_of_a_mac_or_in_capitals_is_read(small: Station, name: str):
    body = zipped(("x.csv", GOOD), ("__MACOSX/._x.csv", b"\0\5\26\7"))
    assert len(parse([RawFile(name, body)], small, now=NOW)[0]) == 6
    assert len(parse([RawFile("A.CSV.GZ", gzip.compress(GOOD))], small, now=NOW)[0]) == 6


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED])
def test_a_damaged_zip_is_a_named_error_or_the_same_rows(small: Station, compression: int):
    body, random = zipped(("x.csv", GOOD), compression=compression), np.random.default_rng(0)
    for _ in range(150):
        cut, length = int(random.integers(len(body))), int(random.integers(1, 40))
        damaged = [body[:cut] + body[cut + length :], body[cut:], body[:cut] + random.bytes(length) + body[cut + length :]]
        for version in damaged:
            try:
                frame, _ = parse([RawFile("a.zip", version)], small, now=NOW)
            except DataError:
                continue
            assert len(frame) == 6


@pytest.mark.parametrize("name", ["a.zip", "a.csv.gz"])
def test_a_file_that_unpacks_to_far_too_much_is_refused_before_it_is(small: Station, name: str):
    zeros = CSV_HEADER + b"0" * 200_000_000
    body = zipped(("x.csv", zeros)) if name == "a.zip" else gzip.compress(zeros, 1)
    with pytest.raises(SourceFormatError, match="unpacks to more than"):
        parse([RawFile(name, body)], small, now=NOW)


def test_random_bytes_in_any_packing_end_in_a_named_error(small: Station):
    random = np.random.default_rng(1)
    for number in range(60):
        noise = random.bytes(int(random.integers(1, 400)))
        for name, body in {
            "a.csv": noise,
            "b.csv": GOOD[: int(random.integers(10, len(GOOD)))] + b"\xff" + noise,
            "c.zip": zipped(("x.csv", noise)),
            "d.gz": gzip.compress(noise),
            "e.csv": lzma.compress(noise) if number % 2 else bz2.compress(noise),
        }.items():
            with pytest.raises(DataError, match=name):
                parse([RawFile(name, body)], small, now=NOW)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"timestamp": {"column": "time", "format": "%Y-%m-%d %H:%M %z"}}, "timestamp.format: names a time zone"),
        (
            {"timestamp": {"column": "time", "format": "%Y-%m-%d %Q"}},
            "timestamp.format: '%Y-%m-%d %Q' is no form of a date and time",
        ),
        ({"timestamp": {"column": "time", "format": "%H:%M"}}, "timestamp.format: '%H:%M' does not give year, month, day and hour"),
        ({"encoding": "klingon"}, "encoding: unknown encoding: klingon"),
        ({"cadence": "9" * 30 + "min"}, "cadence"),
        ({"variables": {"segment": {"column": "T", "unit": "degC", "range": [-9, 9]}}, "target": "segment"}, "variables.segment"),
        ({"variables": {"<b>": {"column": "T", "unit": "degC", "range": [-9, 9]}}, "target": "<b>"}, "variables.<b>"),
        (
            {"variables": {name: {"column": "T", "unit": "degC", "range": [-9, 9]} for name in ("T", "T2")}},
            "variables.T2: column 'T' is also that of T",
        ),
        ({"variables": {"T": {"column": "T", "unit": "degC", "range": [float("nan"), 9]}}}, "variables.T.range"),
        ({"sources": {"a": {"kind": "archive", "urls": ["http://x/{month}.zip"]}}}, "{month}"),
        ({"sources": {"a": {"kind": "json_http", "url": "http://x/{from}", "since": "2020-01-01"}}}, "{from}"),
    ],
)
def test_a_station_file_that_cannot_work_says_so_when_it_is_read(tmp_path: Path, small: Station, change: dict[str, Any], says: str):
    path = write_station(tmp_path / "small.yaml", small)
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | change, allow_unicode=True))
    with pytest.raises(SettingsError) as caught:
        load_station(str(path))
    assert says in str(caught.value)


def test_a_station_file_that_is_none_is_named(tmp_path: Path):
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "deep.yaml").write_text("[" * 3000)
    for name in ("folder", "deep"):
        with pytest.raises(SettingsError, match=f"{name}.yaml"):
            load_station(str(tmp_path / f"{name}.yaml"))


def test_a_pattern_takes_files_alone(tmp_path: Path):
    (tmp_path / "a.csv").mkdir()
    os.mkfifo(tmp_path / "b.csv")
    with pytest.raises(TsflowError, match="no file"):
        read_paths(["*.csv"], base=tmp_path)
    (tmp_path / "c.csv").write_bytes(GOOD)
    assert [file.name for file in read_paths(["*.csv"], base=tmp_path)] == ["c.csv"]


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"object_store.endpoint_url": "127.0.0.1:8333"}, "object_store.endpoint_url: give an address that begins with http"),
        ({"object_store.bucket": "Not A Bucket"}, "object_store.bucket"),
    ],
)
def test_a_store_that_cannot_be_addressed_is_a_wrong_setting(keys: dict[str, str], says: str):
    with pytest.raises(SettingsError) as caught:
        load_settings(keys)
    assert says in str(caught.value)


def test_whatever_parsing_stumbles_on_goes_to_quarantine(
    records: Records, home: Path, small: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_station(home / "include" / "stations" / "small.yaml", small)
    (tmp_path / "a.csv").write_bytes(GOOD)

    def stumble(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("tsflow.stations.parse._cadence_fits", stumble)
    with pytest.raises(SourceFormatError, match=r"ZeroDivisionError: division by zero.*\n.*quarantine"):
        ingest(records, station="small", as_of="2021-02-01", history_days=None, files=[tmp_path / "a.csv"])
    assert any(key.endswith("a.csv") for key in records.objects.keys("quarantine/i1/"))
