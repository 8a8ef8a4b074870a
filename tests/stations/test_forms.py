"""Files of other loggers: delimiters, decimal commas, several lines of headers, comments; and what a wrong form says."""

import re
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from conftest import write_station
from tests_support import csv_file, row
from tsflow.errors import SettingsError, SourceFormatError
from tsflow.stations.forms import Form, kinds
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station, load_station
from workflow import ingest

NOW = datetime(2026, 11, 1)
TOA5 = b""""TOA5","mast","CR1000X","1234","CR1000X.Std.03","CPU:mast.CR1X","4711","Hourly"
"TIMESTAMP","RECORD","AirTC_Avg","WS_ms_Avg"
"TS","RN","Deg C","meters/second"
"","","Avg","Avg"
"2021-01-01 00:00",0,5.5,1.25
"2021-01-01 01:00",1,"NAN",1.5
"2021-01-01 02:00",2,6.5,2
"""


def formed(station: Station, form: Any, **columns: str) -> Station:
    """The station with files of another form, and other names of the columns."""
    variables = {name: variable.changed(column=columns.get(name, variable.column)) for name, variable in station.variables.items()}
    timestamp = station.timestamp.changed(column=columns.get("time", station.timestamp.column))
    return station.changed(form=form, variables=variables, timestamp=timestamp)


def test_a_campbell_loggers_file_is_read(small: Station):
    mast = formed(small, "toa5", time="TIMESTAMP", T="AirTC_Avg", wv="WS_ms_Avg")
    frame, report = parse([RawFile("mast.dat", TOA5)], mast, now=NOW)
    assert frame["time"].tolist() == list(pd.date_range("2021-01-01", periods=3, freq="h"))
    np.testing.assert_array_equal(frame["T"], [5.5, np.nan, 6.5])
    assert frame["wv"].tolist() == [1.25, 1.5, 2.0]
    assert report.empty_cells == {"T": 1}
    assert report.ignored_columns == ["RECORD"]


@pytest.mark.parametrize(
    ("units", "says"),
    [
        (
            b'"Deg F","m/s"',
            "the line of units says Deg F for column 'AirTC_Avg', the station file degC; write `column_unit: Deg F`",
        ),
        (b'"K","m/s"', "says K for column 'AirTC_Avg', the station file degC"),
        (b'"Deg C","km/h"', "says km/h for column 'WS_ms_Avg', the station file m/s"),
        (b'"Deg C","mV"', "says mV for column 'WS_ms_Avg', the station file m/s; name another column"),
    ],
    ids=["degF", "K", "km/h", "volts"],
)
def test_a_line_of_units_that_contradicts_the_station_file_is_refused(small: Station, units: bytes, says: str):
    mast = formed(small, "toa5", time="TIMESTAMP", T="AirTC_Avg", wv="WS_ms_Avg")
    file = RawFile("mast.dat", TOA5.replace(b'"Deg C","meters/second"', units))
    for read in (lambda: parse([file], mast, now=NOW), lambda: mast.form.require(file, mast)):
        with pytest.raises(SourceFormatError, match=re.escape(says)):
            read()


@pytest.mark.parametrize("units", [b'"C","m/s"', b'"degC","m s-1"', b'"",""', b'"unitless","smp"', b'"Deg C"'])
def test_a_line_of_units_that_says_the_same_or_nothing_is_no_contradiction(small: Station, units: bytes):
    mast = formed(small, "toa5", time="TIMESTAMP", T="AirTC_Avg", wv="WS_ms_Avg")
    frame, _ = parse([RawFile("mast.dat", TOA5.replace(b'"Deg C","meters/second"', units))], mast, now=NOW)
    assert len(frame) == 3


