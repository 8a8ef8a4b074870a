"""Gaps, fills and hours, on frames small enough to see."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from conftest import station_of
from tsflow.errors import DataError, DataValidationError
from tsflow.evaluation.hours_told import told_of
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.recent import Wanted, unbroken
from tsflow.records.dataset import PARTS, Break
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.windows.building import dataset_of

TEN = station_of({"T": "degC", "wd": "deg"}, cadence="10min")
TEN = TEN.changed(timestamp=TEN.timestamp.changed(minute=10))
HOURLY = station_of({"T": "degC"})


def ten_minutes(rows: int, start: str = "2021-01-01 00:10") -> pd.DataFrame:
    times = pd.date_range(start, periods=rows, freq="10min").astype("datetime64[us]")
    return pd.DataFrame({"time": times, "T": np.arange(rows, dtype=float), "wd": np.full(rows, 10.0)})


def hours(stamps: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"time": pd.to_datetime(stamps).astype("datetime64[us]"), "T": np.arange(len(stamps), dtype=float)})


def test_subsampling_takes_every_sixth_row_from_the_first():
    frame = hourly_frame(ten_minutes(13), TEN, HourlySettings()).frame
    assert frame["T"].tolist() == [0, 6, 12]
    assert frame["time"].dt.minute.unique().tolist() == [10]


@pytest.mark.parametrize("off_minutes", [3, 5, -3, -5])
def test_a_logger_that_restarts_off_its_grid_keeps_its_hours(off_minutes: int):
    """Hours are those of the minute that the station file says; the nearest row within half a cadence is taken."""
    rows = ten_minutes(960)
    later = rows["time"] > rows["time"].iloc[479]
    rows["time"] = rows["time"].where(~later, rows["time"] + pd.Timedelta(minutes=off_minutes))
    made = hourly_frame(rows, TEN, HourlySettings())
    assert len(made.frame) >= 0.99 * 960 / 6
    assert made.frame["time"].dt.minute.unique().tolist() == [10]
    assert made.frame["segment"].nunique() == 1
    assert (made.frame["T"].diff().dropna().between(5, 7)).all()
    assert made.report.shifted_hours == pytest.approx(80, abs=1)


def test_values_out_of_range_are_set_aside_filled_like_missing_ones_and_counted():
    narrow = TEN.changed(variables={**TEN.variables, "T": TEN.variables["T"].changed(range=(-50.0, 500.0))})
    rows = ten_minutes(130)
    rows.loc[[12, 18], "T"] = [592.2, -9000.0]
    made = hourly_frame(rows, narrow, HourlySettings())
    assert made.frame["T"].tolist() == [6.0 * hour for hour in range(len(made.frame))]
    assert made.report.set_aside == {"T": 2}
    assert hourly_frame(ten_minutes(130), narrow, HourlySettings()).report.set_aside == {}


def test_the_first_row_does_not_decide_the_minute_of_all_hours():
    whole, cut = (hourly_frame(rows, TEN, HourlySettings()).frame for rows in (ten_minutes(130), ten_minutes(130).iloc[1:]))
    pd.testing.assert_frame_equal(whole.iloc[1:].reset_index(drop=True), cut.reset_index(drop=True))


def test_the_minute_of_an_hour_is_the_station_files():
    at_zero = TEN.changed(timestamp=TEN.timestamp.changed(minute=0))
    frame = hourly_frame(ten_minutes(60), at_zero, HourlySettings()).frame
    assert frame["time"].dt.minute.unique().tolist() == [0]
    assert frame["T"].tolist() == [5 + 6 * hour for hour in range(len(frame))]


@pytest.mark.parametrize("method", ["subsample", "mean"])
@pytest.mark.parametrize("rows_after", [1, 3, 5, 8])
def test_an_outage_that_is_over_since_some_minutes_is_no_error(method: str, rows_after: int):
    """The hour's row is still to come: the hours end with those before the outage."""
    rows = ten_minutes(400).drop(index=range(121, 394 - rows_after))
    rows = rows[rows.index < 394]
    frame = hourly_frame(rows, TEN, HourlySettings(method=method)).frame
    assert frame["time"].iloc[-1] >= pd.Timestamp("2021-01-01 20:00")


