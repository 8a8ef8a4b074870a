"""Several tables in one zip, what stands beside them, and zips that are no such thing."""

import io
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from conftest import write_station
from tests_support import csv_file, row
from tsflow.errors import SourceFormatError
from tsflow.records.store import Records
from tsflow.stations import unpack
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station

NOW = datetime(2026, 11, 1)
MORNING, NOON = csv_file(row(0), row(1), row(2)), csv_file(row(3), row(4, "-9999"), row(5))


def zipped(*members: tuple[str, bytes]) -> RawFile:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return RawFile("a.zip", target.getvalue())


def test_all_tables_of_a_zip_are_read_in_order_of_name(small: Station):
    frame, report = parse([zipped(("days/c.csv", NOON), ("b.csv", MORNING))], small, now=NOW)
    assert len(frame) == 6
    assert report.files == ["a.zip/b.csv", "a.zip/days/c.csv"]
    assert report.rows_read == 6
    assert report.sentinels == {"T": 1}


def test_a_fault_names_the_member_and_its_row(small: Station):
    with pytest.raises(SourceFormatError, match=r"^a.zip/c.csv: row 3, column 'T': 'warm' is not a number"):
        parse([zipped(("b.csv", MORNING), ("c.csv", csv_file(row(3), row(4, "warm"))))], small, now=NOW)


def test_what_stands_beside_tables_is_left_out_and_told(small: Station):
    _, report = parse([zipped(("b.csv", MORNING), ("readme.txt", b"a mast"), ("photo.jpg", b"\xff"))], small, now=NOW)
    assert report.files == ["a.zip"]
    assert report.left_out_members == ["a.zip/readme.txt", "a.zip/photo.jpg"]


def test_texts_are_tables_where_no_member_is_called_csv(small: Station):
    frame, report = parse([zipped(("b.txt", MORNING), ("c.TXT", NOON))], small, now=NOW)
    assert len(frame) == 6
    assert report.left_out_members == []


def test_a_member_is_whole_though_its_last_line_does_not_end(small: Station):
    frame, report = parse([zipped(("b.csv", MORNING[:-1]), ("c.csv", NOON))], small, now=NOW)
    assert (len(frame), report.unfinished_rows) == (6, 0)


@pytest.mark.parametrize("name", ["../b.csv", "/etc/b.csv", "days/../../b.csv", "..\\b.csv", "C:\\b.csv", "b\n.csv"])
def test_a_member_that_points_out_of_the_zip_is_refused(small: Station, name: str):
    with pytest.raises(SourceFormatError, match="is no plain name inside the zip; pack the files anew"):
        parse([zipped(("a.csv", MORNING), (name, NOON))], small, now=NOW)


def test_two_members_of_one_name_are_refused(small: Station):
    with pytest.warns(UserWarning, match="Duplicate name"):
        file = zipped(("b.csv", MORNING), ("b.csv", NOON))
    with pytest.raises(SourceFormatError, match=r"two members are called 'b.csv'; pack each file once"):
        parse([file], small, now=NOW)


def test_a_zip_without_a_table_says_what_it_holds(small: Station):
    with pytest.raises(SourceFormatError, match=r"expected a table in the zip, its name ending in .csv or .*; found: photo.jpg"):
        parse([zipped(("photo.jpg", b"\xff"))], small, now=NOW)


def test_members_that_are_small_each_and_too_much_together_are_refused(small: Station):
    half = MORNING + b"0" * (unpack.AT_LEAST * 2 // 3)
    with pytest.raises(SourceFormatError, match="unpacks to more than 67,108,864 bytes"):
        parse([zipped(("b.csv", half), ("c.csv", half))], small, now=NOW)


def test_more_members_than_measurements_have_files_are_refused(small: Station):
    with pytest.raises(SourceFormatError, match="holds 10,001 tables, expected at most 10,000"):
        parse([zipped(*((f"{number}.csv", b"") for number in range(10_001)))], small, now=NOW)


def test_files_of_a_year_in_one_zip_are_the_files_themselves(data: Path, jena: Station):
    halves = []
    for name in ("mpi_roof_2020a.zip", "mpi_roof_2020b.zip"):
        with zipfile.ZipFile(data / name) as archive:
            (member,) = (member for member in archive.namelist() if member.endswith(".csv"))
            halves.append((member, archive.read(member)))
    frame, report = parse([zipped(*halves)], jena, now=NOW)
    assert len(report.files) == 2
    assert (report.rows_read, len(frame), report.identical_duplicates) == (26_200 + 26_496, 52_695, 1)


def test_the_command_line_says_what_was_left_out(records: Records, home: Path, tmp_path: Path, small: Station, capsys):
    from tsflow.cli.bring_in import Given, ingest
    from tsflow.requests import IngestRequest

    write_station(home / "include" / "stations" / "small.yaml", small.changed(encoding="auto"))
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(("b.csv", MORNING), ("c.csv", csv_file(row(3))), ("readme.txt", b"")).body)
    ingest(records, IngestRequest.of({"station": "small", "as_of": "2021-02-01"}), Given(files=(str(path),)), "i1")
    said = capsys.readouterr().out
    assert "not read, beside the tables in a zip: a.zip/readme.txt" in said
    assert "encoding found: utf-8 (2 files)" in said