def test_a_line_of_units_that_the_station_file_has_converted_is_none(small: Station):
    mast = formed(small, "toa5", time="TIMESTAMP", T="AirTC_Avg", wv="WS_ms_Avg")
    converted = mast.changed(variables=mast.variables | {"T": mast.variables["T"].changed(column_unit="degF")})
    file = RawFile("mast.dat", TOA5.replace(b'"Deg C"', b'"Deg F"'))
    assert parse([file], converted, now=NOW)[0]["T"].iloc[0] == pytest.approx((5.5 - 32) / 1.8)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"delimiter": ";", "decimal": ","}, "time;T;wv\n2021-01-01 00:00;5,5;1\n2021-01-01 01:00;6,25;2\n"),
        ({"delimiter": "\t"}, "time\tT\twv\n2021-01-01 00:00\t5.5\t1\n2021-01-01 01:00\t6.25\t2\n"),
        ({"first_line": 3}, "time,T,wv\n,degC,m/s\n2021-01-01 00:00,5.5,1\n2021-01-01 01:00,6.25,2\n"),
        (
            {"comment": "#", "header_line": 2, "first_line": 3},
            "# a mast\ntime,T,wv\n# noon\n2021-01-01 00:00,5.5,1\n\n2021-01-01 01:00,6.25,2\n",
        ),
        (
            {"missing_texts": ["n/a", "---"]},
            "time,T,wv\n2021-01-01 00:00,5.5,1\n2021-01-01 01:00,6.25,2\n2021-01-01 02:00,n/a,---\n",
        ),
    ],
    ids=["semicolons and decimal commas", "tabs", "a line of units", "comments and empty lines", "words for no value"],
)
def test_other_forms_give_the_same_rows(small: Station, form: dict[str, Any], text: str):
    frame, _ = parse([RawFile("a.csv", text.encode())], formed(small, form), now=NOW)
    assert frame["T"].tolist()[:2] == [5.5, 6.25]
    assert frame["wv"].tolist()[:2] == [1.0, 2.0]
    assert frame.iloc[2:][["T", "wv"]].isna().all(axis=None)


def test_messages_name_the_line_of_the_file(small: Station):
    form = {"comment": "#", "header_line": 2, "first_line": 3}
    text = b"# a mast\ntime,T,wv\n# noon\n2021-01-01 00:00,5.5,1\n\n2021-01-01 01:00,warm,2\n"
    with pytest.raises(SourceFormatError, match="row 6, column 'T': 'warm' is not a number"):
        parse([RawFile("a.csv", text)], formed(small, form), now=NOW)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (csv_file(row(0)).replace(b",", b";"), "write `form: {delimiter: ';'}`"),
        (csv_file(row(0)).replace(b",", b"\t"), r"write `form: {delimiter: \"\\t\"}`"),
        (TOA5, "write `form: toa5`"),
    ],
)
def test_a_file_of_another_form_says_what_to_write(small: Station, body: bytes, says: str):
    with pytest.raises(SourceFormatError) as caught:
        parse([RawFile("a.csv", body)], small, now=NOW)
    assert says.replace("\\\\", "\\").replace('\\"', '"') in str(caught.value)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"delimiter": ",", "decimal": ","}, "delimiter and decimal are both ','"),
        ({"header_line": 3, "first_line": 3}, "first_line 3 does not come after header_line 3"),
        ({"delimiter": ";;"}, "form.delimiter"),
        ({"kind": "xlsx"}, "unknown form kind 'xlsx'"),
        ("xlsx", "unknown form kind 'xlsx'"),
        ({"delimeter": ";"}, "form.delimeter: unknown key"),
        (7, "every form is a block with a `kind`; valid: csv, json_lines, parquet, toa5"),
    ],
)
def test_a_wrong_form_is_refused_when_the_station_file_is_read(tmp_path: Any, small: Station, form: Any, says: str):
    path = write_station(tmp_path / "small.yaml", small)
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"form": form}))
    with pytest.raises(SettingsError) as caught:
        load_station(str(path))
    assert says in str(caught.value)


def test_a_file_whose_headers_are_beyond_its_end_says_so(small: Station):
    with pytest.raises(SourceFormatError, match=r"has 1 lines, its headers stand in line 2; correct `form.header_line`"):
        parse([RawFile("a.csv", b"TOA5")], formed(small, "toa5"), now=NOW)


def test_what_tsflow_itself_writes_has_its_own_form(small: Station):
    frame, _ = parse([RawFile("rows.csv", csv_file(row(0), row(1)), own=True)], formed(small, "toa5"), now=NOW)
    assert len(frame) == 2


def test_every_kind_is_registered_once_and_checks_its_keys():
    assert [*kinds()] == ["csv", "json_lines", "parquet", "toa5"]
    for name, kind in kinds().items():
        assert issubclass(kind, Form)
        assert kind.model_validate({"kind": name}).kind == name
        with pytest.raises(ValidationError, match="Extra inputs"):
            kind.model_validate({"kind": name, "colour": "red"})


