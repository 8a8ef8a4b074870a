"""What a forecast is held against: the hours as models learn them, on whole days, whatever horizon, logger and target are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import station_of, write_station
from tsflow import steps
from tsflow.monitoring.drift import drift
from tsflow.monitoring.forecasts import keep
from tsflow.monitoring.scoring import days_scored, pooled
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.store import ObservationStore
from tsflow.records.forecast import Forecast, Interval, Report
from tsflow.records.store import Records
from tsflow.settings import override, settings
from tsflow.stations.station import Station

MARCH = pd.Timestamp(2026, 3, 1)


def stored(records: Records, home: Path, station: Station, times: pd.DatetimeIndex, values: object) -> Station:
    write_station(home / "include" / "stations" / "small.yaml", station)
    rows = pd.DataFrame({"time": times.astype("datetime64[us]"), station.target: values})
    ObservationStore(records, "small").upsert(rows, known_at=datetime(2026, 3, 1))
    return station


def forecast(
    records: Records, station: Station, horizon: int, origin: pd.Timestamp, value: float, *, intervals: bool = True
) -> None:
    moment = origin.to_pydatetime()
    made = Forecast(
        origin=moment,
        target_time=moment + timedelta(hours=horizon),
        target=station.target,
        unit=station.units[station.target],
        value=value,
        intervals=[Interval(level=0.8, low=value - 1, high=value + 1)] if intervals else [],
        naive=0.0,
        architecture="a",
        version="1",
        sequence=1,
        made_at=moment.replace(tzinfo=UTC),
    )
    keep(records, "small", "main", made)


def monitored(records: Records, moment: datetime) -> Report:
    return records.fetch(Report, steps.monitor(records, settings(), "small", "main", now=moment.replace(tzinfo=UTC)))


@pytest.mark.parametrize("horizon", [24, 12, 6])
def test_a_day_stays_scored_by_all_its_hours_when_it_leaves_the_span_that_is_looked_at(records: Records, home: Path, horizon: int):
    station = station_of({"T": "degC"}).changed(tasks={"main": {"horizon_hours": horizon}})
    override(["monitor.days=2", "monitor.skill_days=1"])
    times = pd.date_range(MARCH, periods=24 * 9, freq="h")
    stored(records, home, station, times, np.where(times.hour < 12, 1.0, 5.0))  # errors of 0 before noon, of 4 after it
    for origin in times:
        forecast(records, station, horizon, origin, 1.0)
    for day in (5, 7, 9):
        monitored(records, datetime(2026, 3, day, 1, 20))
    days = {score.day: (score.forecasts, score.mae) for score in days_scored(records, "small", "main")}
    whole = {day: found for day, found in days.items() if "2026-03-02" < day < "2026-03-08"}
    assert whole == dict.fromkeys(whole, (24, 2.0))
    assert list(whole) == [f"2026-03-0{day}" for day in range(3, 8)]


def test_hours_of_a_logger_off_its_grid_are_the_truth_of_their_forecasts(records: Records, home: Path):
    times = pd.date_range(MARCH, periods=144 * 7, freq="10min") + pd.Timedelta(minutes=3)
    values = 5 + np.sin(np.arange(len(times)) / 9)
    station = stored(records, home, station_of({"T": "degC"}, cadence="10min"), times, values)
    hours = hourly_frame(ObservationStore(records, "small").read(), station, settings().hourly, target="T").frame
    known = hours.set_index("time")["T"]
    for origin in known.index[:-24]:
        forecast(records, station, 24, origin, known[origin + pd.Timedelta(hours=24)])
    override(["monitor.days=3"])
    seen = monitored(records, datetime(2026, 3, 7, 20))
    assert (seen.days, seen.mae) == (3, 0.0)


def test_an_amount_is_held_against_that_of_its_whole_hour(records: Records, home: Path):
    station = station_of({"rain": "mm"}, cadence="10min")
    stored(records, home, station, pd.date_range(MARCH, periods=144 * 5, freq="10min"), 1.0)
    for origin in pd.date_range(MARCH, periods=24 * 3, freq="h"):
        forecast(records, station, 24, origin, 6.0)
    assert monitored(records, datetime(2026, 3, 5, 20)).mae == 0.0


def test_hours_that_were_filled_in_are_nobodys_truth(records: Records, home: Path):
    times = pd.date_range(MARCH, periods=144 * 5, freq="10min")
    gone = (times > MARCH + pd.Timedelta(days=2)) & (times < MARCH + pd.Timedelta(days=2, minutes=61))
    station = stored(records, home, station_of({"T": "degC"}, cadence="10min"), times[~gone], 5.0)
    for origin in pd.date_range(MARCH, periods=24 * 3, freq="h"):
        forecast(records, station, 24, origin, 5.0)
    monitored(records, datetime(2026, 3, 5, 20))
    days = {score.day: score.forecasts for score in days_scored(records, "small", "main")}
    assert (days["2026-03-02"], days["2026-03-03"]) == (24, 23)


def test_a_forecast_without_an_interval_was_neither_inside_nor_outside(records: Records, home: Path):
    station = stored(records, home, station_of({"T": "degC"}), pd.date_range(MARCH, periods=24 * 6, freq="h"), 5.0)
    for number, origin in enumerate(pd.date_range(MARCH, periods=24 * 4, freq="h")):
        forecast(records, station, 24, origin, 5.0, intervals=number < 24 * 2 + 12)
    monitored(records, datetime(2026, 3, 6, 20))
    days = days_scored(records, "small", "main")
    assert {level for score in days for level in score.coverage.values()} == {1.0}
    assert [score.day for score in days if not score.coverage], "the last days had none"
    assert pooled(days)[2] == {"0.8": 1.0}


def test_what_rests_now_and_then_is_not_stuck_and_what_never_does_is():
    random = np.random.default_rng(0)
    times = pd.date_range("2024-01-01", periods=24 * 400, freq="h")
    sunny = np.repeat(random.random(400) > 0.4, 24)  # four days in ten lie in fog
    reference = pd.DataFrame({"time": times, "sun": random.gamma(2, 100, len(times)) * sunny, "T": random.normal(5, 3, len(times))})
    recent = reference.tail(48).assign(sun=0.0, T=4.0)
    found = drift(recent, reference, ["sun", "T"], days=2)
    assert found["sun"].spread == 1.0
    assert found["T"].spread == 0.0
