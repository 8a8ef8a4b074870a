"""How rows say their times: in one column or two, as ISO 8601 with a zone or without, as counts since 1970; and summer time."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from conftest import station_of
from tests_support import csv_file, row
from tsflow.errors import SourceFormatError
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.simulator import simulated_file
from tsflow.stations.sources.simulator import SimulatorSource
from tsflow.stations.station import Station, load_station
from tsflow.stations.times import _formatted
from tsflow.stations.timestamp import Timestamp

NOW = datetime(2026, 11, 1)
FIRST = [datetime(2021, 1, 1, hour) for hour in range(3)]


def timed(station: Station, **timestamp: Any) -> Station:
    """The station with another way of saying times, one hour ahead of UTC."""
    return station.changed(timestamp=station.timestamp.changed(utc_offset_hours=1, **timestamp))


def times_of(station: Station, *lines: str, header: str = "time,T,wv") -> list[datetime]:
    body = "\n".join([header, *lines, ""]).encode()
    return parse([RawFile("a.csv", body)], station, now=NOW)[0]["time"].dt.to_pydatetime().tolist()


def test_date_and_time_in_two_columns_are_one_time(small: Station):
    station = timed(small, column=["Date", "Time"], format="%d.%m.%Y %H:%M")
    assert times_of(station, *(f"01.01.2021,5,0{hour}:00,1" for hour in range(3)), header="Date,T,Time,wv") == FIRST


def test_year_month_day_and_hour_may_stand_in_four_columns(small: Station):
    station = timed(small, column=["Y", "M", "D", "H"], format="%Y %m %d %H")
    assert times_of(station, *(f"2021,1,1,{hour},5,1" for hour in range(3)), header="Y,M,D,H,T,wv") == FIRST


def test_iso_8601_with_a_zone_is_converted_and_without_one_is_the_stations_clock(small: Station):
    zoned = ["2020-12-31T23:00:00Z", "2021-01-01 03:00:00+03:00", "2020-12-31T19:30:00.000-0530"]
    assert times_of(timed(small, format="iso8601"), *(f"{text},5,1" for text in zoned)) == FIRST
    mixed = ["2020-12-31T23:00Z", "2021-01-01T01:00", "20210101T0200"]
    assert times_of(timed(small, format="iso8601"), *(f"{text},5,1" for text in mixed)) == FIRST


@pytest.mark.parametrize("form", ["epoch", "epoch_ms"])
def test_counts_since_1970_are_utc(small: Station, form: str):
    unit = {"epoch": 1, "epoch_ms": 1000}[form]
    counts = [int((time - datetime(1970, 1, 1) - timedelta(hours=1)).total_seconds()) * unit for time in FIRST]
    assert times_of(timed(small, format=form), *(f"{count},5,1" for count in counts)) == FIRST
    assert times_of(timed(small, format=form), *(f"{count}.0,5,1" for count in counts)) == FIRST


@pytest.mark.parametrize(
    ("timestamp", "text", "says"),
    [
        ({"format": "iso8601"}, "2021-01-01", "row 3: time '2021-01-01' is not of the form 'iso8601' (1 of 2 rows)"),
        ({"format": "iso8601"}, "2021-02-30T00:00", "row 3: time '2021-02-30T00:00' is not of the form 'iso8601'"),
        ({"format": "iso8601"}, "2021-01-01T00:00+9", "is not of the form 'iso8601'"),
        ({"format": "epoch"}, "noon", "row 3: time 'noon' is not of the form 'epoch'"),
        ({"format": "epoch"}, "1609459200000", "the numbers look like milliseconds: write `epoch_ms`"),
        ({"format": "epoch"}, "nan", "time 'nan' is not of the form 'epoch'"),
        ({"format": "epoch_ms"}, "1e12", "time '1e12' is not of the form 'epoch_ms'"),
        ({"format": "epoch"}, "", "row 3: no time in column 'time' (1 of 2 rows); drop such rows"),
    ],
)
def test_a_time_that_is_none_names_its_row(small: Station, timestamp: dict[str, Any], text: str, says: str):
    good = {"iso8601": "2021-01-01T00:00Z", "epoch": "1609459200", "epoch_ms": "1609459200000"}[timestamp["format"]]
    with pytest.raises(SourceFormatError) as caught:
        times_of(timed(small, **timestamp), f"{good},5,1", f"{text},5,1")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("timestamp", "says"),
    [
        ({"column": ["Date", "Date"], "format": "%Y-%m-%d %H:%M"}, "column names 'Date' twice"),
        ({"column": ["Date", "Time"], "format": "epoch"}, "format epoch stands in one column, and column names 2"),
        ({"column": ["Date", "Time"], "format": "%Y-%m-%dT%H:%M"}, "cells of 2 columns are joined by blanks"),
        ({"column": [], "format": "iso8601"}, "at least 1 item"),
        (
            {"column": "time", "format": "ISO"},
            "'ISO' does not give year, month, day and hour, and is none of iso8601, epoch, epoch_ms",
        ),
    ],
)
def test_a_way_of_saying_times_that_cannot_work_is_refused(timestamp: dict[str, Any], says: str):
    with pytest.raises(ValidationError) as caught:
        Timestamp.model_validate(timestamp)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "timestamp",
    [
        {"column": ["Date", "Time"], "format": "%d.%m.%Y %H:%M"},
        {"column": ["Date", "Time"], "format": "iso8601"},
        {"column": "t", "format": "iso8601"},
        {"column": "t", "format": "epoch"},
        {"column": "t", "format": "epoch_ms", "marks": "start"},
    ],
)
def test_the_simulator_writes_times_as_the_station_says_them(timestamp: dict[str, Any]):
    plain = load_station("demo")
    station = plain.changed(timestamp={**timestamp, "utc_offset_hours": 1})
    source = SimulatorSource(kind="simulator", seed=0)
    files = [
        RawFile(*simulated_file(one, source, datetime(2026, 1, 1), datetime(2026, 1, 3)), own=True) for one in (plain, station)
    ]
    frames = [parse([file], one, now=NOW)[0] for file, one in zip(files, (plain, station), strict=True)]
    pd.testing.assert_frame_equal(*frames)


def ten_minutes() -> Station:
    return station_of({"T": "degC", "wv": "m/s"}, cadence="10min")


def test_a_clock_that_is_put_back_is_said_to_be_one():
    before = [f"2021-10-31 0{minute // 60}:{minute % 60:02d},{minute / 10},1" for minute in range(60, 180, 10)]
    again = [f"2021-10-31 0{minute // 60}:{minute % 60:02d},{minute / 7:.2f},1" for minute in range(120, 240, 10)]
    with pytest.raises(SourceFormatError) as caught:
        times_of(ten_minutes(), *before, *again)
    said = str(caught.value)
    assert "row 14: the hour from 2021-10-31 02:00:00 comes twice, with other values" in said
    assert "`timestamp.format: iso8601`" in said


def test_an_hour_that_stands_twice_with_the_same_values_is_a_repeat():
    hours = [f"2021-10-31 0{minute // 60}:{minute % 60:02d},5,1" for minute in range(60, 180, 10)]
    body = "\n".join(["time,T,wv", *hours, *hours[-6:], ""]).encode()
    _, report = parse([RawFile("a.csv", body)], ten_minutes(), now=NOW)
    assert report.identical_duplicates == 6


def test_times_that_go_back_no_further_than_an_hour_name_summer_time_and_others_do_not(small: Station):
    with pytest.raises(SourceFormatError, match=r"times out of order: row 4 .*put back from summer time"):
        parse([RawFile("a.csv", csv_file(row(0), row(2), row(1)))], small, now=NOW)
    with pytest.raises(SourceFormatError, match="times out of order: row 4") as caught:
        parse([RawFile("a.csv", csv_file(row(0), row(9), row(1)))], small, now=NOW)
    assert "summer" not in str(caught.value)


def test_zones_carry_a_file_over_summer_time():
    station = timed(ten_minutes(), format="iso8601")
    utc = pd.date_range("2021-10-31", periods=18, freq="10min", tz="UTC")
    texts = [moment.isoformat() for moment in utc.tz_convert("Europe/Berlin")]
    found = times_of(station, *(f"{text},5,1" for text in texts))
    np.testing.assert_array_equal(found, (utc.tz_localize(None) + timedelta(hours=1)).to_pydatetime())


TEXTS = ["28.02.2021 00:00:00", "01.03.2021 00:00:00", "31.02.2021 00:00:00", "1.3.2021 00:00:00", "30.06.2021 24:00:00", "x"]
TEXTS += ["30.06.2021 23:59:60", "30.06.2021 23:60:00", "01. 1.2021 00:00:00", " 1.01.2021 00:00:00", "01.01.2021  0:00:00", ""]
TEXTS += ["01.01.2021T00:00:00", "32.01.2021 00:00:00", "00.01.2021 00:00:00", "01.13.2021 00:00:00", "+1.01.2021 00:00:00"]
TEXTS += ["29.02.2020 23:59:59", "29.02.2021 23:59:59", "31.04.2021 10:00:00", "01.01.0021 00:00:00", "01.01.2021 00:00:0"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("before", [[], ["20.02.2021 12:00:00"] * 3])
def test_times_read_fast_are_those_that_pandas_reads(text: str, before: list[str]):
    form = "%d.%m.%Y %H:%M:%S"
    texts = pd.Series([*before, text], dtype="str")
    expected = pd.to_datetime(texts, format=form, errors="coerce").astype("datetime64[us]")
    pd.testing.assert_series_equal(_formatted(texts, form).astype("datetime64[us]"), expected)


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d %H:%M", "%d/%m/%y %H:%M", "%Y%m%d%H%M%S", "%Y %j %H:%M", "%b %d %Y %I:%M %p", "%Y%m%dT%H"]
)
def test_times_of_any_form_read_fast_are_those_that_pandas_reads(form: str):
    texts = pd.Series(pd.date_range("2019-12-30", periods=2000, freq="7h").strftime(form), dtype="str")
    expected = pd.to_datetime(texts, format=form).astype("datetime64[us]")
    pd.testing.assert_series_equal(_formatted(texts, form).astype("datetime64[us]"), expected)


def test_an_hour_that_stands_twice_without_a_value_of_a_dead_sensor_is_a_repeat():
    hours = [f"2021-10-31 0{minute // 60}:{minute % 60:02d},5," for minute in range(60, 180, 10)]
    body = "\n".join(["time,T,wv", *hours, *hours[-6:], ""]).encode()
    _, report = parse([RawFile("a.csv", body)], ten_minutes(), now=NOW)
    assert report.identical_duplicates == 6


def test_digits_without_seconds_are_not_taken_for_fewer_digits_with_them():
    station = station_of({"T": "degC"}, cadence="60min")
    rows = "\n".join(["time,T", *(f"2021030{day}{hour:02d}30,5" for day in (1, 2) for hour in range(24)), ""]).encode()
    said = station.timestamp.changed(format="%Y%m%d%H%M%S")
    with pytest.raises(SourceFormatError, match="row 2: time '202103010030' is not of the form '%Y%m%d%H%M%S'"):
        parse([RawFile("a.csv", rows)], station.changed(timestamp=said), now=NOW)
    right = station.changed(timestamp=station.timestamp.changed(format="%Y%m%d%H%M"))
    frame, _ = parse([RawFile("a.csv", rows)], right, now=NOW)
    assert frame["time"].iloc[[0, -1]].tolist() == [pd.Timestamp("2021-03-01 00:30"), pd.Timestamp("2021-03-02 23:30")]


@pytest.mark.parametrize(
    ("form", "of_day"),
    [("%d.%m.%Y %H:%M", "%d.%m.%Y"), ("%Y%m%d%H%M", "%Y%m%d"), ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"), ("iso8601", "%Y-%m-%d")],
)
def test_the_end_of_a_day_may_be_its_hour_24(small: Station, form: str, of_day: str):
    hours = pd.date_range("2021-02-26 01:00", periods=96, freq="1h")  # over the end of a month
    strftime = "%Y-%m-%dT%H:%M" if form == "iso8601" else form

    def text(time: pd.Timestamp) -> str:
        day, written = (time - timedelta(hours=1)).strftime(of_day), time.strftime(strftime)
        return written if time.hour else day + written[len(day) :].replace("00", "24", 1)

    texts = [text(time) for time in hours]
    assert sum("24" in each[8:] for each in texts) >= 4
    station = timed(small, format=form)
    assert times_of(station, *(f"{each},5,1" for each in texts)) == hours.to_pydatetime().tolist()
    for wrong in (texts[-1].replace("24", "25"), texts[-1][:-1] + "1"):  # no hour 25, no minute or second after the day
        with pytest.raises(SourceFormatError, match="is not of the form"):
            times_of(station, *(f"{each},5,1" for each in [*texts[:-1], wrong]))


def test_digits_that_lack_some_are_no_end_of_another_day(small: Station):
    """2021112400 is 24 November without its minutes; behind the form of a day's end it would be the first of January."""
    station = timed(small, format="%Y%m%d%H%M")
    with pytest.raises(SourceFormatError, match="time '2021112400' is not of the form"):
        times_of(station, "202111232300,5,1", "2021112400,5,1")