def test_a_few_rows_without_a_whole_hour_say_that_none_is_complete():
    with pytest.raises(DataValidationError, match="no hour has all variables"):
        hourly_frame(ten_minutes(4, start="2021-01-01 00:20"), TEN, HourlySettings())


def test_rows_that_come_near_no_hour_are_an_error_that_says_so():
    rows = ten_minutes(200)
    rows = rows[rows["time"].dt.minute.isin([40, 50]) | (rows["time"] < "2021-01-01 12:00")]
    with pytest.raises(
        DataValidationError, match=r"hours end at 2021-01-01 11:10:00, .* before the newest observation .*`timestamp.minute`"
    ):
        hourly_frame(rows, TEN, HourlySettings(fill_gaps_up_to=timedelta(0)))


def test_the_mean_of_an_hour_is_stamped_with_its_end_and_wants_all_its_rows():
    frame = hourly_frame(ten_minutes(14), TEN, HourlySettings(method="mean")).frame
    assert frame["T"].tolist() == [2.5, 8.5]
    assert frame["time"].tolist() == [pd.Timestamp("2021-01-01 01:00"), pd.Timestamp("2021-01-01 02:00")]


def test_directions_average_and_interpolate_across_north():
    rows = ten_minutes(6)
    rows["wd"] = [350.0, 10.0, 350.0, 10.0, 350.0, 10.0]
    mean = hourly_frame(rows, TEN, HourlySettings(method="mean")).frame["wd"].iloc[0]
    assert min(mean, 360 - mean) < 1e-9
    rows = ten_minutes(13)
    rows.loc[5, "wd"], rows.loc[6, "wd"], rows.loc[7, "wd"] = 350.0, np.nan, 10.0
    filled = hourly_frame(rows, TEN, HourlySettings()).frame["wd"].iloc[1]
    assert min(filled, 360 - filled) < 1e-9


@pytest.mark.parametrize(("missing", "segments"), [(1, 1), (6, 1), (7, 2), (60, 2)])
def test_gaps_up_to_an_hour_are_filled_in_time_and_longer_ones_break_the_record(missing: int, segments: int):
    rows = ten_minutes(200)
    result = hourly_frame(rows.drop(index=range(61, 61 + missing)), TEN, HourlySettings())
    assert result.frame["segment"].nunique() == segments
    assert len(result.report.breaks) == segments - 1
    assert result.report.filled_rows == (missing if segments == 1 else 0)
    if segments == 1:
        assert result.frame["T"].tolist() == pytest.approx(rows["T"][::6].tolist())


def test_missing_values_are_filled_up_to_the_limit_and_not_beyond():
    rows = ten_minutes(200)
    rows.loc[60:65, "T"] = np.nan  # six rows: an hour
    assert hourly_frame(rows, TEN, HourlySettings()).frame["segment"].nunique() == 1
    rows.loc[60:66, "T"] = np.nan
    broken = hourly_frame(rows, TEN, HourlySettings())
    assert broken.frame["segment"].nunique() == 2
    assert broken.report.dropped_hours > 0
    wide = HourlySettings(fill_gaps_up_to=timedelta(hours=2))
    assert hourly_frame(rows, TEN, wide).frame["segment"].nunique() == 1


def test_nothing_is_extrapolated_at_the_edges():
    rows = ten_minutes(20)
    rows.loc[:1, "T"] = np.nan
    frame = hourly_frame(rows, TEN, HourlySettings()).frame
    assert frame["T"].iloc[0] == 6


def test_hourly_rows_that_drift_off_the_hour_stay_as_they_are():
    frame = hourly_frame(
        hours(["2021-01-01 00:10", "2021-01-01 01:10", "2021-01-01 02:30", "2021-01-01 03:30"]), HOURLY, HourlySettings()
    ).frame
    assert frame["T"].tolist() == [0, 1, 2, 3]
    assert frame["segment"].nunique() == 1


