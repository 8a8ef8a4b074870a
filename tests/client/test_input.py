"""What a champion refuses to read: a model answers to anything, so the reader must look."""

import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from bundles import HOURLY, OLD_COLUMNS, OLD_HOURLY, frame, publish
from tsflow.bundle.intervals import Intervals
from tsflow.client import DataError, load_champion
from tsflow.client.champion import Champion
from tsflow.storage.objects import ObjectStore

T = pytest.approx(6.38, abs=1e-4)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def champion(objects: ObjectStore) -> Champion:
    publish(objects)
    return load_champion("small", objects)


@pytest.fixture
def old(objects: ObjectStore) -> Champion:
    """One whose manifest says nothing of ranges, sentinels and clock."""
    publish(objects, features=OLD_COLUMNS, hourly=OLD_HOURLY)
    return load_champion("small", objects)


def changed(values: Any, row: int, value: object) -> Any:
    copied = values.astype(object) if isinstance(value, str | None) else values.copy()
    copied[row] = value
    return copied


def refused(champion: Champion, given: Any, says: str) -> None:
    """By `forecast` and by `intervals` in the same words."""
    for ask in (champion.forecast, champion.intervals):
        with pytest.raises(DataError, match=re.escape(says)):
            ask(given)


def test_a_sentinel_is_refused_by_column_time_and_row(champion: Champion):
    given = frame(130)
    says = "p: found -9999 mbar at 2021-03-05T04:00:00 (row 100), which stands for a missing value, expected 900 to 1080 mbar; fill"
    refused(champion, {**given, "p": changed(given["p"], 100, -9999)}, says)


def test_a_number_inside_the_range_is_a_value_though_files_use_it_for_none(objects: ObjectStore):
    """Sentinels are told in the files' units: 99 of them may be a value of another one."""
    publish(objects, hourly=replace(HOURLY, missing=[1000.0, 1100.0]))
    champion, given = load_champion("small", objects), frame(120)
    assert math.isfinite(champion.forecast({**given, "p": changed(given["p"], 100, 1000.0)}))
    says = "p: found 1100 mbar at 2021-03-05T04:00:00 (row 100), which stands for a missing value"
    refused(champion, {**given, "p": changed(given["p"], 100, 1100.0)}, says)


def test_a_temperature_in_kelvin_is_refused(champion: Champion):
    given = frame(120)
    says = (
        "T: found 274.15 degC at 2021-03-01T00:00:00 (row 0), expected -40 to 45 degC (120 such values); check unit and instrument"
    )
    refused(champion, {**given, "T": given["T"] + 273.15}, says)


def test_only_the_rows_that_are_read_are_looked_at(champion: Champion):
    given = frame(130)
    for value in (-9999, np.nan, 300.0, "none"):
        early = {**given, "T": changed(given["T"], 9, value), "time": changed(given["time"], 3, np.datetime64("NaT"))}
        assert champion.forecast(early) == T
        with pytest.raises(DataError, match=r"\(row 10\)|in row 10"):
            champion.forecast({**given, "T": changed(given["T"], 10, value)})


@pytest.mark.parametrize("bound", [-40.0, 45.0])
def test_the_bounds_of_a_range_belong_to_it_in_any_precision(champion: Champion, bound: float):
    for kind in (np.float64, np.float32, np.float16):
        assert champion.forecast(frame(T=np.full(120, bound, kind))) == pytest.approx(bound)
    beyond = np.full(120, np.nextafter(np.float32(bound), np.float32(np.sign(bound) * np.inf)))
    refused(champion, frame(T=beyond), "T: found")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, None, pd.NA, 1e300])
def test_a_missing_or_infinite_value_is_refused(champion: Champion, value: object):
    values = pd.Series(frame()["T"], dtype=object)
    values[7] = value
    says = "missing values in the last 120 rows of T: found "
    refused(champion, frame(T=values), says)
    refused(champion, frame(T=list(values)), "of T at 2021-03-01T07:00:00 (row 7), expected a number; fill or drop them")


