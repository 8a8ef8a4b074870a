"""Prediction intervals from validation residuals by hour of day (split conformal), and how good they are.

A residual is truth minus forecast. For each hour of the target's clock the n residuals are sorted::

    residual   r(1) <= r(2) <= ...  r(n+1-k) .................... r(k) ... <= r(n)      k = ceil((n + 1)(1 + level) / 2)
                                    lower <-- level or more --> upper

The truth then lies in [forecast + lower, forecast + upper] with probability `level` or more if past and future residuals are
exchangeable (Vovk, Gammerman and Shafer 2005; Lei et al. 2018, JASA 113, with signed residuals so that intervals need not be
symmetric). Weather is so only roughly: that is why coverage is measured on the test part.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.bundle.intervals import FORMAT, Intervals, Times, Values, checked_level, hour_of_day
from tsflow.errors import DataError, NotEnoughData, SettingsError

LEVELS = (0.8, 0.95)
SMALLEST_GROUP = 100  # below, a bound of 95 % would be an hour's single largest residual: chance, not weather
YEAR = np.timedelta64(8766, "h")  # 365.25 days


def latest_whole_years(times: Times) -> NDArray[np.bool_]:
    """Return which of `times` [n] lie in the latest whole number of years; all of them if they span less than one.

    Eighteen months of validation hold one season twice; its residuals would make intervals too wide or too narrow.
    """
    latest: NDArray[np.bool_] = times > times.max() - max(1, (times.max() - times.min()) // YEAR) * YEAR
    return latest


def residuals_by_hour(residuals: Values, target_times: Times, smallest_group: int = SMALLEST_GROUP) -> list[Values]:
    """Return 24 sorted arrays of residuals [n], by hour of the target, from the latest whole years.

    An hour with fewer than `smallest_group` residuals gets those of all hours.

    Raises
    ------
    DataError
        If shapes do not fit, or a residual or a time is missing.
    """
    if residuals.shape != target_times.shape or residuals.ndim != 1:
        msg = f"residuals {list(residuals.shape)} and target times {list(target_times.shape)}, expected both [n]"
        raise DataError(msg)
    if not len(residuals) or not np.isfinite(residuals).all():
        missing = int((~np.isfinite(residuals)).sum())
        msg = f"{len(residuals)} residuals, {missing} of them missing; expected one or more, and none missing"
        raise DataError(msg)
    hours, kept = hour_of_day(target_times), latest_whole_years(target_times)
    pooled = np.sort(residuals[kept])
    groups = (np.sort(residuals[kept & (hours == hour)]) for hour in range(24))
    return [group if len(group) >= smallest_group else pooled for group in groups]


def fit_intervals(groups: list[Values], levels: Iterable[float] = LEVELS) -> Intervals:
    """Return conformal intervals from the residuals of each hour, as `residuals_by_hour` gives them.

    Raises
    ------
    SettingsError
        If there is no level, or one is outside (0, 1).
    NotEnoughData
        If an hour has too few residuals for the highest level.
    """
    rising = sorted({checked_level(level) for level in levels})
    if not rising:
        msg = f"no interval level; expected at least one in (0, 1), such as {LEVELS}"
        raise SettingsError(msg)
    lower, upper = [], []
    for group in groups:
        # rounded, as 40 * 0.975 may come out a hair above 39
        ranks = [math.ceil(round((len(group) + 1) * (1 + level) / 2, 9)) for level in rising]
        if ranks[-1] > len(group):
            needed = math.ceil(round((1 + rising[-1]) / (1 - rising[-1]), 9))
            msg = f"{len(group)} validation residuals, level {rising[-1]} needs {needed}; give a longer part or a lower level"
            raise NotEnoughData(msg)
        lower.append(tuple(float(group[len(group) - rank]) for rank in ranks))
        upper.append(tuple(float(group[rank - 1]) for rank in ranks))
    return Intervals(FORMAT, tuple(rising), tuple(lower), tuple(upper), tuple(len(group) for group in groups))


@dataclass(frozen=True)
class IntervalScore:
    """How intervals of one level did; width and pinball loss in the target's unit."""

    level: float
    coverage: float  # share of truths inside, bounds included
    width: float  # mean
    pinball: float  # mean over both bounds; less is better


