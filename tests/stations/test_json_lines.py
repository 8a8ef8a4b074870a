"""One JSON object a line: keys are columns, null or no key is no value, and what is wrong names its line."""

import gzip
import json
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsflow.errors import SourceFormatError
from tsflow.observations.plausible import judged
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station

NOW = datetime(2026, 11, 1)


def lines_of(*rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def read(station: Station, body: bytes, name: str = "a.jsonl", **form: Any) -> tuple[pd.DataFrame, Any]:
    return parse([RawFile(name, body)], station.changed(form={"kind": "json_lines", **form}), now=NOW)


def hour(number: int, temperature: Any = 5.5, wind: Any = 1, **more: Any) -> dict[str, Any]:
    return {"time": f"2021-01-01 {number:02d}:00", "T": temperature, "wv": wind, **more}


def test_objects_are_rows_and_null_or_no_key_is_no_value(small: Station):
    without = hour(2)
    del without["wv"]
    frame, report = read(small, lines_of(hour(0), hour(1, None, 2), without, hour(3, -9999, "")))
    np.testing.assert_array_equal(frame["T"], [5.5, np.nan, 5.5, np.nan])
    np.testing.assert_array_equal(frame["wv"], [1, 2, np.nan, np.nan])
    assert report.empty_cells == {"T": 1, "wv": 2}
    assert report.sentinels == {"T": 1}


def test_keys_inside_objects_are_joined_by_dots(small: Station):
    variables = {name: each.changed(column=f"air.{name}.mean") for name, each in small.variables.items()}
    station = small.changed(variables=variables, timestamp=small.timestamp.changed(column="at.utc", format="epoch"))
    rows = [
        {"at": {"utc": 1609459200 + 3600 * n}, "air": {"T": {"mean": n, "n": 600}, "wv": {"mean": 1}}, "ok": [1]} for n in range(3)
    ]
    frame, report = read(station, lines_of(*rows))
    assert frame["T"].tolist() == [0, 1, 2]
    assert frame["time"].tolist() == list(pd.date_range("2021-01-01", periods=3, freq="h"))
    assert report.ignored_columns == ["air.T.n", "ok"]


def test_a_packed_file_with_empty_lines_and_carriage_returns_is_read(small: Station):
    body = lines_of(hour(0), hour(1), hour(2)).replace(b"\n", b"\r\n\r\n")
    assert len(read(small, gzip.compress(body), "a.jsonl.gz")[0]) == 3


def test_words_for_no_value_and_numbers_as_text_are_read(small: Station):
    frame, _ = read(small, lines_of(hour(0, "6.5"), hour(1, "n/a"), hour(2)), missing_texts=["n/a"])
    np.testing.assert_array_equal(frame["T"], [6.5, np.nan, 5.5])


def test_an_object_that_is_still_being_written_is_left_out_and_a_whole_one_without_an_end_of_line_is_not(small: Station):
    body = lines_of(hour(0), hour(1), hour(2))
    frame, report = read(small, body[:-4])
    assert (len(frame), report.unfinished_rows) == (2, 1)
    frame, report = read(small, body[:-1])
    assert (len(frame), report.unfinished_rows) == (3, 0)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lines_of(hour(0)) + b"{'T': 5}\n" + lines_of(hour(1)), "a.jsonl: row 2: no JSON ("),
        (lines_of(hour(0)) + b'{"time": "2021", "T": NaN}\n' + lines_of(hour(1)), "a.jsonl: row 2: no JSON ("),
        (lines_of(hour(0), [1, 2], hour(1)), "row 2: expected a JSON object with a key for each column, found '[1, 2]'"),
        (b"[" * 100_000 + b"\n" + lines_of(hour(0)), "row 1: "),
        (b'{"a":' * 100_000 + b"\n" + lines_of(hour(0)), "row 1: no JSON ("),
        (lines_of(hour(0), hour(1, "warm")), "row 2, column 'T': 'warm' is not a number (1 such cells)"),
        (lines_of(hour(0), hour(1, True)), "row 2, column 'T': 'true' is not a number"),
        (lines_of(hour(0, True), hour(1, False)), "row 1, column 'T': 'true' is not a number"),
        (lines_of(hour(0), hour(1, [5])), "row 2, column 'T': '[5]' is not a number"),
        (lines_of({"time": "2021-01-01 00:00", "T": 5}), "column missing: 'wv'; found: time, T"),
        (lines_of(hour(0), {"T": 5, "wv": 1}), "row 2: no time in column 'time' (1 of 2 rows)"),
        (lines_of(hour(0), hour(1) | {"time": 5}), "row 2: time '5' is not of the form"),
        (b"{}\n{}\n", "column missing: 'time', 'T', 'wv'"),
        (b"", "the file is empty"),
        (b"\n", "the file is empty"),
    ],
)
def test_a_fault_names_file_line_and_column(small: Station, body: bytes, says: str):
    with pytest.raises(SourceFormatError) as caught:
        read(small, body)
    assert str(caught.value).startswith("a.jsonl: ")
    assert says in str(caught.value)


def test_a_file_is_known_to_be_the_stations_or_not_by_its_first_lines(small: Station):
    form = small.changed(form="json_lines").form
    form.require(RawFile("a.jsonl", lines_of(hour(0), hour(1))[:-3]), small)
    with pytest.raises(SourceFormatError, match="column missing: 'T'"):
        form.require(RawFile("a.jsonl", lines_of({"time": "x", "wv": 1})), small)
    with pytest.raises(SourceFormatError, match="row 1: no JSON"):
        form.require(RawFile("a.jsonl", b"time,T,wv\n2021-01-01 00:00,1,2\n"), small)


def test_a_sign_inside_a_text_that_ends_a_line_elsewhere_ends_none(small: Station):
    body = "".join(json.dumps(hour(number, note="above\u2028below"), ensure_ascii=False) + "\n" for number in range(3)).encode()
    station = small.changed(form={"kind": "json_lines"})
    station.form.require(RawFile("a.jsonl", body), station)
    assert len(read(small, body)[0]) == 3


def test_a_whole_number_beyond_all_floats_is_a_value_out_of_range(small: Station):
    frame, _ = read(small, lines_of(hour(0), hour(1, 10**400), hour(2, -(10**400)), hour(3, 2**70)))
    assert frame["T"].tolist() == [5.5, np.inf, -np.inf, 2.0**70]
    assert judged(frame, small)["T"]["out of range"].tolist() == [False, True, True, True]