def test_a_masked_value_is_missing(champion: Champion):
    masked = np.ma.MaskedArray(frame()["T"], mask=np.arange(120) == 7)
    refused(champion, frame(T=masked), "found nan of T at 2021-03-01T07:00:00 (row 7)")


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ([*map(str, range(120))], "T: found '0' in row 0, expected a number; convert the column before"),
        ([1.0] * 60 + ["warm"] + [1.0] * 59, "T: found '1.0' in row 0, expected a number"),
        (np.array([1.0] * 60 + ["warm"] + [1.0] * 59, dtype=object), "T: found 'warm' in row 60, expected a number"),
        ([[1.0, 2.0]] * 119 + [[1.0]], "T: expected one value a row, found something else"),
        (np.zeros((120, 2)), "T: expected one value a row, found an array of shape [120, 2]; is the column there twice?"),
        (1.0, "T: expected one value a row, found an array of shape []"),
        (np.zeros(120, dtype="datetime64[s]"), "T: found np.datetime64('1970-01-01T00:00:00') in row 0, expected a number"),
        (np.zeros(120, dtype=complex), "T: found np.complex128(0j) in row 0, expected a number"),
        (np.zeros(119), "T has 119 rows, time has 120; expected one value of each column for each time"),
        (np.zeros(121), "T has 121 rows, time has 120"),
    ],
)
def test_a_column_of_something_else_than_a_number_a_row_is_refused(champion: Champion, column: object, says: str):
    refused(champion, frame(T=column), says)


def test_times_shorter_than_the_columns_are_refused(champion: Champion):
    given = frame(130)
    refused(champion, {**given, "time": given["time"][:125]}, "T has 130 rows, time has 125")


def test_what_is_no_frame_is_refused(champion: Champion):
    refused(champion, [1.0, 2.0], "found a list, expected a DataFrame or a mapping of columns: time, T, p")
    twice = pd.DataFrame(frame())
    refused(champion, pd.concat([twice, twice[["T"]]], axis=1), "T: expected one value a row, found an array of shape [120, 2]")


@pytest.mark.parametrize("minutes", [0, 31, 54, 66, 89, 120])
def test_rows_that_are_not_an_hour_apart_are_refused(champion: Champion, minutes: int):
    given = frame()
    times = given["time"].copy()
    times[80:] += np.timedelta64(minutes - 60, "m")
    says = f"time goes from 2021-03-04T07:00:00 to {times[80]} (rows 79 and 80, {minutes} minutes); expected one row an hour"
    refused(champion, {**given, "time": times}, says)


def test_a_loggers_jitter_passes(champion: Champion):
    given = frame()
    jitter = np.random.default_rng(1).integers(-120, 121, size=120).astype("timedelta64[s]")
    assert champion.forecast({**given, "time": given["time"] + jitter}) == T


def zoned(zone: Any) -> list[datetime]:
    """The hours of `frame()`, which are by a clock of UTC+1, as another zone's clocks show them."""
    first = datetime(2021, 2, 28, 23, tzinfo=UTC)
    return [(first + timedelta(hours=i)).astimezone(zone) for i in range(120)]


@pytest.mark.parametrize("zone", [UTC, BERLIN, timezone(timedelta(hours=-5, minutes=-30))], ids=str)
@pytest.mark.parametrize(
    "form",
    [
        lambda times: times,
        lambda times: np.array(times, dtype=object),
        lambda times: [time.isoformat() for time in times],
        lambda times: np.array([time.isoformat().encode() for time in times]),
        lambda times: pd.Series(pd.DatetimeIndex(times)),
        pd.DatetimeIndex,
    ],
    ids=["datetimes", "objects", "text", "bytes", "series", "index"],
)
def test_times_with_a_zone_are_taken_by_the_stations_clock(objects: ObjectStore, zone: Any, form: Any):
    """Seen by the interval, which depends on the hour of the target: each hour has a width of its own."""
    publish(objects)
    champion = load_champion("small", objects)
    hours = tuple((hour + 1.0,) for hour in range(24))
    champion.model._intervals = Intervals(1, (0.8,), tuple((-width,) for (width,) in hours), hours, (1,) * 24)
    expected = champion.intervals(frame())
    assert expected[0.8][1] - 6.38 == pytest.approx(24), "the last row, and so the target, is of 23 h"
    assert champion.intervals(frame(time=form(zoned(zone)))) == expected


def test_a_day_of_summer_time_is_no_gap(champion: Champion):
    first = datetime(2021, 3, 27, tzinfo=UTC)
    times = [(first + timedelta(hours=i)).astimezone(BERLIN) for i in range(120)]
    assert champion.forecast(frame(time=pd.DatetimeIndex(times))) == T
    naive = [time.replace(tzinfo=None) for time in times]
    refused(champion, frame(time=naive), "time goes from 2021-03-28T01:00:00 to 2021-03-28T03:00:00 (rows 24 and 25, 120 minutes)")


