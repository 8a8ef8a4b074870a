"""What is set aside of the rows: out of range, stuck, spikes; on rows small enough to see, and against a slow loop."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st
from pydantic import ValidationError

from conftest import station_of
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.plausible import judged, plausible
from tsflow.observations.validation import validate_observations
from tsflow.records.dataset import HourlyReport, Implausible, Reading
from tsflow.settings import HourlySettings
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station, load_station

NOW = datetime(2026, 11, 1)
PLAIN = station_of({"T": "degC", "wv": "m/s"}, cadence="10min")


def watching(**settings: object) -> Station:
    return PLAIN.changed(variables={**PLAIN.variables, "T": PLAIN.variables["T"].changed(**settings)})


def rows(values: list[float], minutes: list[int] | None = None) -> pd.DataFrame:
    minutes = [10 * number for number in range(len(values))] if minutes is None else minutes
    times = pd.Timestamp("2021-01-01") + pd.to_timedelta(minutes, unit="min")
    return pd.DataFrame({"time": times.astype("datetime64[us]"), "T": np.array(values, dtype=float), "wv": 1.0})


def found(values: list[float], kind: str, station: Station, minutes: list[int] | None = None) -> list[int]:
    return np.flatnonzero(judged(rows(values, minutes), station)["T"][kind]).tolist()


SPIKY, STICKY = watching(step_at_most=10), watching(stuck_for="30min")


@pytest.mark.parametrize(
    ("values", "spikes"),
    [
        ([1, 2, 50, 3, 4], [2]),
        ([1, 2, -50, 3, 4], [2]),
        ([1, 50, 55, 52, 3], [1, 2, 3]),
        ([1, 50, 55, 52, 51, 3], []),  # four rows
        ([1, 2, 50, 51, 52, 53], []),  # a change that stays
        ([1, 2, 50, 30, 31, 32], []),  # nor does it come back
        ([1, 2, 12, 3, 4], []),  # as much as it may
        ([1, 2, 3, 50], []),  # nobody knows yet
        ([50, 1, 2], []),
        ([1, np.nan, 50, 2], []),  # the row before it is missing: it is not judged
        ([1, 50, -50, 2], []),  # on two sides: which one was it?
        ([1, 2, 50, 3, 60, 4], [2, 4]),
        ([], []),
        ([1], []),
    ],
)
def test_a_value_that_goes_off_and_comes_back_is_a_spike(values: list[float], spikes: list[int]):
    assert found(values, "spike", SPIKY) == spikes
    assert found(values, "spike", PLAIN) == []


@pytest.mark.parametrize(
    ("values", "stuck"),
    [
        ([1, 5, 5, 5, 5, 5, 2], [2, 3, 4, 5]),  # 40 minutes; the first of them was measured
        ([1, 5, 5, 5, 5, 2], []),  # 30 minutes
        ([5, 5, np.nan, 5, 5, 5], [1, 3, 4, 5]),
        ([5, 5, 5.01, 5, 5], []),
        ([], []),
        ([np.nan, np.nan], []),
    ],
)
def test_a_value_that_is_the_same_for_too_long_is_stuck(values: list[float], stuck: list[int]):
    assert found(values, "stuck", STICKY) == stuck
    assert found(values, "stuck", PLAIN) == []


def test_the_same_value_after_a_long_gap_is_another_one():
    assert found([5, 5, 5, 5], "stuck", STICKY, [0, 10, 300, 310]) == []
    assert found([1, 50, 2], "spike", SPIKY, [0, 10, 300]) == []


def test_a_value_counts_for_one_reason_alone_and_does_not_hide_the_next():
    station = watching(range=(-40.0, 45.0), stuck_for="30min", step_at_most=10)
    frame = rows([1, 999, 30, 2, 3, 3, 3, 3, 3, 3])
    kept, told = plausible(frame, station)
    assert [(seen.kind, seen.count) for seen in told] == [("out of range", 1), ("stuck", 5)]
    assert told[0].first == [Reading(time=datetime(2021, 1, 1, 0, 10), value=999)]
    assert kept["T"].isna().to_numpy().nonzero()[0].tolist() == [1, 5, 6, 7, 8, 9]
    assert frame["T"].notna().all(), "the frame that was given stays as it is"


def test_what_a_formula_makes_of_a_value_that_is_set_aside_is_set_aside_too(data: Path, hourly_station: Station):
    """On 2011-06-06 the real record holds a pressure of 914.1 mbar between two of 977."""
    name = "jena_hourly_2009_2014.csv.gz"
    frame, _ = parse([RawFile(name, (data / name).read_bytes())], hourly_station, now=NOW)
    told = plausible(frame, hourly_station)[1]
    assert [(seen.variable, seen.kind, seen.count) for seen in told] == [
        (one, "spike", 1) for one in ("p", "Tpot", "sh", "H2OC", "rho")
    ]
    assert told[0].first == [Reading(time=datetime(2011, 6, 6, 13, 30), value=914.1)]


@pytest.mark.parametrize("files", [["mpi_roof_2020a.zip", "mpi_roof_2020b.zip"], ["mpi_roof.zip"]])
def test_the_settings_of_jena_set_nothing_aside_that_was_measured(data: Path, files: list[str]):
    station = load_station("jena_whole")
    frame, _ = parse([RawFile(name, (data / name).read_bytes()) for name in files], station, now=NOW)
    assert plausible(frame, station)[1] == []


def test_a_stuck_wind_of_a_real_file_is_found_where_the_station_file_asks_for_it(data: Path):
    """From 2024-06-30 on the anemometer said 4.12 m/s for 22 hours, and the like again."""
    station = load_station("jena")
    asked = station.changed(variables={**station.variables, "wv": station.variables["wv"].changed(stuck_for=timedelta(hours=6))})
    frame, _ = parse([RawFile("mpi_roof.zip", (data / "mpi_roof.zip").read_bytes())], asked, now=NOW)
    (seen,) = plausible(frame, asked)[1]
    assert (seen.variable, seen.kind, seen.count) == ("wv", "stuck", 1042)
    assert seen.first[0] == Reading(time=datetime(2024, 6, 30, 5, 40), value=4.12)


def test_hours_report_what_was_set_aside_and_fill_it_like_missing_values():
    station = watching(step_at_most=10)
    station = station.changed(timestamp=station.timestamp.changed(minute=0))
    values = np.arange(60.0)
    values[[6, 13]] = [99, 120]
    made = hourly_frame(rows(values.tolist()), station, HourlySettings())
    assert made.frame["T"].tolist() == pytest.approx([6.0 * hour for hour in range(10)])
    assert made.report.set_aside == {"T": 2}
    (told,) = made.report.implausible
    assert told == Implausible(
        variable="T",
        kind="spike",
        count=2,
        first=[Reading(time=datetime(2021, 1, 1, 1), value=99), Reading(time=datetime(2021, 1, 1, 2, 10), value=120)],
    )


def test_an_infinite_value_is_told_in_json():
    told = plausible(rows([1, np.inf, 2]), PLAIN)[1]
    assert told[0].first[0].value is None
    report = HourlyReport(implausible=told)
    assert HourlyReport.model_validate_json(report.model_dump_json()) == report


@pytest.mark.parametrize("kind", ["stuck", "spike"])
def test_single_ones_warn_and_more_than_may_be_missing_refuse_the_batch(kind: str):
    station = watching(stuck_for="30min", step_at_most=10)
    values = np.sin(np.arange(400.0)).round(6)
    few, many = (slice(50, 56), slice(50, 80)) if kind == "stuck" else (slice(50, 51), slice(50, 110, 2))
    for where, success in ((few, True), (many, False)):
        spoilt = values.copy()
        spoilt[where] = 5.0 if kind == "stuck" else 50.0
        report = validate_observations(rows(spoilt.tolist()), station, HourlySettings(), now=NOW)
        assert report.success is success, report.summary()
        told = [failure for failure in report.failures if failure.column == ("stuck T" if kind == "stuck" else "spike of T")]
        assert [failure.severity for failure in told] == ["warning" if success else "critical"]
        assert told[0].examples[0].time.startswith("2021-01-01 08:")
        assert told[0].examples[0].value == (5.0 if kind == "stuck" else 50.0)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"stuck_for": "10min"}, "stuck_for: found 0:10:00, expected two cadences"),
        ({"stuck_for": "soon"}, "stuck_for"),
        ({"step_at_most": 0}, "step_at_most"),
        ({"step_at_most": 5, "unit": "deg"}, "a direction may turn by any angle"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings: dict[str, object], says: str):
    with pytest.raises(ValidationError, match=says):
        watching(**settings)


def slow_spikes(values: list[float], step: float) -> set[int]:
    """Every run of up to three values, looked at one by one; a missing one counts for nothing but parts its neighbours."""
    hit: set[int] = set()
    for i in range(1, len(values) - 1):
        for width in range(1, min(3, len(values) - 1 - i) + 1):
            inside, before, after = values[i : i + width], values[i - 1], values[i + width]
            if any(np.isnan(x) for x in (*inside, before, after)) or abs(after - before) > step or i - 1 in hit:
                continue
            if all(x - max(before, after) > step for x in inside) or all(min(before, after) - x > step for x in inside):
                hit |= set(range(i, i + width))
    return hit


def slow_stuck(values: list[float], longest: int) -> set[int]:
    """Every run of one value, row by row; up to three missing ones in between do not end it."""
    known = [i for i, x in enumerate(values) if not np.isnan(x)]
    runs: list[list[int]] = []
    for i in known:
        if runs and values[runs[-1][-1]] == values[i] and i - runs[-1][-1] <= 4:
            runs[-1].append(i)
        else:
            runs.append([i])
    return {i for run in runs if run[-1] - run[0] > longest for i in run[1:]}


@tries(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, 20.0, 25.0, -30.0, np.nan]), max_size=40))
def test_the_fast_search_finds_what_a_slow_loop_finds(values: list[float]):
    assert set(found(values, "spike", SPIKY)) == slow_spikes(values, 10)
    assert set(found(values, "stuck", STICKY)) == slow_stuck(values, 3)