def test_a_simulated_station_of_another_form_is_ingested(records: Any, home: Any):
    path = home / "include" / "stations" / "demo.yaml"
    path.write_text(path.read_text() + "form: {delimiter: ';', decimal: ','}\n")
    assert ingest(records, history_days=2).new_rows > 200


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"header_line": [1, 2]}, "time,air,wind\n,T,speed\n2021-01-01 00:00,5.5,1\n2021-01-01 01:00,6.25,2\n"),
        (
            {"header_line": [1, 3], "first_line": 4},
            'time,"air",wind\nx\n,"T",speed,\n2021-01-01 00:00,5.5,1\n2021-01-01 01:00,6.25,2',
        ),
        ({"header_line": 2}, "a mast\ntime,air T,wind speed\n2021-01-01 00:00,5.5,1\n2021-01-01 01:00,6.25,2\n"),
        ({}, '"time" , "air T",wind speed\n"2021-01-01 00:00",5.5,"1"\n"2021-01-01 01:00","6.25",2\n'.replace(" , ", ",")),
        ({}, "time,air T,wind speed\r2021-01-01 00:00,5.5,1\r2021-01-01 01:00,6.25,2\r"),
        ({}, "time,air T,wind speed\r\n2021-01-01 00:00,5.5,1\r\n2021-01-01 01:00,6.25,2\r\n"),
        ({}, "time,air T,wind speed,\n2021-01-01 00:00,5.5,1,\n2021-01-01 01:00,6.25,2,\n"),
        ({}, "time,air T,wind speed\n2021-01-01 00:00,5.5,1,\n2021-01-01 01:00,6.25,2,\n"),
        ({}, "time,air T,wind speed\n2021-01-01 00:00,5.5,1,\n2021-01-01 01:00,6.25,2\n"),
    ],
    ids=[
        "headers over two lines",
        "of which one is passed over",
        "headers in the second line",
        "quoted",
        "carriage returns",
        "both",
        "a delimiter at the end",
        "but not of the header",
        "or of one row alone",
    ],
)
def test_other_loggers_habits_give_the_same_rows(small: Station, form: dict[str, Any], text: str):
    file = RawFile("a.csv", text.encode(), whole=True)
    frame, report = parse([file], formed(small, form, T="air T", wv="wind speed"), now=NOW)
    assert frame["T"].tolist() == [5.5, 6.25]
    assert frame["wv"].tolist() == [1.0, 2.0]
    assert report.ignored_columns == []


def test_the_first_row_of_several_lines_of_headers_follows_the_last():
    form = kinds()["csv"].model_validate({"header_line": [1, 4]})
    with pytest.raises(ValidationError, match="first_line 4 does not come after header_line 4"):
        form.changed(first_line=4)


def test_a_blank_beside_decimal_commas_is_none_and_a_wrong_cell_is_named_itself(small: Station):
    mast = formed(small, {"kind": "csv", "delimiter": ";", "decimal": ",", "missing_texts": ["NaN"]})

    def read(*cells: str) -> pd.DataFrame:
        rows = [f"2021-01-01 {hour:02d}:00;{cell};1,5" for hour, cell in enumerate(cells)]
        return parse([RawFile("a.csv", "\n".join(["time;T;wv", *rows, ""]).encode())], mast, now=NOW)[0]

    np.testing.assert_array_equal(read("5,3", "  ", "5,5")["T"], [5.3, np.nan, 5.5])
    np.testing.assert_array_equal(read("5,3", "  NaN", "-1,5e1")["T"], [5.3, np.nan, -15.0])
    np.testing.assert_array_equal(read(" 5,3", "6", "NaN")["T"], [5.3, 6, np.nan])
    with pytest.raises(SourceFormatError, match=r"row 4, column 'T': 'xx' is not a number \(1 such cells\)"):
        read("5,3", "5,4", "xx")
    for cells in (("1.013", "1.014", "1.015"), ("5,3", "1.013", "5,5")):
        with pytest.raises(SourceFormatError, match=r"column 'T': '1.013' has a point, where `form.decimal` says a comma"):
            read(*cells)


def test_padded_words_for_no_value_are_those_words(small: Station):
    mast = formed(small, {"kind": "csv", "missing_texts": ["NaN", "---"]})
    body = b"time,T,wv\n2021-01-01 00:00,5.5,  NaN\n2021-01-01 01:00, ---,1.5\n2021-01-01 02:00,6.5,2\n"
    frame, report = parse([RawFile("a.csv", body)], mast, now=NOW)
    np.testing.assert_array_equal(frame["T"], [5.5, np.nan, 6.5])
    np.testing.assert_array_equal(frame["wv"], [np.nan, 1.5, 2])
    assert report.empty_cells == {"T": 1, "wv": 1}
