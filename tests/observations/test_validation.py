"""What Great Expectations is asked, and that each fault is found, named and counted."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsflow.errors import SettingsError
from tsflow.observations.expectations import Failure, load_suite
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.validation import ValidationReport, data_docs, validate_hourly, validate_observations
from tsflow.settings import HourlySettings
from tsflow.stations.formulas import all_formulas, formula
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station, load_station
from tsflow.task import Task

NOW = datetime(2026, 11, 1)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        pytest.fail(f"a connection was opened: {args[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture
def roof(jena: Station) -> Station:
    """Six of Jena's variables: Great Expectations takes 10 ms an expectation, whatever the rows."""
    names = ("p", "T", "Tpot", "rh", "wv", "wd")
    return jena.model_copy(update={"variables": {name: jena.variables[name] for name in names}})


def batch(station: Station, rows: int = 1000) -> pd.DataFrame:
    """Rows of quiet weather in which every formula holds."""
    hours = np.arange(rows) * station.cadence.total_seconds() / 3600
    temperature = 10 + 5 * np.sin(2 * np.pi * hours / 24)
    columns = {
        "time": pd.date_range("2021-03-01 00:10", periods=rows, freq=station.cadence).astype("datetime64[us]"),
        "p": 990.0 + 3 * np.sin(2 * np.pi * hours / 50),  # a pressure that rests is that of a stuck barometer
        "T": temperature,
        "Tdew": temperature - 4,
        "rh": np.full(rows, 70.0),
        "VPmax": 6.1 * np.exp(17.6 * temperature / (243 + temperature)),
        "wv": np.full(rows, 2.0),
        "max_wv": np.full(rows, 4.0),
        "wd": np.full(rows, 180.0),
    }
    for one in all_formulas():
        columns[one.name] = one.compute(*(columns[name] for name in one.inputs))
    return pd.DataFrame(columns)[["time", *station.variables]]


def hourly(station: Station, rows: int = 300) -> pd.DataFrame:
    """Hourly rows in two segments with a day between them."""
    frame = batch(station, rows)
    times = pd.Series(pd.date_range("2021-03-01", periods=rows, freq="h").astype("datetime64[us]"))
    second = np.arange(rows) >= 200
    return frame.assign(time=times.where(~second, times + timedelta(days=1)), segment=second.astype("int64"))


def spoil(frame: pd.DataFrame, column: str, rows: slice | list[int], value: object) -> pd.DataFrame:
    spoilt = frame.copy()
    spoilt.loc[rows, column] = value
    return spoilt


def only_failure(report: ValidationReport) -> Failure:
    assert len(report.failures) == 1, report.summary()
    return report.failures[0]


def test_a_batch_without_fault_fits_every_expectation(jena: Station):
    report = validate_observations(batch(jena), jena, HourlySettings(), now=NOW)
    assert report.success
    assert report.failures == []
    # 4 of the table and time's form, 3 of time, 2 of gaps; 4 a variable; 2 a formula; 4 for each of p, T and Tdew
    assert report.statistics["expectations"] == 4 + 3 + 2 + 4 * 14 + 2 * 8 + 4 * 3
    assert report.summary().startswith("observations of jena: accepted (1,000 rows from 2021-03-01 00:10:00")


@pytest.mark.parametrize("value", [60.0, -9999.0, np.inf])
def test_one_value_outside_its_range_is_told_and_the_batch_is_taken(roof: Station, value: float):
    report = validate_observations(spoil(batch(roof), "wv", [7], value), roof, HourlySettings(), now=NOW)
    failure = only_failure(report)
    assert report.success
    assert (failure.severity, failure.column, failure.rows) == ("warning", "wv", 1)
    assert failure.expected == "wv values must be greater than or equal to 0 and less than or equal to 40"
    assert [example.time for example in failure.examples] == ["2021-03-01 01:20:00"]
    assert "found 1 of 1,000 rows that break this (0.1 %), at 2021-03-01 01:20:00" in report.summary()
    assert "the value counts as missing" in report.summary()


def test_more_values_outside_their_range_than_may_be_missing_refuse_the_batch(roof: Station):
    at_most = spoil(batch(roof), "wv", slice(0, 49), 60.0)
    assert validate_observations(at_most, roof, HourlySettings(), now=NOW).success
    report = validate_observations(spoil(at_most, "wv", [50], 60.0), roof, HourlySettings(), now=NOW)
    assert not report.success
    critical = next(failure for failure in report.failures if failure.severity == "critical")
    assert (critical.column, critical.rows) == ("wv", 51)
    assert "at least 95 % of the time" in critical.expected
    assert "compare `unit` and `column`" in report.summary()