def test_one_missing_hour_is_filled_and_two_are_not():
    one = hourly_frame(hours(["2021-01-01 00:00", "2021-01-01 01:00", "2021-01-01 03:00"]), HOURLY, HourlySettings())
    assert one.frame["T"].tolist() == [0, 1, 1.5, 2]
    two = hourly_frame(hours(["2021-01-01 00:00", "2021-01-01 01:00", "2021-01-01 04:00"]), HOURLY, HourlySettings())
    assert two.frame["segment"].tolist() == [0, 0, 1]
    assert two.report.breaks == [Break(after=datetime(2021, 1, 1, 1), before=datetime(2021, 1, 1, 4), missing_hours=2)]


def test_an_empty_store_and_a_variable_never_stored_are_named():
    with pytest.raises(DataValidationError, match="no observations up to the as-of"):
        hourly_frame(ten_minutes(0), TEN, HourlySettings())
    with pytest.raises(DataValidationError, match="never stored: wd"):
        hourly_frame(ten_minutes(9).drop(columns="wd"), TEN, HourlySettings())
    rows = ten_minutes(12)
    rows["wd"] = np.nan
    with pytest.raises(DataValidationError, match=r"no hour has all variables \(wd\)"):
        hourly_frame(rows, TEN, HourlySettings())


def weather(days: int) -> pd.DataFrame:
    """Ten-minute rows of T and wd, with a wind that turns."""
    rows = ten_minutes(days * 144)
    return rows.assign(T=rows["T"] % 144, wd=(np.arange(len(rows)) * 0.5) % 360)


def test_a_side_variable_dead_for_a_month_costs_no_hour_of_the_target():
    rows = weather(365)
    rows.loc[144 * 100 : 144 * 130, "wd"] = np.nan
    made = hourly_frame(rows, TEN, HourlySettings(), target="T")
    assert len(made.frame) == len(hourly_frame(weather(365), TEN, HourlySettings()).frame)
    assert made.frame["segment"].nunique() == 1
    assert not made.frame.isna().any(axis=None)
    assert made.report.side_filled == {"wd": pytest.approx(30 * 24, abs=2)}
    assert made.report.left_out == {}
    assert not made.measured["wd"].iloc[24 * 115]
    assert made.measured["T"].all()


def test_no_hour_of_a_long_gap_beside_the_target_knows_what_was_measured_after_it():
    rows = ten_minutes(24 * 6 * 20).assign(wv=lambda frame: np.arange(len(frame)) / 100)
    gap = slice(6 * 100 + 1, 6 * 130)
    rows.loc[gap, "wv"] = np.nan
    later = rows.assign(wv=rows["wv"].where(np.arange(len(rows)) < gap.stop, 999.0))
    station = station_of({"T": "degC", "wv": "m/s"}, cadence="10min")
    one, other = (hourly_frame(each, station, HourlySettings(side_missing_share=0.5), target="T").frame for each in (rows, later))
    inside = one["time"] < rows["time"].iloc[gap.stop - 1]
    assert inside.sum() > 120
    np.testing.assert_array_equal(one.loc[inside, "wv"], other.loc[inside, "wv"])
    assert one["wv"].notna().all()


@pytest.mark.parametrize("gone", [slice(0, 144 * 60), slice(-144, None)], ids=["a sixth of the year", "the last day"])
def test_a_side_variable_that_misses_too_much_or_died_lately_is_left_out_and_told(gone: slice):
    rows = weather(365)
    rows.loc[rows.index[gone], "wd"] = np.nan
    made = hourly_frame(rows, TEN, HourlySettings(), target="T")
    assert made.features == ["T"]
    assert set(made.report.left_out) == {"wd"}
    assert len(made.frame) == 365 * 24
    assert "wd was left out" in told_of(made.report)[0]


def test_a_variable_that_the_station_file_gained_and_nobody_stored_yet_is_left_out():
    made = hourly_frame(weather(10).drop(columns="wd"), TEN, HourlySettings(), target="T")
    assert (made.features, made.report.left_out) == (["T"], {"wd": 1.0})


def test_an_hour_without_its_target_is_none_whatever_the_others_say():
    rows = weather(10)
    rows.loc[144 * 4 : 144 * 6, "T"] = np.nan
    made = hourly_frame(rows, TEN, HourlySettings(), target="T")
    assert made.frame["segment"].nunique() == 2


