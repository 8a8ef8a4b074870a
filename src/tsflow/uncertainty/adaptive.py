"""Intervals that follow what became of the earlier ones: adaptive conformal inference (Gibbs and Candes 2021, NeurIPS 34).

A published interval holds as long as the weather, the station and the model stay what they were. In operation the truths come in
and tell whether they do. The *reach* of a truth is how many half-widths it lay from the middle of its interval, as published: over
1 is a miss. Day by day the stretch of a level's intervals is moved by what was missed, and by what should have been::

    log stretch  +=  step * (share of the day that lay outside the stretched interval - (1 - level))

which is their rule on the scale of scores instead of levels (Angelopoulos, Candes and Tibshirani 2023, Conformal PID Control).
Over many days the share of misses tends to 1 - level whatever happens. What is noise moves it as well; so nothing is stretched
until the published intervals are off by more than chance, and never by more than `most` either way.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

FEWEST_DAYS = 14  # fewer say nothing about a level of 95 %


def reach(low: float, high: float, truth: float, stretch: float = 1.0) -> float | None:
    """Return how many published half-widths a truth lay from the middle of an interval that was stretched; None of an empty one."""
    half = (high - low) / 2 / stretch
    found = abs(truth - (low + high) / 2) / half if half > 0 else math.nan
    return found if math.isfinite(found) else None


def stretches(days: Sequence[Mapping[str, Sequence[float]]], *, step: float, deviations: float, most: float) -> dict[float, float]:
    """Return by what to multiply the widths of the next intervals, by level; levels that stay as they are published are left out.

    Parameters
    ----------
    days
        Of each scored day, in order, the reaches of its truths by level, written as 0.8; a day without any is left out.
    step
        How far a day moves the logarithm of the stretch, all missed.
    deviations
        By how many deviations the coverage as published must be off, each day counting as one throw.
    most
        The largest stretch, and the inverse of the least.
    """
    found = {}
    for level in sorted({level for day in days for level in day}, key=float):
        reaches = [np.asarray(day[level]) for day in days if len(day.get(level, ()))]
        stretch = _stretch(reaches, float(level), step, deviations, most) if len(reaches) >= FEWEST_DAYS else 1.0
        if stretch != 1:
            found[float(level)] = round(stretch, 3)
    return found


def _stretch(reaches: list[np.ndarray], level: float, step: float, deviations: float, most: float) -> float:
    published = float(np.mean(np.concatenate(reaches) <= 1))
    if abs(published - level) <= deviations * math.sqrt(level * (1 - level) / len(reaches)):
        return 1.0
    limit, log = math.log(most), 0.0
    for day in reaches:
        log += step * (float(np.mean(day > math.exp(log))) - (1 - level))
        log = min(max(log, -limit), limit)
    return math.exp(log)


def widened(published: tuple[float, float], given: tuple[float, float]) -> float:
    """Return how many times wider an interval is than the published one; 1 of an empty one.

    It may be wider than was wanted, as it holds those below.
    """
    (low, high), (first, last) = published, given
    return round((last - first) / (high - low), 6) if high > low else 1.0


def stretched(bounds: Mapping[float, tuple[float, float]], by: Mapping[float, float]) -> dict[float, tuple[float, float]]:
    """Return intervals by level, each as many times wider about its middle; one of a higher level still holds those below."""
    found: dict[float, tuple[float, float]] = {}
    inner: tuple[float, float] | None = None
    for level, (low, high) in sorted(bounds.items()):
        middle, half = (low + high) / 2, (high - low) / 2 * by.get(level, 1.0)
        first, last = inner or (math.inf, -math.inf)
        inner = found[level] = min(middle - half, first), max(middle + half, last)
    return found