def pinball(truth: Values, quantile: Values, share: float) -> float:
    """Return the mean pinball loss of forecasts [n] of the quantile `share` (Koenker and Bassett 1978, Econometrica 46)."""
    above = truth - quantile
    return float(np.mean(np.maximum(share * above, (share - 1) * above)))


def score(intervals: Intervals, forecasts: Values, target_times: Times, truth: Values) -> list[IntervalScore]:
    """Return coverage, width and pinball loss of each level on forecasts [n]; not those that intervals were made from."""
    bounds = intervals.around(forecasts, target_times)
    scores = []
    for place, level in enumerate(intervals.levels):
        low, high = bounds[:, place, 0], bounds[:, place, 1]
        coverage = float(np.mean((truth >= low) & (truth <= high)))
        loss = (pinball(truth, low, (1 - level) / 2) + pinball(truth, high, (1 + level) / 2)) / 2
        scores.append(IntervalScore(level, coverage, float(np.mean(high - low)), loss))
    return scores


def crps(groups: list[Values], residuals: Values, target_times: Times) -> float:
    """Return the mean continuous ranked probability score, in the target's unit, of forecasts with residuals [n].

    Each forecast stands for the distribution of itself plus the residuals of its hour in `groups`, and
    CRPS = E|X - y| - E|X - X'| / 2 (Gneiting and Raftery 2007, JASA 102). For a single X it is the absolute error.
    """
    hours = hour_of_day(target_times)
    total = 0.0
    for hour, x in enumerate(groups):  # x: [m], sorted
        y, m = residuals[hours == hour], len(x)
        below = np.searchsorted(x, y)
        sums = np.concatenate([[0.0], np.cumsum(x)])
        distance = (y * below - sums[below] + (sums[-1] - sums[below]) - y * (m - below)) / m
        spread = 2 * float((2 * np.arange(1, m + 1) - m - 1) @ x) / m**2
        total += float(distance.sum()) - len(y) * spread / 2
    return total / len(residuals)


@dataclass(frozen=True)
class Conformal:
    """An entrant's intervals from its validation part, and how they did on its test part."""

    intervals: Intervals | None = None  # None: validation has too few origins
    scores: list[IntervalScore] = field(default_factory=list)  # none where there is no test part
    crps: float | None = None


def conformal(forecasts: pd.DataFrame) -> Conformal:
    """Return split conformal intervals from the validation part's residuals, and how they did on the test part.

    `forecasts`: part, target_time, truth and forecast, a row each origin.
    """
    validation, test = (forecasts[forecasts["part"] == part] for part in ("validation", "test"))
    groups = residuals_by_hour(_residuals(validation), validation["target_time"].to_numpy())
    try:
        intervals = fit_intervals(groups)
    except NotEnoughData:
        return Conformal()
    if test.empty:
        return Conformal(intervals)
    times = test["target_time"].to_numpy()
    scores = score(intervals, test["forecast"].to_numpy(), times, test["truth"].to_numpy())
    return Conformal(intervals, scores, crps(groups, _residuals(test), times))


def published_intervals(forecasts: pd.DataFrame) -> Intervals | None:
    """Return the intervals that go out with a model: from residuals of validation and test, none of which its candidate had learnt.

    How good intervals are is measured with those of validation alone (`conformal`); what goes out uses the newest weather too.
    None if there are too few residuals.
    """
    unseen = forecasts[forecasts["part"].isin(["validation", "test"])]
    try:
        return fit_intervals(residuals_by_hour(_residuals(unseen), unseen["target_time"].to_numpy()))
    except NotEnoughData:
        return None


def _residuals(part: pd.DataFrame) -> NDArray[np.float64]:
    return (part["truth"] - part["forecast"]).to_numpy(dtype=np.float64)