def test_ranges_come_from_the_station_file(roof: Station):
    narrow = roof.variables["wv"].model_copy(update={"range": (0.0, 1.5)})
    station = roof.model_copy(update={"variables": {**roof.variables, "wv": narrow}})
    found = validate_observations(batch(roof), station, HourlySettings(), now=NOW).failures
    critical = found[0]
    assert (critical.severity, critical.rows) == ("critical", 1000)
    assert "less than or equal to 1.5" in critical.expected


def test_a_variable_may_miss_the_share_that_the_station_file_allows_and_no_more(roof: Station):
    at_most = spoil(batch(roof), "T", slice(0, 49), np.nan)
    assert validate_observations(at_most, roof, HourlySettings(), now=NOW).success
    failure = only_failure(validate_observations(spoil(at_most, "T", [50], np.nan), roof, HourlySettings(), now=NOW))
    assert (failure.severity, failure.column, failure.rows) == ("critical", "T", 51)
    assert failure.expected == "T values must not be null, at least 95 % of the time"


def test_a_dead_sensor_beside_the_target_is_told_and_does_not_refuse_the_batch(roof: Station):
    report = validate_observations(spoil(batch(roof), "wd", slice(0, 600), np.nan), roof, HourlySettings(), now=NOW)
    assert report.success
    failure = only_failure(report)
    assert (failure.severity, failure.column, failure.rows) == ("warning", "wd", 601)


@pytest.mark.parametrize(
    ("fault", "column", "found"),
    [
        (lambda frame: frame.drop(columns="rh"), None, "missing: rh"),
        (lambda frame: frame.rename(columns={"T": "Temp"}), None, "missing: T; unexpected: Temp"),
        (lambda frame: frame[["time", *reversed(frame.columns[1:])]], None, "another order: time, wd, wv"),
        (lambda frame: frame.iloc[:0], None, "0"),
        (lambda frame: frame.assign(p=frame["p"].astype(str)), "p", "str"),
        (lambda frame: frame.assign(time=frame["time"].astype(str)), "time", "str"),
        (lambda frame: frame.assign(time=frame["time"].dt.tz_localize("UTC")), "time", "Timestamp"),
        (lambda frame: spoil(frame, "time", [3], pd.NaT), "time", "1 of 1,000 rows that break this (0.1 %)"),
    ],
    ids=["lacks a column", "other name", "other order", "no row", "text", "times as text", "times with a zone", "no time"],
)
def test_a_batch_of_another_form_is_refused_before_anything_is_computed(
    roof: Station, fault: Callable[[pd.DataFrame], pd.DataFrame], column: str | None, found: str
):
    report = validate_observations(fault(batch(roof)), roof, HourlySettings(), now=NOW)
    failure = only_failure(report)
    assert not report.success
    assert (failure.severity, failure.column) == ("critical", column)
    assert failure.found.startswith(found)
    assert failure.remedy


def test_times_must_rise(roof: Station):
    frame = batch(roof)
    frame.loc[[10, 11], "time"] = frame.loc[[11, 10], "time"].to_numpy()
    report = validate_observations(frame, roof, HourlySettings(), now=NOW)
    critical = [failure for failure in report.failures if failure.severity == "critical"]
    assert [(failure.column, failure.rows) for failure in critical] == [("time", 1)]
    assert "strictly greater than previous values" in critical[0].expected


def test_a_time_may_come_once(roof: Station):
    frame = batch(roof)
    frame.loc[20, "time"] = frame.loc[19, "time"]
    report = validate_observations(frame, roof, HourlySettings(), now=NOW)
    unique = next(failure for failure in report.failures if failure.expectation == "expect_column_values_to_be_unique")
    assert (unique.severity, unique.column, unique.rows) == ("critical", "time", 2)


def test_a_time_may_lie_ahead_by_one_row_at_most(roof: Station):
    frame = batch(roof)
    last = frame["time"].iloc[-1].to_pydatetime()
    assert validate_observations(frame, roof, HourlySettings(), now=last - roof.cadence).success
    failure = only_failure(validate_observations(frame, roof, HourlySettings(), now=last - 3 * roof.cadence))
    assert (failure.severity, failure.column, failure.rows) == ("critical", "minutes ahead", 2)
    assert failure.examples[-1].time == str(last)


def test_a_long_gap_is_told_and_not_refused(roof: Station):
    frame = batch(roof, 2000).drop(index=range(500, 500 + 18)).reset_index(drop=True)
    report = validate_observations(frame, roof, HourlySettings(), now=NOW)
    failure = only_failure(report)
    assert report.success
    assert (failure.severity, failure.column, failure.rows) == ("warning", "gap minutes", 1)
    assert [(example.time, example.value) for example in failure.examples] == [("2021-03-04 14:30:00", 180.0)]
    assert (report.statistics["missing_rows"], report.statistics["longest_gap_minutes"]) == (18, 180.0)
    assert "accepted, 1 warning" in report.summary()


