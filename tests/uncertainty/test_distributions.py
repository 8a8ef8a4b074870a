"""Scores of distributions, against independent oracles."""

import numpy as np
import pytest

from tsflow.bundle.intervals import Intervals, hour_of_day
from tsflow.uncertainty.conformal import residuals_by_hour
from tsflow.uncertainty.distributions import PIT_BINS, crps, pinball, pit, pit_shares, score

HOUR = np.timedelta64(1, "h")


def hours(n: int) -> np.ndarray:
    return np.datetime64("2020-01-01T00:40") + np.arange(n) * HOUR


def weather(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Lopsided residuals [n] that vary with the hour of day, and their times."""
    random, times = np.random.default_rng(seed), hours(n)
    return (random.gamma(2, 1, n) - 2) * (1 + np.sin(2 * np.pi * hour_of_day(times) / 24) / 2) + 0.3, times


def test_scores_by_hand():
    intervals = Intervals(1, (0.8,), ((-1.0,),) * 24, ((2.0,),) * 24, (100,) * 24)
    (found,) = score(intervals, np.array([10.0, 10.0, 10.0]), hours(3), np.array([10.0, 12.0, 8.0]))
    assert found.coverage == pytest.approx(2 / 3)  # the second lies on the bound, the third outside
    assert found.width == pytest.approx(3.0)
    lower, upper = (0.1 * 1 + 0.1 * 3 + 0.9 * 1) / 3, (0.1 * 2 + 0 + 0.1 * 4) / 3
    assert found.pinball == pytest.approx((lower + upper) / 2)


def test_pinball_is_least_at_the_quantile_itself():
    truth = np.random.default_rng(7).normal(size=5000)
    guesses = np.linspace(0, 2.5, 26)
    best = guesses[np.argmin([pinball(truth, np.full(5000, guess), 0.9) for guess in guesses])]
    assert best == pytest.approx(np.quantile(truth, 0.9), abs=0.1)


def test_crps_is_that_of_the_double_sum():
    residuals, times = weather(24 * 60, seed=8)
    groups = residuals_by_hour(residuals[: 24 * 40], times[: 24 * 40], smallest_group=1)
    later, later_times = residuals[24 * 40 :], times[24 * 40 :]
    slow = []
    for y, hour in zip(later, hour_of_day(later_times), strict=True):
        x = groups[hour]
        slow.append(np.mean([abs(a - y) for a in x]) - np.mean([abs(a - b) for a in x for b in x]) / 2)
    assert crps(groups, later, later_times) == pytest.approx(np.mean(slow), rel=0, abs=1e-9)


def test_crps_of_a_single_value_is_the_absolute_error():
    assert crps([np.array([0.5])] * 24, np.array([2.5, -1.5]), hours(2)) == pytest.approx(2.0)


def test_crps_is_the_integral_of_the_squared_distance_of_distribution_and_step():
    random = np.random.default_rng(9)
    z, widths, truth = np.sort(random.normal(size=50)), np.array([0.5, 2.0, 7.0]), np.array([0.3, -4.0, 30.0])
    grid = np.linspace(-60, 60, 1_200_001)
    slow = [
        np.trapezoid((np.searchsorted(width * z, grid, "right") / len(z) - (grid >= y)) ** 2, grid)
        for width, y in zip(widths, truth, strict=True)
    ]
    assert crps([z] * 24, truth / widths, hours(3), widths) == pytest.approx(np.mean(slow), abs=2e-4)


def test_crps_is_that_of_a_library_for_scoring_rules():
    oracle = pytest.importorskip("scoringrules", reason="scoringrules is in requirements.lock; install it to check CRPS against it")
    residuals, times = weather(24 * 40, seed=10)
    groups = residuals_by_hour(residuals, times, smallest_group=1)
    later, later_times = weather(240, seed=11)
    widths = np.random.default_rng(12).uniform(0.2, 9, len(later))
    ensembles = np.stack([width * groups[hour] for width, hour in zip(widths, hour_of_day(later_times), strict=True)])
    found = oracle.crps_ensemble(widths * later, ensembles, estimator="nrg")
    assert crps(groups, later, later_times, widths) == pytest.approx(float(np.mean(found)), abs=1e-9)


def test_of_two_forecasts_with_the_same_error_the_one_that_knows_when_it_is_unsure_scores_better():
    random = np.random.default_rng(13)
    spread, times = np.tile([1.0, 4.0], 5000), hours(10_000)
    truth, z = spread * random.normal(size=10_000), np.sort(random.normal(size=5000))
    knows = crps([z] * 24, truth / spread, times, spread)
    blind = crps([np.sort(truth)] * 24, truth, times)
    assert knows == pytest.approx(0.5642 * 2.5, rel=0.03)  # of a normal distribution: its deviation times 1/sqrt(pi)
    assert knows < 0.95 * blind


def test_the_transform_of_a_calibrated_forecast_is_even_and_tells_too_narrow_from_too_wide():
    random, times = np.random.default_rng(14), hours(40_000)
    z, truth = np.sort(random.normal(size=4000)), random.normal(size=40_000)
    even, narrow, wide = (pit_shares(pit([z * scale] * 24, truth, times)) for scale in (1.0, 0.6, 1.8))
    assert len(even) == PIT_BINS
    assert sum(even) == pytest.approx(1, abs=1e-4)
    assert max(abs(share * PIT_BINS - 1) for share in even) < 0.15
    assert narrow[0] > 2 * even[0]
    assert wide[0] < even[0] / 2
    assert wide[PIT_BINS // 2] > even[PIT_BINS // 2]


def test_the_transform_lies_inside_0_and_1_and_counts_equals_half():
    group = [np.array([1.0, 1.0, 1.0])] * 24
    assert pit(group, np.array([0.0, 1.0, 2.0]), hours(3)).tolist() == [1 / 8, 4 / 8, 7 / 8]