def test_an_interpolated_hour_is_neither_origin_nor_target():
    rows = weather(20)
    rows.loc[rows["time"] == pd.Timestamp("2021-01-10 05:10"), "T"] = np.nan
    task = Task(target="T", context_hours=24, horizon_hours=6)
    whole, gap = (
        dataset_of(TEN, task, hourly_frame(each, TEN, HourlySettings(), target="T"), FractionSplit(), "book")
        for each in (weather(20), rows)
    )
    filled = pd.Timestamp("2021-01-10 05:10")
    for dataset, there in ((whole, True), (gap, False)):
        origins = np.concatenate([dataset.origins(part) for part in PARTS])
        assert (filled in dataset.times[origins]) is there
        assert (filled in dataset.times[origins + task.horizon_hours]) is there
    assert sum(len(whole.starts(part)) - len(gap.starts(part)) for part in PARTS) == 2
    assert gap.fingerprint != whole.fingerprint


@pytest.mark.parametrize("method", ["subsample", "mean"])
def test_an_amount_is_that_of_the_whole_hour(method: str):
    station = station_of({"T": "degC", "rain": "mm"}, cadence="10min")
    rows = ten_minutes(60, start="2021-01-01 00:10").rename(columns={"wd": "rain"}).assign(rain=0.5)
    frame = hourly_frame(rows, station, HourlySettings(method=method), target="T").frame
    assert frame["rain"].round(9).unique().tolist() == [3.0]


def test_directions_average_by_the_speed_of_the_wind():
    station = station_of({"T": "degC", "wd": "deg", "wv": "m/s"}, cadence="10min")
    rows = ten_minutes(6).assign(wd=[0.0, 0, 0, 90, 90, 90], wv=[0.0, 0, 0, 5, 5, 5])
    settings = HourlySettings(method="mean")
    assert hourly_frame(rows, station, settings).frame["wd"].tolist() == pytest.approx([90]), "from where it blew"
    calm = rows.assign(wv=0.0)
    assert hourly_frame(calm, station, settings).frame["wd"].tolist() == pytest.approx([45])


def test_hours_that_are_there_only_by_a_bridge_are_counted_where_a_variable_would_be_left_out_without_it():
    """wv is away for three of every eight hours: bridged up to six hours it is there, filled up to one it misses too much."""
    rows = weather(8)
    hour = rows["time"].dt.hour
    rows.loc[hour % 8 < 3, "wd"] = np.nan
    wanted = Wanted(hours=48, target="T", features=["T", "wd"], settings=HourlySettings(), bridge=timedelta(hours=6))
    recent = unbroken(rows, TEN, wanted)
    assert len(recent.frame) == 48
    assert recent.bridged_hours == 48, "no hour had all features without the bridge"
    with pytest.raises(DataError, match=r"too little was measured lately of wd \(.* % of the hours\), which the model reads"):
        unbroken(rows, TEN, replace(wanted, bridge=timedelta(0)))


@pytest.mark.parametrize("method", ["subsample", "mean"])
def test_no_rain_is_made_up_where_rows_are_missing(method: str):
    station = station_of({"T": "degC", "rain": "mm"}, cadence="10min")
    rows = ten_minutes(60, start="2021-01-01 00:10").rename(columns={"wd": "rain"}).assign(rain=0.0)
    rows.loc[[20, 26], "rain"] = 6.0
    frame = hourly_frame(rows.drop(index=range(21, 26)), station, HourlySettings(method=method), target="T").frame
    assert frame["rain"].sum() == 12, "what was measured; interpolated rows between two of a shower would make it 42"


def test_rain_of_an_hour_that_is_missing_beside_the_target_is_none():
    station = station_of({"T": "degC", "rain": "mm"}, cadence="60min")
    times = pd.date_range("2021-01-01", periods=100, freq="h").astype("datetime64[us]")
    rows = pd.DataFrame({"time": times, "T": np.sin(np.arange(100.0)), "rain": 2.0})
    rows.loc[[0, 40, 41, 42, 43, 99], "rain"] = np.nan
    made = hourly_frame(rows, station, HourlySettings(side_missing_share=0.5), target="T")
    assert made.frame["rain"].sum() == 2 * 94
