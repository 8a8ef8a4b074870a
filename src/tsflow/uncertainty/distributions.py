"""How good a distribution is: scoring rules, and whether it means what it says.

A forecast stands for the distribution of X = forecast + spread * Z, where Z is drawn from the residuals of its group, each divided
by its own spread (`tsflow.uncertainty.conformal`; the spread is 1 where a model forecasts none). Two forecasts with the same error
then have different scores if one of them knows better when it is unsure.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsflow.bundle.intervals import Intervals, Times, Values, hour_of_day

PIT_BINS = 20


@dataclass(frozen=True)
class IntervalScore:
    """How intervals of one level did; widths and pinball loss in the target's unit."""

    level: float
    coverage: float  # share of truths inside, bounds included
    width: float  # mean: sharpness, less is better at the same coverage
    pinball: float  # mean over both bounds; less is better
    narrow: float  # nine in ten intervals are wider,
    wide: float  # and nine in ten narrower than this


def pinball(truth: Values, quantile: Values, share: float) -> float:
    """Return the mean pinball loss of forecasts [n] of the quantile `share` (Koenker and Bassett 1978, Econometrica 46)."""
    above = truth - quantile
    return float(np.mean(np.maximum(share * above, (share - 1) * above)))


def score(
    intervals: Intervals, forecasts: Values, target_times: Times, truth: Values, widths: Values | None = None
) -> list[IntervalScore]:
    """Return how each level did on forecasts [n]; not those that intervals were made from. `widths`: as in `Intervals.around`."""
    bounds = intervals.around(forecasts, target_times, widths)
    scores = []
    for place, level in enumerate(intervals.levels):
        low, high = bounds[:, place, 0], bounds[:, place, 1]
        coverage = float(np.mean((truth >= low) & (truth <= high)))
        loss = (pinball(truth, low, (1 - level) / 2) + pinball(truth, high, (1 + level) / 2)) / 2
        narrow, wide = np.quantile(high - low, [0.1, 0.9])
        scores.append(IntervalScore(level, coverage, float(np.mean(high - low)), loss, float(narrow), float(wide)))
    return scores


def crps(groups: list[Values], residuals: Values, target_times: Times, widths: Values | None = None) -> float:
    """Return the mean continuous ranked probability score of forecasts [n], in the target's unit; less is better.

    CRPS = E|X - y| - E|X - X'| / 2 (Gneiting and Raftery 2007, JASA 102). For a single X it is the absolute error. The score of
    w Z at w z is w times that of Z at z, so that it is computed for Z and multiplied.

    Parameters
    ----------
    groups
        24 sorted arrays of Z, by hour of the target.
    residuals
        Truth less forecast, divided by the spread: z, [n].
    widths
        The spread w of each forecast, [n]; None: 1.
    """
    hours = hour_of_day(target_times)
    found = np.empty(len(residuals))
    for hour, x in enumerate(groups):  # x: [m], sorted
        here = hours == hour
        y, m = residuals[here], len(x)
        below = np.searchsorted(x, y)
        sums = np.concatenate([[0.0], np.cumsum(x)])
        distance = (y * below - sums[below] + (sums[-1] - sums[below]) - y * (m - below)) / m
        found[here] = distance - float((2 * np.arange(1, m + 1) - m - 1) @ x) / m**2
    return float(np.mean(found if widths is None else found * widths))


def pit(groups: list[Values], residuals: Values, target_times: Times) -> Values:
    """Return the probability integral transform of each forecast, in (0, 1), shape [n]: where in its distribution the truth lay.

    Of a calibrated forecast it is uniform (Dawid 1984, JRSS A 147): a histogram that is a U tells of distributions too narrow, a
    hump of too wide ones, a slope of a bias. Arguments as in `crps`; of equals in a group the middle counts.
    """
    hours = hour_of_day(target_times)
    found = np.empty(len(residuals))
    for hour, x in enumerate(groups):
        here = hours == hour
        ranks = np.searchsorted(x, residuals[here], "left") + np.searchsorted(x, residuals[here], "right")
        found[here] = (ranks + 1) / (2 * (len(x) + 1))
    return found


def pit_shares(transforms: NDArray[np.float64]) -> list[float]:
    """Return which share of forecasts lies in each of `PIT_BINS` equal bins."""
    counts, _ = np.histogram(transforms, bins=PIT_BINS, range=(0.0, 1.0))
    return [round(float(count) / len(transforms), 6) for count in counts]
