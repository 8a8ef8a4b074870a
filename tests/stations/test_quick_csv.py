"""What is read in one go is what the look at each line gives; where the one is in doubt, the other decides."""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import station_of
from tests_support import csv_file, row
from tsflow.errors import DataError
from tsflow.stations.forms import csv as form_csv
from tsflow.stations.forms.quick_csv import Layout, read_quickly
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station

NOW = datetime(2026, 11, 1)
HEADERS = ["time", "T", "wv"]


def layout(**changes: Any) -> Layout:
    plain = {"headers": HEADERS, "first_line": 2, "delimiter": ",", "decimal": ".", "comment": None, "missing_texts": ()}
    return Layout(**plain | {"times": ("time",), "numbers": ("T", "wv")} | changes)


def outcome(body: bytes, station: Station) -> tuple[pd.DataFrame | None, str]:
    """What comes of a file: rows and report, or the error."""
    try:
        frame, report = parse([RawFile("a.csv", body)], station, now=NOW)
    except DataError as error:
        return None, str(error)
    return frame, report.model_dump_json()


def carefully(body: bytes, station: Station) -> tuple[pd.DataFrame | None, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(form_csv, "read_quickly", lambda *_: None)
        return outcome(body, station)


def same(body: bytes, station: Station) -> None:
    (quick, said), (careful, expected) = outcome(body, station), carefully(body, station)
    assert said == expected
    assert (quick is None) == (careful is None)
    if quick is not None:
        pd.testing.assert_frame_equal(quick, careful)


CELLS = [
    "5",
    " 5.5",
    "-0.0",
    "1e3",
    "+1",
    "",
    " ",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "True",
    "true",
    "0x10",
    "1_0",
    "1,5",
    '"5"',
    '"5',
    "n/a",
]
CELLS += [
    "NAN",
    "null",
    "NULL",
    "-9999",
    "-9999.0",
    "1.7976931348623157e309",
    "0.1",
    "12345678901234567890",
    "５",
    "2021-01-01",
    "1.",
    ".5",
]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("column", ["T", "note"])
def test_each_cell_means_the_same_in_both(small: Station, cell: str, column: str):
    temperature, note = (cell, "1") if column == "T" else ("5", cell)
    lines = [f"2021-01-01 0{hour}:00,{temperature if hour == 1 else '5.5'},1,{note if hour == 1 else '7'}" for hour in range(4)]
    same("\n".join(["time,T,wv,note", *lines, ""]).encode(), small)


@settings(deadline=None)
@given(
    cells=st.lists(st.one_of(st.sampled_from(CELLS), st.floats(-1e6, 1e6).map(repr)), min_size=12, max_size=12),
    delimiter=st.sampled_from([",", ";"]),
    ends=st.sampled_from(["\n", "\r\n", "\r", "\n\n", ",\n", ""]),
    drop=st.sampled_from([0, 1, 2]),
)
def test_whatever_stands_in_a_file_both_ways_agree(cells: list[str], delimiter: str, ends: str, drop: int):
    station = station_of({"T": "degC", "wv": "m/s"}).changed(form={"delimiter": delimiter, "missing_texts": ["n/a"]})
    rows = [[f"2021-01-01 {hour:02d}:00", *cells[3 * hour : 3 * hour + 3]] for hour in range(4)]
    lines = [delimiter.join(one) for one in [["time", "T", "wv", "x"], *rows]]
    same(ends.join([*lines[: len(lines) - drop], ""]).encode(), station)


def test_numbers_are_the_nearest_that_a_float_can_be(small: Station):
    numbers = np.random.default_rng(0).normal(size=500) * 10.0 ** np.random.default_rng(1).integers(-3, 3, 500)
    body = csv_file(*(row(hour, repr(float(number))) for hour, number in enumerate(numbers)))
    np.testing.assert_array_equal(outcome(body, small)[0]["T"], numbers)
    np.testing.assert_array_equal(carefully(body, small)[0]["T"], numbers)


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        ("2021,1,2\n2021,1,2", {}),
        ("2021,1,2\n", {}),
        ('"2021",1,"2"\n2021,,2\n\n\n', {}),
        ("2021;1,5;2\n", {"delimiter": ";", "decimal": ","}),
        ("2021,1,2,\n2022,1,2,\n", {}),
        ("2021,NAN,2\n", {"missing_texts": ("NAN",)}),
    ],
)
def test_lines_as_they_should_be_are_read_in_one_go(body: str, changes: dict[str, Any]):
    cells = read_quickly(body.encode(), layout(**changes))
    assert cells is not None
    assert list(cells.columns) == HEADERS
    assert cells.index[0] == 2


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        ("", {}),
        ("\n2021,1,2", {}),
        ("2021,1,2\n\n2021,1,2", {}),
        ("2021,1,2\n  \n2021,1,2", {}),
        ("# noon\n2021,1,2", {"comment": "#"}),
        ("2021,1,2\n# noon\n2021,1,2", {"comment": "#"}),
        ("2021,1\n", {}),
        ("2021,1,2,3\n", {}),
        ("2021,1,2,\n2022,1,2,3\n", {}),
        ('2021,1,"2\n2022,1,2"\n', {}),
        ("2021,nan,2\n", {}),
        ("2021,inf,2\n", {}),
        ("2021,warm,2\n", {}),
        ("2021,True,2\n", {}),
    ],
)
def test_what_is_in_doubt_is_given_back(body: str, changes: dict[str, Any]):
    assert read_quickly(body.encode(), layout(**changes)) is None
