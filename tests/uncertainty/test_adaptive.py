"""Intervals that follow a weather that drifts, and stay as they are in one that does not."""

import math

import numpy as np
import pytest

from tsflow.uncertainty.adaptive import FEWEST_DAYS, reach, stretched, stretches, widened

SETTINGS = {"step": 0.2, "deviations": 1.5, "most": 2.0}
Z = {0.8: 1.2816, 0.95: 1.96}


def days_of(n: int, scale: np.ndarray | float, seed: int) -> np.ndarray:
    """Residuals [n, 24] of a deviation of `scale`; the hours of a day err alike, as a day's do."""
    random = np.random.default_rng(seed)
    shared, own = random.normal(size=(n, 1)), random.normal(size=(n, 24))
    return (0.7 * shared + math.sqrt(1 - 0.49) * own) * np.broadcast_to(scale, n)[:, None]


def operated(residuals: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return each day's coverage and stretch if intervals made for a deviation of 1 are stretched by the 60 days that are known."""
    reaches = np.abs(residuals) / Z[level]
    coverage, used = np.empty(len(reaches)), np.ones(len(reaches))
    for day, today in enumerate(reaches):
        known = [{f"{level:g}": list(past)} for past in reaches[max(0, day - 61) : max(0, day - 1)]]
        used[day] = stretches(known, **SETTINGS).get(level, 1.0)
        coverage[day] = (today <= used[day]).mean()
    return coverage, used


@pytest.mark.parametrize(("level", "without"), [(0.8, 0.61), (0.95, 0.81)])
def test_coverage_comes_back_when_errors_grow_by_half(level: float, without: float):
    kept, restored = [], []
    for seed in range(5):
        residuals = days_of(360, np.where(np.arange(360) < 180, 1.0, 1.5), seed)
        coverage, _ = operated(residuals, level)
        kept.append((np.abs(residuals[240:]) <= Z[level]).mean())
        restored.append(coverage[240:].mean())
    assert np.mean(kept) == pytest.approx(without, abs=0.02), "what it would be without"
    assert np.mean(restored) == pytest.approx(level, abs=0.025)


def test_intervals_narrow_again_when_errors_shrink():
    coverage, used = operated(days_of(360, 0.6, seed=1), 0.8)
    assert coverage[100:].mean() == pytest.approx(0.8, abs=0.04)
    assert used[100:].mean() == pytest.approx(0.6, abs=0.05)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_nothing_moves_while_nothing_drifts(level: float):
    moved, covered = [], []
    for seed in range(5):
        coverage, used = operated(days_of(360, 1.0, seed), level)
        moved.append((used != 1).mean())
        covered.append(coverage.mean())
    assert np.mean(moved) < 0.08
    assert np.mean(covered) == pytest.approx(level, abs=0.02)


def test_a_stretch_is_bounded_however_bad_it_was():
    terrible = [{"0.8": [50.0] * 24}] * 60
    perfect = [{"0.8": [0.0] * 24}] * 365
    assert stretches(terrible, **SETTINGS) == {0.8: 2.0}
    assert stretches(perfect, **SETTINGS) == {0.8: 0.5}


def test_too_few_days_days_without_scores_and_none_at_all_leave_intervals_as_published():
    missed = {"0.8": [3.0] * 24}
    assert stretches([missed] * (FEWEST_DAYS - 1), **SETTINGS) == {}
    assert stretches([missed, {}] * (FEWEST_DAYS - 1), **SETTINGS) == {}, "days without scores count for nothing"
    assert stretches([missed, {}] * FEWEST_DAYS, **SETTINGS) == stretches([missed] * FEWEST_DAYS, **SETTINGS)
    assert stretches([missed, {"0.8": []}] * FEWEST_DAYS, **SETTINGS) == stretches([missed] * FEWEST_DAYS, **SETTINGS)
    assert stretches([], **SETTINGS) == {}


def test_the_recursion_is_that_of_the_paper_by_hand():
    reaches = [[0.5, 3.0], [1.05, 3.0], [0.9, 1.2]] * 5
    log = 0.0
    for day in reaches:
        missed = sum(each > math.exp(log) for each in day) / 2
        log = min(log + 0.2 * (missed - 0.2), math.log(2.0))
    assert stretches([{"0.8": day} for day in reaches], **SETTINGS) == {0.8: round(math.exp(log), 3)}


def test_a_reach_is_counted_in_published_half_widths_even_of_a_stretched_interval():
    assert reach(0.0, 4.0, 5.0) == pytest.approx(1.5)
    assert reach(-2.0, 6.0, 5.0, stretch=2.0) == pytest.approx(1.5)
    assert reach(2.0, 2.0, 5.0) is None
    assert reach(math.nan, 2.0, 5.0) is None


def test_a_wider_level_still_holds_the_narrower_ones():
    found = stretched({0.95: (0.0, 10.0), 0.8: (2.0, 6.0)}, {0.8: 2.0, 0.95: 0.5})
    assert found == {0.8: (0.0, 8.0), 0.95: (0.0, 8.0)}
    assert list(found) == [0.8, 0.95]
    assert widened((0.0, 10.0), found[0.95]) == 0.8, "not the half that was asked for"
    assert widened((2.0, 2.0), (2.0, 2.0)) == 1.0
    assert stretched({0.8: (2.0, 6.0)}, {}) == {0.8: (2.0, 6.0)}