def test_a_zone_that_numpy_does_not_show_is_asked_of_the_column(champion: Champion):
    """As polars' series: numpy sees UTC."""

    class Zoned:
        dtype = type("Datetime", (), {"time_zone": "Europe/Berlin"})()

        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return frame()["time"] - np.timedelta64(1, "h")

        def __len__(self) -> int:
            return 120

    hours = tuple((hour + 1.0,) for hour in range(24))
    champion.model._intervals = Intervals(1, (0.8,), hours, hours, (1,) * 24)
    assert champion.intervals(frame(time=Zoned())) == champion.intervals(frame())


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (
            np.arange(120),
            "time: found a column of int64, expected datetime64, datetimes or ISO strings; times by the station's clock",
        ),
        (np.arange(120.0), "time: found a column of float64"),
        (["today"] * 120, "time: found 'today' in row 0, expected ISO 8601, such as 2026-11-24T07:00"),
        ([None] * 120, "time: found None in row 0, expected a datetime"),
        (np.array([pd.NA] * 120, dtype=object), "time: found <NA> in row 0, expected a datetime"),
        (np.full(120, np.datetime64("NaT")), "time: found none in row 0, expected one in every row"),
        ([pd.NaT] * 120, "time: found none in row 0, expected one in every row"),
        ([["2021-01-01"], []] * 60, "time: expected one value a row, found something else"),
    ],
)
def test_what_is_no_time_is_refused(champion: Champion, times: object, says: str):
    refused(champion, frame(time=times), says)


def test_the_clock_is_explained(champion: Champion):
    says = "times by the station's clock, UTC+01:00 all year without summer time; times with a zone are converted to it"
    assert champion.clock == f"{says}; rows of the training were those of minute 0"


def test_an_old_bundles_clock_is_explained(old: Champion):
    assert old.clock.startswith("times by the station's clock, without a zone; the bundle, of an older tsflow, does not say its")


def test_offsets_of_half_hours_are_said_in_full(objects: ObjectStore):
    publish(objects, hourly=replace(HOURLY, utc_offset_hours=-3.5, minute=None))
    assert "UTC-03:30 all year" in load_champion("small", objects).clock


def test_an_old_bundle_is_read_as_before_but_takes_no_zone_whose_offset_it_does_not_know(old: Champion):
    assert old.forecast(frame()) == T
    assert old.forecast(frame(T=frame()["T"] + 273.15)) == pytest.approx(279.53)
    refused(old, frame(time=zoned(UTC)), "a time with a zone, in row 0, expected times by the station's clock, without a zone")
    refused(old, frame(time=pd.DatetimeIndex(zoned(UTC))), "give the times as the station's clock shows them")
    refused(old, frame(T=np.full(120, np.nan)), "missing values in the last 120 rows of T")


def windows(n: int = 3) -> np.ndarray:
    given = np.zeros((n, 120, 4))
    given[:, :, 1] = 1000
    given[:, -1, 0] = np.arange(n)
    return given


def test_many_windows_are_forecast(champion: Champion):
    assert champion.forecast_many(windows()).tolist() == [0, 1, 2]
    assert champion.forecast_many(windows(0)).shape == (0,)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        (0, math.nan, "missing values in 3 windows of T: found nan of T in window 1, row 5, expected a number"),
        (0, 280.0, "T: found 280 degC in window 1, row 5, expected -40 to 45 degC"),
        (1, -9999, "p: found -9999 mbar in window 1, row 5, which stands for a missing value"),
        (2, 24.5, "hour_of_day: found 24.5 h in window 1, row 5, expected 0 to 24 h"),
        (3, -1, "day_of_year: found -1 d in window 1, row 5, expected 0 to 366 d"),
        (0, 1e39, "found inf of T in window 1, row 5"),
    ],
)
def test_a_bad_value_in_many_windows_is_refused(champion: Champion, column: int, value: float, says: str):
    given = windows()
    given[1, 5, column] = value
    with pytest.raises(DataError, match=re.escape(says)):
        champion.forecast_many(given)


def test_ragged_or_textual_windows_are_refused(champion: Champion):
    for wrong in ([[[1.0]], [[1.0, 2.0]]], [["a"]], "text", None):
        with pytest.raises(DataError, match="expected an array"):
            champion.forecast_many(wrong)