def test_a_gap_that_is_filled_later_is_no_warning(roof: Station):
    frame = batch(roof).drop(index=range(500, 506)).reset_index(drop=True)
    assert validate_observations(frame, roof, HourlySettings(), now=NOW).failures == []
    short = HourlySettings(fill_gaps_up_to=timedelta(minutes=50))
    assert only_failure(validate_observations(frame, roof, short, now=NOW)).column == "gap minutes"


def test_many_missing_rows_are_told(roof: Station):
    frame = batch(roof).iloc[np.arange(1000) % 4 != 0].reset_index(drop=True)
    failure = only_failure(validate_observations(frame, roof, HourlySettings(), now=NOW))
    assert (failure.severity, failure.column) == ("warning", "missing rows")
    assert float(failure.found) == pytest.approx(249 / 750, abs=1e-3)


@pytest.mark.parametrize(("rows", "severity"), [(4, None), (20, "warning"), (60, "critical")])
def test_a_formula_that_does_not_hold_is_a_warning_for_some_rows_and_refuses_many(roof: Station, rows: int, severity: str | None):
    frame = batch(roof)
    frame.loc[: rows - 1, "Tpot"] += 1.5 * formula("Tpot").tolerance
    report = validate_observations(frame, roof, HourlySettings(), now=NOW)
    assert report.success == (severity != "critical")
    assert [(failure.severity, failure.column, failure.rows) for failure in report.failures] == (
        [(severity, "residual of Tpot", rows)] if severity else []
    )


def test_every_formula_is_checked(jena: Station):
    frame = batch(jena)
    for step, one in enumerate(all_formulas(), start=3):
        frame[one.name] += step * one.tolerance
    report = validate_observations(frame, jena, HourlySettings(), now=NOW)
    residuals = {failure.column for failure in report.failures if failure.severity == "critical"}
    assert residuals == {f"residual of {one.name}" for one in all_formulas()}


def test_swapped_columns_are_refused(jena: Station):
    frame = batch(jena)
    frame[["VPact", "VPdef"]] = frame[["VPdef", "VPact"]].to_numpy()
    report = validate_observations(frame, jena, HourlySettings(), now=NOW)
    critical = {failure.column for failure in report.failures if failure.severity == "critical"}
    assert {"residual of VPact", "residual of H2OC", "residual of sh"} <= critical
    assert "columns are swapped" in report.summary()


def test_derived_variables_are_not_checked_against_their_own_formula(hourly_station: Station):
    report = validate_observations(batch(hourly_station), hourly_station, HourlySettings(), now=NOW)
    assert report.failures == []
    assert report.statistics["expectations"] == 4 + 3 + 2 + 4 * 12 + 2 * 2 + 4 * 3


def test_an_hourly_frame_without_fault_fits_every_expectation(jena: Station):
    report = validate_hourly(hourly(jena), jena, list(jena.variables), Task(target="T"))
    assert report.success
    assert report.failures == []
    assert report.summary().startswith("hourly of jena: accepted (300 rows")


@pytest.mark.parametrize(
    ("fault", "severity", "column", "rows"),
    [
        (lambda frame: spoil(frame, "T", [5, 6], np.nan), "critical", "T", 2),
        (lambda frame: spoil(frame, "rh", [5], 101.0), "critical", "rh", 1),
        (lambda frame: frame.drop(index=[50, 51]).reset_index(drop=True), "critical", "step minutes", 1),
        (lambda frame: spoil(frame, "segment", slice(100, 149), 2), "critical", "segment", 1),
        (lambda frame: frame.assign(segment=frame["segment"].astype(float)), "critical", "segment", None),
        (lambda frame: frame.drop(columns="segment"), "critical", None, None),
        (lambda frame: frame.iloc[:143], "warning", None, None),
    ],
    ids=["NaN", "range", "hole in a segment", "segments out of order", "segment as float", "no segment", "less than a window"],
)
def test_each_fault_of_an_hourly_frame_is_found(
    roof: Station,
    fault: Callable[[pd.DataFrame], pd.DataFrame],
    severity: str,
    column: str | None,
    rows: int | None,
):
    report = validate_hourly(fault(hourly(roof)), roof, list(roof.variables), Task(target="T"))
    graver = [failure for failure in report.failures if failure.severity == severity]
    assert (column, rows) in [(failure.column, failure.rows) for failure in graver]
    assert report.success == (severity != "critical")


def test_hourly_times_must_rise(roof: Station):
    frame = hourly(roof)
    frame.loc[[10, 11], "time"] = frame.loc[[11, 10], "time"].to_numpy()
    report = validate_hourly(frame, roof, list(roof.variables), Task(target="T"))
    assert ("time", 1) in [(failure.column, failure.rows) for failure in report.failures]


