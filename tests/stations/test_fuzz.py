"""Real lines, spoilt at random: a named error, or rows that stand in the file just so, each of them stored or reported.

`FUZZ_EXAMPLES=200000 pytest tests/stations/test_fuzz.py` tries for ten minutes or so.
"""

import csv
import os
from datetime import datetime
from functools import cache

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from tsflow.errors import DataError
from tsflow.records.ingest import ParseReport
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station, load_station

NOW = datetime(2026, 11, 1)
FORM = "%d.%m.%Y %H:%M:%S"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "400"))
TEXTS = [
    "",
    " ",
    "-9999",
    "-9999.0",
    "NaN",
    "nan",
    "inf",
    "1e5",
    "1,5",
    "0x1",
    "1_0",
    "n/a",
    "True",
    "-",
    "+1",
    "1.",
    ".5",
    "1e",
    '"',
    '""',
    "é",
]

HEADER = '"Date Time","p (mbar)","T (degC)","note","wv (m/s)"'
REAL = [  # of the station's file of 2020, with a repeat and a sentinel
    "20.02.2020 07:10:00,990.54,4.07,a,2.33",
    "20.02.2020 07:20:00,990.54,4.11,b,1.87",
    "20.02.2020 07:30:00,990.62,4.19,,2.10",
    "20.02.2020 07:30:00,990.62,4.19,,2.10",
    "20.02.2020 07:40:00,990.73,4.35,,-9999.00",
    '20.02.2020 07:50:00,990.80,4.41,"c, d",1.75',
    "20.02.2020 08:00:00,990.86,4.53,e,2.02",
    "20.02.2020 08:10:00,990.90,4.66,e,2.20",
]


@cache
def roof() -> Station:
    station = load_station("jena")
    return station.changed(variables={name: station.variables[name] for name in ("p", "T", "wv")})


places = st.integers(min_value=0, max_value=10_000)
edits = st.one_of(
    st.tuples(st.just("delete"), places, st.integers(1, 30)),
    st.tuples(st.just("insert"), places, st.binary(min_size=1, max_size=6)),
    st.tuples(
        st.just("insert"), places, st.sampled_from([b",", b"\n", b"\r", b'"', b"-", b".", b"0", b" ", b";", b"\t", b"\0", b"e"])
    ),
    st.tuples(st.just("repeat"), places, places),
    st.tuples(st.just("swap"), places, places),
    st.tuples(
        st.just("cell"), places, st.tuples(places, st.one_of(st.sampled_from(TEXTS), st.text(max_size=6), st.floats().map(str)))
    ),
    st.tuples(st.just("cut"), places, st.just(0)),
)


def spoilt(lines: list[str], changes: list[tuple[str, int, object]], end: str) -> bytes:
    """Return a file after some edits, each of lines while it has any, else of bytes."""
    lines = list(lines)
    for what, at, more in changes:
        number = 1 + at % (len(lines) - 1)
        if what == "repeat":
            lines.insert(1 + more % (len(lines) - 1), lines[number])
        elif what == "swap":
            other = 1 + more % (len(lines) - 1)
            lines[number], lines[other] = lines[other], lines[number]
        elif what == "cell":
            cells = lines[number].split(",")
            cells[more[0] % len(cells)] = more[1]
            lines[number] = ",".join(cells)
    body = "".join(f"{line}{end}" for line in lines).encode("cp1252", errors="replace")
    for what, at, more in changes:
        place = at % (len(body) + 1)
        if what == "delete":
            body = body[:place] + body[place + more :]
        elif what == "insert":
            body = body[:place] + more + body[place:]
        elif what == "cut":
            body = body[:place]
    return body


def value_of(text: str) -> float:
    number = float(text) if text.strip() else np.nan
    return np.nan if number == -9999 else number


def lines_of(body: bytes) -> list[str]:
    text = body.decode("cp1252").replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n")


def said(line: str, headers: list[str]) -> tuple[datetime, list[float]]:
    """Return what a line says, cell by cell; cells that it lacks are empty."""
    cells = next(csv.reader([line]))
    cells += [""] * (len(headers) - len(cells))
    values = [value_of(cells[headers.index(str(one.column))]) for one in roof().variables.values()]
    return datetime.strptime(cells[headers.index("Date Time")].strip(), FORM), values


def read_or_refused(file: RawFile) -> tuple[pd.DataFrame, ParseReport] | None:
    """Return what is read of a file, or None where it is refused by an error that names it."""
    refusal = ""
    try:
        return parse([file], roof(), now=NOW)
    except DataError as error:
        refusal = str(error)
    assert file.name in refusal
    return None


@tries(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(edits, max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_a_spoilt_file_is_refused_by_name_or_every_row_is_what_its_line_says(changes: list[tuple[str, int, object]], end: str):
    body = spoilt([HEADER, *REAL], changes, end)
    read = read_or_refused(RawFile("roof.csv", body))
    if read is None:
        return
    frame, report = read
    first, *lines = lines_of(body)
    headers = [one.strip() for one in next(csv.reader([first]))]
    rows = [line for line in lines if line.strip()]
    whole = rows if not report.unfinished_rows else rows[:-1]
    assert report.rows_read == len(whole)
    assert report.rows_read + report.unfinished_rows == len(rows)
    assert report.rows_read == len(frame) + report.identical_duplicates + report.conflicting_duplicates
    expected: dict[datetime, list[float]] = {}
    for line in whole:
        time, values = said(line, headers)
        expected.setdefault(time, values)
    assert frame["time"].tolist() == sorted(expected)
    np.testing.assert_array_equal(frame.drop(columns="time").to_numpy(), np.array([expected[time] for time in sorted(expected)]))


@tries(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.zip", "a.csv.gz"]))
def test_any_bytes_are_refused_by_name(body: bytes, name: str):
    assert read_or_refused(RawFile(name, body)) is None
