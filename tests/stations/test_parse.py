"""Station files as they are, and every way in which they go wrong."""

import gzip
import io
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests_support import CSV_HEADER, csv_file, row
from tsflow.errors import SourceFormatError
from tsflow.records.ingest import Gap
from tsflow.stations.formulas import all_formulas
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station

NOW = datetime(2026, 11, 1)


def real(data: Path, *names: str) -> list[RawFile]:
    return [RawFile(name, (data / name).read_bytes()) for name in names]


def test_the_year_2020_reports_its_known_quirks(data: Path, jena: Station):
    frame, report = parse(real(data, "mpi_roof_2020a.zip", "mpi_roof_2020b.zip"), jena, now=NOW)
    assert report.rows_read == 26_200 + 26_496
    assert report.rows_kept == len(frame) == 52_695
    assert report.identical_duplicates == 1
    assert report.conflicting_duplicates == 0
    assert report.sentinels == {"wv": 1, "max. PAR (µmol/m²/s)": 30, "CO2 (ppm)": 50}
    assert report.gaps == [Gap(after=datetime(2020, 5, 29, 9, 30), before=datetime(2020, 5, 29, 11, 10), missing_rows=9)]
    assert np.isnan(frame.set_index("time").loc["2020-02-20 07:40", "wv"])
    assert frame["time"].iloc[-1] == pd.Timestamp("2021-01-01 00:00")  # a year's last row


def test_the_near_real_time_file_has_another_header_and_no_gap(data: Path, jena: Station):
    frame, report = parse(real(data, "mpi_roof.zip"), jena, now=NOW)
    assert len(frame) == 19_132
    assert report.gaps == []
    assert report.sentinels == {"max. PAR (µmol/m²/s)": 18}


def test_every_formula_holds_on_real_rows(data: Path, jena: Station):
    frame, _ = parse(real(data, "mpi_roof_2020a.zip"), jena, now=NOW)
    for formula in all_formulas():
        computed = formula.compute(*(frame[name].to_numpy() for name in formula.inputs))
        assert np.nanmean(np.abs(computed - frame[formula.name]) <= formula.tolerance) > 0.999, formula.name


def test_the_hourly_file_is_read_from_a_station_file_alone_and_derives_what_it_lacks(data: Path, hourly_station: Station):
    frame, report = parse(real(data, "jena_hourly_2009_2014.csv.gz"), hourly_station, now=NOW)
    assert len(frame) == 52_528
    assert list(frame.columns) == ["time", "p", "T", "Tdew", "rh", "VPmax", "wv", "VPact", "VPdef", "Tpot", "sh", "H2OC", "rho"]
    assert frame["sh"].between(0, 20).all()
    assert [gap.missing_rows for gap in report.gaps] == [16]


def test_a_zip_a_gz_and_the_file_itself_give_the_same_rows(small: Station):
    plain = csv_file(row(0), row(1), row(2))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("inside.csv", plain)
    frames = [
        parse([RawFile(name, body)], small, now=NOW)[0]
        for name, body in (("a.csv", plain), ("a.csv.gz", gzip.compress(plain)), ("a.zip", archive.getvalue()))
    ]
    pd.testing.assert_frame_equal(frames[0], frames[1])
    pd.testing.assert_frame_equal(frames[0], frames[2])


def test_repeats_are_dropped_and_conflicts_reported_with_the_first_kept(small: Station):
    body = csv_file(row(0), row(1, "5.0"), row(1, "5.0"), row(2), row(1, "9.0"), row(3))
    frame, report = parse([RawFile("a.csv", body)], small, now=NOW)
    assert (report.identical_duplicates, report.conflicting_duplicates) == (1, 1)
    assert report.conflicting_times == [datetime(2021, 1, 1, 1)]
    assert frame["T"].iloc[1] == 5.0
    assert len(frame) == 4


def test_files_that_overlap_are_merged(small: Station):
    first, second = csv_file(row(0), row(1), row(2)), csv_file(row(1), row(2), row(3))
    frame, report = parse([RawFile("b.csv", second), RawFile("a.csv", first)], small, now=NOW)
    assert len(frame) == 4
    assert report.identical_duplicates == 2


def test_marks_start_moves_a_row_to_the_end_of_its_period(small: Station):
    starts = small.changed(timestamp=small.timestamp.changed(marks="start"))
    frame, _ = parse([RawFile("a.csv", csv_file(row(0), row(1), row(2)))], starts, now=NOW)
    assert frame["time"].iloc[0] == pd.Timestamp("2021-01-01 01:00")


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("a.csv", b"", "a.csv: the file is empty"),
        ("a.csv", b" \n", "a.csv: the file is empty"),
        ("a.csv", CSV_HEADER, "no usable row: the file holds only its header"),
        ("a.csv", csv_file(row(0, "-9999", "-9999"), row(1, "-9999", "-9999")), "no usable row: every value is missing"),
        ("a.csv", csv_file(row(0), row(1))[:-9], "cut off in its last row"),
        ("a.zip", b"PK\x03\x04 and so on", "not a readable zip file"),
        ("a.csv.gz", gzip.compress(csv_file(row(0)))[:-6], "not a readable gz file, or cut off"),
        ("a.csv", csv_file(row(0)).decode().encode("utf-16"), "not encoded as utf-8"),
        ("a.csv", "time,T,°C\n".encode("cp1252") + b"2021-01-01 00:00,1,1\n", "not encoded as utf-8"),
        ("a.csv", b"time,T\n2021-01-01 00:00,1\n", "column missing: 'wv'; found: time, T"),
        ("a.csv", csv_file(row(0), row(1, "warm")), "row 3, column 'T': 'warm' is not a number (1 such cells)"),
        ("a.csv", csv_file(row(0), "01.01.2021 01:00,1,2"), "row 3: time '01.01.2021 01:00' is not of the form"),
        ("a.csv", csv_file(row(0), row(2), row(1)), "times out of order: row 4 (2021-01-01 01:00:00)"),
        ("a.csv", csv_file("2031-01-01 00:00,1,2"), "is in the future"),
        (
            "a.csv",
            csv_file("2021-01-01 00:00,1,2", "2021-01-01 00:10,1,2", "2021-01-01 00:20,1,2"),
            "rows come every 0 days 00:10:00",
        ),
    ],
)
def test_bad_input_says_what_was_found_and_what_to_do(small: Station, name: str, body: bytes, says: str):
    with pytest.raises(SourceFormatError) as caught:
        parse([RawFile(name, body)], small, now=NOW)
    assert says in str(caught.value)