def test_no_fraction_of_a_second_comes_after_a_day(small: Station):
    station = timed(small, format="%Y-%m-%d %H:%M:%S.%f")
    assert times_of(station, "2021-01-01 24:00:00.000,5,1") == [datetime(2021, 1, 2)]
    with pytest.raises(SourceFormatError, match="is not of the form"):
        times_of(station, "2021-01-01 23:00:00.000,5,1", "2021-01-01 24:00:00.500,5,1")


def test_three_rows_of_which_one_is_missing_keep_their_cadence():
    rows = ["2021-01-01 00:00,5,1", "2021-01-01 00:10,5,1", "2021-01-01 00:30,5,1"]
    frame, report = parse([RawFile("a.csv", "\n".join(["time,T,wv", *rows, ""]).encode())], ten_minutes(), now=NOW)
    assert (len(frame), [gap.missing_rows for gap in report.gaps]) == (3, [1])


def test_a_clock_of_a_network_may_tremble():
    jitter = np.random.default_rng(0).normal(0, 0.4, 500)
    times = pd.date_range("2021-01-01", periods=500, freq="10min") + pd.to_timedelta(np.round(jitter, 3), unit="s")
    body = "\n".join(["time,T,wv", *(f"{time:%Y-%m-%d %H:%M:%S.%f},5,1" for time in times), ""]).encode()
    station = ten_minutes()
    station = station.changed(timestamp=station.timestamp.changed(format="%Y-%m-%d %H:%M:%S.%f"))
    frame, report = parse([RawFile("a.csv", body)], station, now=NOW)
    assert (len(frame), report.gaps) == (500, [])
