"""Forecasts that are made, or the named reason why not; and how they are scored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import hourly_rows, station_of, write_station
from published import described, promote
from tsflow import steps
from tsflow.architectures.baselines import Persistence
from tsflow.bundle.intervals import Intervals
from tsflow.champion.bundle import write_bundle
from tsflow.client import forecast_latest
from tsflow.limits import MonitorSettings
from tsflow.monitoring.alerts import alerts_of, sentences
from tsflow.monitoring.drift import bias_z, drift, robust_z
from tsflow.monitoring.forecasts import forecasts_made, publish_latest
from tsflow.monitoring.scoring import days_scored, pooled, scores
from tsflow.observations.store import ObservationStore
from tsflow.records.forecast import Alert, DayScore, Drift, LatestForecast, Report
from tsflow.records.store import Records
from tsflow.settings import override, settings
from tsflow.storage.codecs import to_json

START = datetime(2021, 1, 1)


@pytest.fixture
def small_station(records: Records, home: Any) -> Records:
    """A station of hourly T and f1 with a champion that says 'as now', and ten days of rows, in UTC plus nothing."""
    write_station(home / "include" / "stations" / "small.yaml", station_of({"T": "degC", "f1": "m/s"}))
    rows = hourly_rows(240, features=2)
    ObservationStore(records, "small").upsert(rows, known_at=datetime(2021, 2, 1))
    told = described("v1")
    promote(records.objects, told, *write_bundle(records.objects, told, {"model.onnx": Persistence(120, 4, 0).to_onnx()}))
    return records


def made_at(records: Records, hours: float) -> Any:
    return steps.make_forecast(records, settings(), "small", "main", now=(START + timedelta(hours=hours)).replace(tzinfo=UTC))


def test_a_forecast_reads_no_row_after_its_moment_and_lies_by_day_and_in_latest(small_station: Records):
    rows = hourly_rows(240, features=2)
    latest = made_at(small_station, 150.5)
    assert latest.status == "ok"
    assert latest.forecast.origin == START + timedelta(hours=150)
    assert latest.forecast.value == pytest.approx(rows["T"][150], abs=1e-3) == latest.forecast.naive
    assert latest.forecast.target_time == START + timedelta(hours=174)
    assert latest.data_age_hours == 0.5
    assert forecast_latest("small", small_station.objects)["forecast"]["version"] == "v1"
    later = made_at(small_station, 151.2)
    assert made_at(small_station, 150.7) == later, "an older one does not take its place"
    kept = forecasts_made(small_station, "small", "main", since=START, until=START + timedelta(days=10))
    assert kept["origin"].tolist() == [pd.Timestamp(START) + pd.Timedelta(hours=hour) for hour in (150, 151)]


@pytest.mark.parametrize(("missing", "bridged"), [(3, 3), (6, 6), (7, None)])
def test_a_gap_in_the_context_is_bridged_up_to_a_limit_and_told(records: Records, home: Any, missing: int, bridged: int | None):
    write_station(home / "include" / "stations" / "small.yaml", station_of({"T": "degC", "f1": "m/s"}))
    rows = hourly_rows(240, features=2)
    gap = (rows.index >= 100) & (rows.index < 100 + missing)
    ObservationStore(records, "small").upsert(rows[~gap], known_at=datetime(2021, 2, 1))
    told = described("v1")
    promote(records.objects, told, *write_bundle(records.objects, told, {"model.onnx": Persistence(120, 4, 0).to_onnx()}))
    latest = made_at(records, 150.5)
    if bridged is None:
        assert latest.problem == "gap in the context"
    else:
        assert (latest.status, latest.bridged_hours) == ("ok", bridged)
    assert made_at(records, 235.5).bridged_hours == 0, "the gap has left the context"


@pytest.mark.parametrize(
    ("hours", "problem", "says"),
    [
        (300, "stale data", "the newest hour is 2021-01-10 23:00:00, 61.0 h ago; 6 are allowed"),
        (60, "gap in the context", "61 consecutive hours since 2021-01-01 00:00:00, the model reads 120"),
        (-50, "no observations", "has no observations in the store"),
    ],
)
def test_where_none_can_be_made_the_reason_has_a_name(small_station: Records, hours: float, problem: str, says: str):
    latest = made_at(small_station, hours)
    assert (latest.status, latest.problem) == ("none", problem)
    assert says in latest.reason


def test_a_station_without_champion_says_so_and_the_last_forecast_stays(small_station: Records):
    good = made_at(small_station, 150)
    stale = made_at(small_station, 300)
    assert (stale.status, stale.forecast) == ("none", good.forecast)
    objects = small_station.objects
    objects._s3.delete_object(Bucket=objects.bucket, Key="champions/small/champion.json")
    for number in (1,):
        objects._s3.delete_object(Bucket=objects.bucket, Key=f"champions/small/history/{number:06d}.json")
    assert made_at(small_station, 301).problem == "no champion"


def test_scores_are_those_of_a_slow_loop():
    random = np.random.default_rng(1)
    origins = pd.date_range("2021-01-01", periods=60, freq="h")
    table = pd.DataFrame(
        {
            "origin": origins,
            "target_time": origins + pd.Timedelta(hours=24),
            "lead_hours": 24,
            "forecast": random.normal(size=60),
            "naive": random.normal(size=60),
            "version": "v1",
            "low_0.8": -1.0,
            "high_0.8": 1.0,
        }
    )
    truth = pd.Series(random.normal(size=50), index=origins[:50] + pd.Timedelta(hours=24))
    found = {score.day: score for score in scores(table, truth, station="s", task="main", horizon_hours=24)}
    assert list(found) == ["2021-01-02", "2021-01-03", "2021-01-04"]
    assert [score.forecasts for score in found.values()] == [24, 24, 2]
    slow = [abs(table["forecast"][row] - truth.iloc[row]) for row in range(24, 48)]
    assert found["2021-01-03"].mae == pytest.approx(sum(slow) / 24)
    inside = [-1 <= truth.iloc[row] <= 1 for row in range(24, 48)]
    assert found["2021-01-03"].coverage == {"0.8": pytest.approx(sum(inside) / 24)}
    error, naive, _ = pooled(list(found.values()))
    assert error == pytest.approx(np.abs(table["forecast"][:50] - truth.to_numpy()).mean())
    assert naive == pytest.approx(np.abs(table["naive"][:50] - truth.to_numpy()).mean())


def test_reaches_count_published_half_widths_whatever_an_interval_was_stretched_by():
    origins = pd.date_range("2021-01-01", periods=4, freq="h")
    table = pd.DataFrame(
        {
            "origin": origins,
            "target_time": origins + pd.Timedelta(hours=24),
            "lead_hours": 24,
            "forecast": 0.0,
            "naive": 0.0,
            "version": "v1",
            "low_0.8": [-1.0, -2.0, 0.0, np.nan],
            "high_0.8": [1.0, 2.0, 0.0, np.nan],
            "stretch_0.8": [np.nan, 2.0, 1.0, 1.0],
        }
    )
    truth = pd.Series(1.5, index=table["target_time"])
    (score,) = scores(table, truth, station="s", task="main", horizon_hours=24)
    assert score.reach == {"0.8": [1.5, 1.5]}, "the third interval is empty, the fourth is none"
    (older,) = scores(table.drop(columns="stretch_0.8"), truth, station="s", task="main", horizon_hours=24)
    assert older.reach == {"0.8": [1.5, 0.75]}


def day_of_misses(records: Records, day: datetime, reach: float) -> None:
    facts = {"forecasts": 24, "mae": 1.0, "rmse": 1.0, "bias": 0.0, "naive_mae": 1.0, "by_hour": {}, "versions": {}}
    told = {"reach": {"0.8": [reach] * 24}} if reach else {}
    records.append(
        DayScore(station="small", task="main", day=f"{day:%Y-%m-%d}", created_at=day.replace(tzinfo=UTC), **facts, **told)
    )


def test_the_next_intervals_are_wider_where_the_last_ones_held_too_few_and_the_forecast_says_so(small_station: Records):
    told, intervals = described("v2"), Intervals(1, (0.8,), ((-1.0,),) * 24, ((3.0,),) * 24, (100,) * 24)
    files = {"model.onnx": Persistence(120, 4, 0).to_onnx(), "intervals.json": to_json(intervals.to_dict())}
    promote(small_station.objects, told, *write_bundle(small_station.objects, told, files))
    plain = made_at(small_station, 200).forecast
    assert plain is not None
    (usual,) = plain.intervals
    assert (usual.high - usual.low, usual.stretch) == (pytest.approx(4), 1.0)
    today = START + timedelta(hours=206)
    for back in range(1, 21):
        day_of_misses(small_station, today - timedelta(days=back), 0.0 if back % 5 == 0 else 2.5)
    for later in range(3):  # what a day that is played again cannot know
        day_of_misses(small_station, today + timedelta(days=later), 0.1)
    made = made_at(small_station, 206).forecast
    assert made is not None
    (wide,) = made.intervals
    assert (wide.stretch, wide.low - made.value, wide.high - made.value) == (
        2.0,
        pytest.approx(-3, abs=0.01),
        pytest.approx(5, abs=0.01),
    )
    rows = forecasts_made(small_station, "small", "main", since=today - timedelta(days=1), until=today)
    assert rows.dropna(subset="stretch_0.8").set_index("origin").loc[made.origin, "stretch_0.8"] == 2.0
    override(["forecast.adaptive=false"])
    still = made_at(small_station, 212).forecast
    assert still is not None
    assert {each.stretch for each in still.intervals} == {1.0}


def test_a_sensor_that_is_off_or_stuck_stands_out_from_its_season():
    hours = hourly_rows(24 * 400, features=2, seed=3)
    recent = hours.tail(48)
    usual = drift(recent, hours, ["T", "f1"], days=2)
    assert abs(usual["f1"].level) < 4
    assert 0.5 < usual["f1"].spread < 2
    off = drift(recent.assign(f1=recent["f1"] + 3, T=7.0), hours, ["T", "f1"], days=2)
    assert off["f1"].level > 10
    assert off["T"].spread == 0
    assert robust_z(3.0, np.array([1.0, 1.0, 1.0, 2.0])) == 0.0, "what hardly ever changes says nothing of how far it may"
    assert drift(recent.tail(5), hours, ["T", "f1"], days=2) == {}, "a few hours after an outage are no window"
    assert drift(recent, hours.head(30), ["T"], days=2) == {}, "too little to compare with says nothing"


def test_a_bias_is_counted_in_deviations_of_such_means():
    random = np.random.default_rng(0)
    times = pd.date_range("2021-01-01", periods=24 * 100, freq="h")
    error = np.repeat(random.normal(0, 2, 100), 24)
    table = pd.DataFrame({"part": "test", "target_time": times, "truth": 0.0, "forecast": error})
    last = pd.date_range("2021-05-01", periods=48, freq="h")
    assert bias_z(pd.Series(8.0, index=last), table, days=2) == pytest.approx(8 / (2 / np.sqrt(2)), rel=0.25)
    assert bias_z(pd.Series(8.0, index=last[::6]), table, days=2) is not None, "a forecast each six hours"
    assert bias_z(pd.Series(8.0, index=last[-12:]), table, days=2) is None, "half a day is off to one side"
    assert bias_z(pd.Series([], dtype=float), table, days=2) is None


def report(**changes: Any) -> Report:
    known = {"station": "s", "task": "main", "day": "2021-01-01", "created_at": datetime(2021, 1, 1, tzinfo=UTC), "days": 7}
    return Report(**{**known, "data_age_hours": 1.0, "model_age_days": 1.0, **changes})


def nobody(_: Alert) -> bool:
    """Nobody was told of an alert yet."""
    return False


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"mae": 3.0, "naive_mae": 2.5, "skill": -0.2}, "skill", "the forecasts' error is 3.00, that of naive 2.50"),
        ({"coverage": {"0.8": 0.1}}, "coverage 0.8", "intervals of 80 % held 10 % of the last 7 days' truths"),
        ({"data_age_hours": 30.0}, "data", "the newest hour is 30.0 h old (limit 6 h)"),
        ({"data_age_hours": None}, "data", "nothing came in for days"),
        ({"model_age_days": 12.0}, "model", "the champion's data end 12.0 d ago (limit 7 d)"),
        ({"drift": {"T": Drift(level=7.0, spread=1.0)}}, "drift T", "T lies +7.0 robust deviations from its season"),
        ({"drift": {"rh": Drift(level=0.0, spread=0.01)}}, "stuck rh", "rh hardly moves"),
        ({"bias_z": -5.0}, "bias", "forecasts are off to one side"),
    ],
)
def test_a_limit_that_is_passed_is_an_alert_once(changes: dict[str, Any], kind: str, says: str):
    limits = MonitorSettings()
    quiet = report()
    assert alerts_of(quiet, None, limits, nobody)["alerts"] == []
    loud = report(**changes)
    first = loud.changed(**alerts_of(loud, quiet, limits, nobody))
    assert first.new_alerts == [kind]
    assert says in sentences(first)[kind]
    later = loud.changed(created_at=loud.created_at + timedelta(days=1))
    lost = later.changed(**alerts_of(later, first, limits, nobody))
    assert lost.new_alerts == [kind], "the notifier failed: it is told again"
    assert [alert.since for alert in lost.alerts] == [alert.since for alert in first.alerts]
    again = later.changed(**alerts_of(later, first, limits, lambda alert: alert in first.alerts))
    assert [alert.kind for alert in again.alerts] == [kind]
    assert sentences(again) == {}, "nobody is told twice"
    assert first.wants_retraining == (kind == "skill")


def test_the_monitor_scores_what_was_forecast(small_station: Records):
    for hour in range(130, 200, 6):
        made_at(small_station, hour)
    seen = small_station.fetch(
        Report, steps.monitor(small_station, settings(), "small", "main", now=(START + timedelta(hours=230)).replace(tzinfo=UTC))
    )
    assert seen.skill == pytest.approx(0.0, abs=0.01), "a champion that says 'as now' is as good as naive"
    days = days_scored(small_station, "small", "main")
    assert sum(score.forecasts for score in days) == 12
    assert days[0].mae == pytest.approx(days[0].naive_mae, abs=0.01)


def test_a_newest_forecast_of_a_clock_that_was_ahead_gives_way(records: Records):
    now = datetime.now(UTC)
    told = {"station": "small", "status": "none", "reason": "no rows", "observed": None, "forecast": None}
    ahead, known = (LatestForecast.model_validate({**told, "made_at": now + span}) for span in (timedelta(days=365), timedelta(0)))
    assert publish_latest(records, ahead) == ahead
    assert publish_latest(records, known) == known
    assert publish_latest(records, known.changed(made_at=now - timedelta(minutes=1))) == known, "of two the later one"
