import math

import numpy as np
import pytest
from scipy import stats

from tsflow.errors import DataError, NotEnoughData, SettingsError, UnknownName
from tsflow.uncertainty.long_run import apart, daily_errors, differences, mae_intervals, means_of, waves_of

HOUR = np.timedelta64(1, "h")


def fixed_errors() -> tuple[np.ndarray, np.ndarray]:
    """Errors of three models, from a formula: 70 days of origins, with a gap of 100 hours in them."""
    i = np.arange(70 * 24)
    first = 2 * np.sin(0.37 * i) + np.cos(0.011 * i * i) + 0.3
    second = 1.8 * np.sin(0.37 * i + 0.4) + np.sin(0.017 * i * i)
    errors = np.stack([first, second, 2.2 * np.sin(0.05 * i)], axis=-1)
    kept = (i < 200) | (i >= 300)
    return errors[kept], (np.datetime64("2020-03-01T05:40") + i * HOUR)[kept]


def slow_interval(series: list[float], level: float) -> tuple[float, float, float]:
    """The paper's sums, one term after the other: Lazarus et al. (2018), equation 10, and Student's t."""
    n = len(series)
    waves = round(0.4 * n ** (2 / 3))
    mean = sum(series) / n
    variance = 0.0
    for j in range(1, waves + 1):
        weight = sum(math.sqrt(2 / n) * math.cos(math.pi * j * (day + 0.5) / n) * value for day, value in enumerate(series))
        variance += weight**2 / waves
    reach = float(stats.t.ppf((1 + level) / 2, waves)) * math.sqrt(variance / n)
    return mean, mean - reach, mean + reach


def slow_daily(errors: np.ndarray, times: np.ndarray, model: int) -> list[float]:
    """Origin by origin."""
    of_day: dict[str, list[float]] = {}
    for row, time in enumerate(times):
        of_day.setdefault(str(time)[:10], []).append(abs(float(errors[row, model])))
    mae = sum(map(sum, of_day.values())) / len(times)
    usual = len(times) / len(of_day)
    return [mae + (sum(of_day[day]) - len(of_day[day]) * mae) / usual for day in sorted(of_day)]


def test_intervals_are_those_written_out_term_by_term():
    errors, times = fixed_errors()
    for model, found in enumerate(mae_intervals(errors, times, level=0.9)):
        slow = slow_interval(slow_daily(errors, times, model), 0.9)
        assert (found.value, found.low, found.high) == pytest.approx(slow, abs=1e-12)
        assert found.value == pytest.approx(np.abs(errors[:, model]).mean(), abs=1e-12)
    paired = differences(errors, times, 1)
    for model, found in enumerate(paired.estimates(0.9)):
        series = np.subtract(slow_daily(errors, times, model), slow_daily(errors, times, 1)).tolist()
        assert (found.value, found.low, found.high) == pytest.approx(slow_interval(series, 0.9), abs=1e-12)
    one = stats.t.sf(abs(paired.values[0] / paired.deviations[0]), waves_of(67)) * 2
    assert paired.p_values()[0] == pytest.approx(one, abs=1e-12)
    assert paired.p_values()[1] == 1.0


def test_of_independent_days_the_deviation_is_that_of_a_mean():
    days = np.random.default_rng(3).normal(5, 2, size=(4000, 40))
    assert means_of(days).deviations.mean() == pytest.approx(2 / math.sqrt(4000), rel=0.03)


def test_weather_that_lasts_makes_an_error_less_sure():
    random = np.random.default_rng(0)
    single = random.normal(size=(400, 50))
    lasting = np.stack([np.convolve(random.normal(size=405), np.ones(6) / np.sqrt(6), "valid") for _ in range(50)], axis=1)
    assert means_of(lasting).deviations.mean() > 1.8 * means_of(single).deviations.mean()


def test_waves_grow_with_the_record():
    assert [waves_of(days) for days in (14, 56, 60, 120, 240, 540)] == [2, 6, 6, 10, 15, 27]


def test_exchanging_two_models_changes_the_sign_only():
    errors, times = fixed_errors()
    forth, back = differences(errors[:, :2], times, 1).estimates()[0], differences(errors[:, :2], times, 0).estimates()[1]
    assert (forth.value, forth.low, forth.high) == pytest.approx((-back.value, -back.high, -back.low))


def test_what_never_varies_is_sure_and_what_is_the_same_is_a_tie():
    errors = np.tile([2.0, 1.0, 1.0 + 1e-9], (60 * 24, 1))
    times = np.datetime64("2020-01-01T00") + np.arange(60 * 24) * HOUR
    found = differences(errors, times, 1)
    assert found.p_values().tolist() == [0.0, 1.0, 1.0]
    assert [(each.value, each.low, each.high) for each in found.estimates()] == [(1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)]
    nothing = mae_intervals(0 * errors, times)[0]
    assert (nothing.value, nothing.low, nothing.high) == (0.0, 0.0, 0.0)
    assert apart(0 * errors, 0 * errors[:, :1]).tolist() == (0 * errors).tolist()


def test_an_error_is_never_below_0():
    errors = np.zeros((60 * 24, 1))
    errors[-24:] = 50.0
    (found,) = mae_intervals(errors, np.datetime64("2020-01-01T00") + np.arange(60 * 24) * HOUR)
    assert found.low == 0.0


def test_too_few_days_missing_errors_and_unequal_lengths_are_told():
    errors, times = fixed_errors()
    with pytest.raises(NotEnoughData, match=r"55 days with origins are not enough data to say .* at least 56; give a longer part"):
        means_of(np.ones((55, 2)))
    with pytest.raises(DataError, match=r"expected .n_origins, n_models. and .n_origins."):
        mae_intervals(errors, times[1:])
    with pytest.raises(DataError, match="1 errors and 0 origin times are missing"):
        daily_errors(np.where(np.arange(errors.size).reshape(errors.shape) == 7, np.nan, errors), times)
    with pytest.raises(UnknownName, match="reference column '3'; valid: 0, 1, 2"):
        differences(errors, times, 3)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 95, float("nan")])
def test_a_level_outside_0_and_1_is_named(level: float):
    with pytest.raises(SettingsError, match=f"interval level {level!r} is outside"):
        mae_intervals(*fixed_errors(), level=level)
