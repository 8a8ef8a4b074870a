import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsflow.bundle.intervals import Intervals, Spread, hour_of_day
from tsflow.errors import DataError, IntegrityError, NotEnoughData, SettingsError
from tsflow.uncertainty.conformal import (
    Scaled,
    conformal,
    fit_intervals,
    latest_whole_years,
    published_intervals,
    residuals_by_hour,
    spread_of,
)
from tsflow.uncertainty.distributions import score

HOUR = np.timedelta64(1, "h")


def hours(n: int, start: str = "2020-01-01T00:40") -> np.ndarray:
    return np.datetime64(start) + np.arange(n) * HOUR


def weather(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Residuals [n] that last for hours, are lopsided, and vary with the hour of day; and their times."""
    random, times = np.random.default_rng(seed), hours(n)
    noise = np.convolve(random.gamma(2, 1, n + 5) - 2, np.ones(6) / np.sqrt(6), "valid")
    return noise * (1 + np.sin(2 * np.pi * hour_of_day(times) / 24) / 2) + 0.3, times


def test_bounds_are_the_ranks_that_n_plus_1_asks_for():
    groups = [np.arange(1.0, 40.0)] * 24  # 39 residuals: the least that 95 % needs
    intervals = fit_intervals(groups, [0.95, 0.8])
    assert intervals.levels == (0.8, 0.95)
    assert (intervals.lower[7], intervals.upper[7]) == ((4.0, 1.0), (36.0, 39.0))
    with pytest.raises(NotEnoughData, match=r"38 validation residuals, level 0.95 needs 39"):
        fit_intervals([group[1:] for group in groups], [0.8, 0.95])


def test_coverage_of_a_fresh_truth_is_at_least_the_level_whatever_the_distribution():
    random, truths, inside = np.random.default_rng(1), 4000, 0
    for _ in range(truths):  # 9 residuals and one truth, exchangeable: covered 8 times in 10 exactly
        drawn = np.exp(random.normal(size=10))
        intervals = fit_intervals([np.sort(drawn[:9])] * 24, [0.8])
        inside += intervals.lower[0][0] <= drawn[9] <= intervals.upper[0][0]
    assert inside / truths == pytest.approx(0.8, abs=0.02)


def test_coverage_on_later_weather_is_within_3_points_for_every_level_and_by_hour():
    residuals, times = weather(24 * 1461, seed=2)
    half = len(times) // 2
    intervals = fit_intervals(residuals_by_hour(residuals[:half], times[:half]), [0.5, 0.8, 0.95])
    forecasts = np.linspace(-10, 30, len(times) - half)
    for found in score(intervals, forecasts, times[half:], forecasts + residuals[half:]):
        assert found.coverage == pytest.approx(found.level, abs=0.03)
    night = hour_of_day(times[half:]) == 18
    (_, eighty, _) = score(intervals, forecasts[night], times[half:][night], (forecasts + residuals[half:])[night])
    assert eighty.coverage == pytest.approx(0.8, abs=0.05)


def test_coverage_of_naive_on_real_weather_is_within_3_points(data: Path):
    rows = pd.read_csv(data / "jena_hourly_2009_2014.csv.gz")
    times = pd.to_datetime(rows["Date Time"], format="%d.%m.%Y %H:%M:%S").to_numpy()[24:]
    target = rows["T (degC)"].to_numpy()
    forecast, truth = target[:-24], target[24:]
    a, b = len(truth) // 4, len(truth) // 2
    intervals = fit_intervals(residuals_by_hour((truth - forecast)[a:b], times[a:b]))
    for found in score(intervals, forecast[b:], times[b:], truth[b:]):
        assert found.coverage == pytest.approx(found.level, abs=0.03)


def test_hours_with_few_residuals_take_those_of_all_hours():
    residuals, times = weather(24 * 150, seed=3)
    kept = (hour_of_day(times) != 5) | (np.arange(len(times)) < 24 * 20)
    groups = residuals_by_hour(residuals[kept], times[kept])
    assert [len(group) for group in groups] == [kept.sum() if hour == 5 else 150 for hour in range(24)]
    intervals = fit_intervals(groups)
    assert intervals.residuals[5] == kept.sum()


def test_hour_is_that_of_the_targets_clock():
    times = np.array(["2020-01-01T23:50", "2020-01-02T00:00", "2020-07-01T13:10"], dtype="datetime64[m]")
    assert hour_of_day(times).tolist() == [23, 0, 13]


def test_each_season_counts_once():
    times = hours(24 * 541)
    kept = latest_whole_years(times)
    assert kept.sum() == 8766
    assert kept[-8766:].all()
    assert latest_whole_years(hours(24 * 90)).all()


def test_bounds_nest_and_lie_around_the_forecast_they_are_given():
    residuals, times = weather(24 * 400, seed=4)
    intervals = fit_intervals(residuals_by_hour(residuals, times), [0.95, 0.5])
    bounds = intervals.around([10.0, 20.0], times[[3, 4]])
    assert bounds.shape == (2, 2, 2)
    assert (bounds[:, 1, 0] < bounds[:, 0, 0]).all()
    assert (bounds[:, 0, 1] < bounds[:, 1, 1]).all()
    hour = hour_of_day(times)[3]
    assert bounds[0, 0].tolist() == [10 + intervals.lower[hour][0], 10 + intervals.upper[hour][0]]
    with pytest.raises(DataError, match=r"forecasts .2. and target times .3."):
        intervals.around([10.0, 20.0], times[:3])


def test_intervals_survive_json():
    intervals = fit_intervals(residuals_by_hour(*weather(24 * 200, seed=5)))
    assert Intervals.from_dict(json.loads(json.dumps(intervals.to_dict(), allow_nan=False))) == intervals


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 3}, "format 3, this tsflow reads 1 and 2"),
        ({"format": 2}, "not a file of intervals"),
        ({"levels": [0.8, 1.2]}, "level 1.2 is outside"),
        ({"levels": [0.95, 0.8]}, "rising levels"),
        ({"levels": []}, "rising levels"),
        ({"lower": [[0.0, 0.0]] * 23}, "for 24 hours"),
        ({"lower": [[9e9, 9e9]] * 24}, "a lower and an upper bound"),
        ({"upper": [[1.0, float("nan")]] * 24}, "a lower and an upper bound"),
        ({"upper": None}, "not a file of intervals"),
    ],
)
def test_damaged_intervals_are_refused(change: dict[str, object], told: str):
    content = fit_intervals(residuals_by_hour(*weather(24 * 200, seed=5))).to_dict()
    with pytest.raises(IntegrityError, match=f"v1/intervals.json.*{told}"):
        Intervals.from_dict({**content, **change}, "v1/intervals.json")
    with pytest.raises(IntegrityError, match="not a file of intervals"):
        Intervals.from_dict({})


@pytest.mark.parametrize("level", [0, 1, -0.5, 80, float("nan"), True, "0.8"])
def test_a_level_outside_0_and_1_is_named(level: float):
    with pytest.raises(SettingsError, match=f"interval level {level!r} is outside"):
        fit_intervals([np.arange(100.0)] * 24, [0.8, level])


def test_no_level_and_missing_residuals_are_told():
    residuals, times = weather(240, seed=6)
    with pytest.raises(SettingsError, match="no interval level"):
        fit_intervals([np.arange(100.0)] * 24, [])
    with pytest.raises(DataError, match="240 residuals, 1 of them missing"):
        residuals_by_hour(np.where(np.arange(240) == 2, np.nan, residuals), times)
    with pytest.raises(DataError, match="0 residuals"):
        residuals_by_hour(residuals[:0], times[:0])
    with pytest.raises(DataError, match="target times are missing"):
        residuals_by_hour(residuals, np.where(np.arange(240) == 2, np.datetime64("NaT"), times))


def unsure(n: int, seed: int, *, part: str = "validation", start: str = "2020-01-01T00:40") -> pd.DataFrame:
    """Forecasts of a weather whose spread is 1 on three days of four and 3 on the fourth, with the quantiles that say so."""
    random, times = np.random.default_rng(seed), hours(n, start)
    spread = np.where(np.arange(n) // 24 % 4 == 3, 3.0, 1.0)
    columns = {"quantile_0.1": -1.2816 * spread, "quantile_0.5": np.zeros(n), "quantile_0.9": 1.2816 * spread}
    return pd.DataFrame(
        {"part": part, "target_time": times, "truth": spread * random.normal(size=n), "forecast": np.zeros(n), **columns}
    )


def both(seed: int, days: int = 400) -> pd.DataFrame:
    later = unsure(24 * days, seed + 1, part="test", start="2022-01-01T00:40")
    return pd.concat([unsure(24 * days, seed), later], ignore_index=True)


def without_quantiles(forecasts: pd.DataFrame) -> pd.DataFrame:
    return forecasts.drop(columns=[name for name in forecasts if str(name).startswith("quantile_")])


def test_intervals_in_spreads_are_narrow_when_they_can_be_and_cover_calm_and_storm_alike():
    forecasts = both(11)
    known, blind = conformal(forecasts), conformal(without_quantiles(forecasts))
    assert known.crps is not None
    assert blind.crps is not None
    assert known.crps < 0.95 * blind.crps
    for scaled, plain in zip(known.scores, blind.scores, strict=True):
        assert scaled.coverage == pytest.approx(scaled.level, abs=0.015)
        assert scaled.pinball < plain.pinball
        assert scaled.wide == pytest.approx(3 * scaled.narrow)
        assert plain.wide < 1.5 * plain.narrow  # by hour, not by day
    assert known.scores[1].width < blind.scores[1].width  # of 95 %; at 80 % the wide days outweigh the narrow ones
    assert known.intervals is not None
    test = forecasts[forecasts["part"] == "test"]
    told = Scaled.of(test, known.intervals.spread)
    for width in (2.5632, 3 * 2.5632):
        group = np.isclose(told.widths, width)
        (eighty, _) = score(known.intervals, np.zeros(group.sum()), told.times[group], test["truth"][group], told.widths[group])
        assert eighty.coverage == pytest.approx(0.8, abs=0.025)


def test_the_published_files_count_validation_and_test_and_one_of_them_is_for_older_clients():
    forecasts = both(13)
    files = published_intervals(forecasts)
    assert {name: found.format for name, found in files.items()} == {"intervals.json": 1, "scaled_intervals.json": 2}
    assert "spread" not in files["intervals.json"].to_dict()  # an older reader sees what it always saw
    kept = latest_whole_years(forecasts["target_time"].to_numpy())
    assert files["scaled_intervals.json"].residuals == (kept.sum(),) * 24
    for name, found in files.items():
        assert Intervals.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)), name) == found
    assert list(published_intervals(without_quantiles(forecasts))) == ["intervals.json"]
    assert published_intervals(forecasts.head(30)) == {}


def test_a_model_that_is_sure_of_nothing_or_of_everything_has_no_spread():
    forecasts = unsure(240, 1)
    found = spread_of(forecasts)
    assert found == Spread(0.1, 0.9, pytest.approx(0.25632))
    assert spread_of(forecasts.assign(**{"quantile_0.9": forecasts["quantile_0.1"]})) is None
    assert spread_of(forecasts.drop(columns=["quantile_0.1", "quantile_0.5"])) is None
    assert spread_of(forecasts.assign(**{"quantile_0.9": np.nan})) == Spread(0.1, 0.5, pytest.approx(0.12816))  # a hole
    assert spread_of(forecasts.head(0)) is None
    further = {f"quantile_{level}": forecasts["quantile_0.5"] + 10 * (level - 0.5) for level in (0.025, 0.25, 0.75, 0.975)}
    assert spread_of(forecasts.assign(**further)) == found, "those further out are known by too few windows"


def test_quantiles_that_cross_close_no_interval():
    crossed = unsure(240, 1)
    crossed.loc[:9, "quantile_0.9"] = -5.0
    spread = spread_of(crossed)
    assert spread is not None
    widths = Scaled.of(crossed, spread).widths
    assert widths is not None
    assert (widths[:10] == spread.least).all()
    assert (widths > 0).all()


def test_scaled_intervals_refuse_a_forecast_without_its_spread_and_a_model_with_other_quantiles():
    found = published_intervals(both(17))
    scaled, plain = found["scaled_intervals.json"], found["intervals.json"]
    for intervals, widths in ((scaled, None), (plain, np.ones(2)), (scaled, np.ones(3))):
        with pytest.raises(DataError, match="scaled intervals need the spread"):
            intervals.around([1.0, 2.0], hours(2), widths)
    assert scaled.spread is not None
    with pytest.raises(IntegrityError, match=r"count in the quantiles 0.1 and 0.9, the model forecasts \[0.25, 0.75\]"):
        scaled.spread.widths(np.zeros((2, 2)), [0.25, 0.75])
    with pytest.raises(IntegrityError, match="least one above 0"):
        Intervals.from_dict({**scaled.to_dict(), "spread": {"low": 0.1, "high": 0.9, "least": 0.0}})
    with pytest.raises(IntegrityError, match="not a file of intervals"):
        Intervals.from_dict({**scaled.to_dict(), "spread": None})