def test_files_that_are_hourly_already_may_drift_by_less_than_half_an_hour(jena: Station, hourly_station: Station):
    def drifting(station: Station) -> pd.DataFrame:
        frame = hourly(station)
        return frame.assign(time=frame["time"] + pd.to_timedelta(np.where(np.arange(len(frame)) >= 100, 20, 0), unit="min"))

    assert validate_hourly(drifting(hourly_station), hourly_station, list(hourly_station.variables), Task(target="T")).success
    assert only_failure(validate_hourly(drifting(jena), jena, list(jena.variables), Task(target="T"))).column == "step minutes"


@pytest.mark.parametrize(
    ("name", "files", "told"),
    [
        ("jena", ["mpi_roof_2020a.zip", "mpi_roof_2020b.zip"], [("2020-05-29 11:10:00", 90.0)]),
        ("jena", ["mpi_roof.zip"], []),
        ("jena_hourly", ["jena_hourly_2009_2014.csv.gz"], [("2014-09-25 09:40:00", 950.0), ("2011-06-06 13:30:00", 914.1)]),
    ],
    ids=["2020", "near-real-time", "hourly"],
)
def test_real_files_pass_and_their_known_gaps_and_spikes_are_told(
    data: Path, name: str, files: list[str], told: list[tuple[str, float]]
):
    station = load_station(name)
    frame, _ = parse([RawFile(file, (data / file).read_bytes()) for file in files], station, now=NOW)
    report = validate_observations(frame, station, HourlySettings(), now=NOW)
    assert report.success, report.summary()
    assert [(row.time, row.value) for failure in report.failures for row in failure.examples] == told
    for method in ("subsample", "mean"):
        hours = hourly_frame(frame, station, HourlySettings(method=method)).frame
        checked = validate_hourly(hours, station, list(station.variables), Task(target="T"))
        assert checked.failures == [], checked.summary()


def test_data_docs_show_infinite_values(roof: Station):
    report = validate_observations(spoil(batch(roof), "T", [1], -np.inf), roof, HourlySettings(), now=NOW)
    assert "-inf" in data_docs(report)["observations.html"].decode()


def test_data_docs_are_one_page_that_loads_nothing(roof: Station):
    report = validate_observations(spoil(batch(roof), "T", [1], 99.0), roof, HourlySettings(), now=NOW)
    pages = data_docs(report)
    assert list(pages) == ["observations.html"]
    page = pages["observations.html"].decode()
    assert not re.search(r"//[a-z]|<script|<img|@import|url\(", page)
    assert re.findall(r'(?:src|href)="(?!#)([^"]*)"', page) == ["data:,"]
    assert "refused" in page
    assert "T values must be greater than or equal to -40 and less than or equal to 45" in page
    assert "Rendered by Great Expectations" in page


def test_data_docs_of_a_batch_of_another_form_can_be_rendered(roof: Station):
    report = validate_observations(batch(roof).drop(columns="rh").assign(p="<b>x</b>"), roof, HourlySettings(), now=NOW)
    page = data_docs(report)["observations.html"].decode()
    assert "missing: rh" in page
    assert "<b>" not in page


@pytest.mark.parametrize("name", ["observations", "hourly"])
def test_the_suites_are_great_expectations_own_json(name: str):
    suite = load_suite(name)
    assert suite.name == name
    for expectation in suite.to_json_dict()["expectations"]:
        assert expectation["meta"]["remedy"], expectation["type"]
        assert expectation["severity"] in ("critical", "warning")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("expect_column_values_to_be_unique", "expect_column_to_be_nice", "expect_column_to_be_nice"),
        ('"name": "observations",', '"name": "observations"', "Expecting ',' delimiter"),
        ('"cadence_minutes"', '"cadence_hours"', "cadence_hours"),
    ],
    ids=["unknown expectation", "broken JSON", "unknown parameter"],
)
def test_a_suite_that_cannot_be_used_names_its_file(home: Path, roof: Station, old: str, new: str, said: str):
    path = home / "include" / "expectations" / "observations.json"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape(str(path))) as caught:
        validate_observations(batch(roof), roof, HourlySettings(), now=NOW)
    assert said in str(caught.value)


def test_a_suite_that_names_no_stage_still_holds_the_datas_own_columns_against_the_station(home: Path, roof: Station):
    path = home / "include" / "expectations" / "observations.json"
    content = json.loads(path.read_text())
    for expectation in content["expectations"]:
        expectation["meta"].pop("stage", None)
    path.write_text(json.dumps(content))
    assert validate_observations(batch(roof), roof, HourlySettings(), now=NOW).success
    other = batch(roof).rename(columns={"T": "TT"})
    assert "missing: T; unexpected: TT" in only_failure(validate_observations(other, roof, HourlySettings(), now=NOW)).found


def test_importing_validation_does_not_load_great_expectations():
    code = "import sys, tsflow.observations.validation; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
