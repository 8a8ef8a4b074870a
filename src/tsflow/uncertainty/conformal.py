"""Prediction intervals from validation residuals (split conformal), and how good they are.

A residual is truth minus forecast. For each hour of the target's clock the n residuals are sorted::

    residual   r(1) <= r(2) <= ...  r(n+1-k) .................... r(k) ... <= r(n)      k = ceil((n + 1)(1 + level) / 2)
                                    lower <-- level or more --> upper

The truth then lies in [forecast + lower, forecast + upper] with probability `level` or more if past and future residuals are
exchangeable (Vovk, Gammerman and Shafer 2005; Lei et al. 2018, JASA 113, with signed residuals so that intervals need not be
symmetric). Weather is so only roughly: that is why coverage is measured on the test part.

An entrant that forecasts quantiles says by their distance, its spread, how unsure it is today. Residuals are then divided by the
spread of their own forecast, sorted over all hours, and what comes out is multiplied by the spread of the day: the guarantee is
the same, the width follows the weather (normalised conformal: Papadopoulos, Gammerman and Vovk 2008; Lei et al. 2018, section 5.2).
Multiplying was better here than shifting each quantile (Romano, Patterson and Candes 2019), see docs/decisions.md.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.bundle.intervals import FORMAT, SCALED_FORMAT, Intervals, Spread, Times, Values, checked_level, hour_of_day
from tsflow.bundle.reading import INTERVALS, SCALED_INTERVALS
from tsflow.errors import DataError, NotEnoughData, SettingsError
from tsflow.training.storing import quantile_columns
from tsflow.uncertainty.distributions import IntervalScore, crps, pit, pit_shares, score

LEVELS = (0.8, 0.95)
_LOW, _HIGH = 0.1, 0.9  # of the spread
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


def fit_intervals(groups: list[Values], levels: Iterable[float] = LEVELS, *, spread: Spread | None = None) -> Intervals:
    """Return conformal intervals from the residuals of each hour, as `residuals_by_hour` gives them.

    `spread`: what they are multiples of, if so.

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
    form = FORMAT if spread is None else SCALED_FORMAT
    return Intervals(form, tuple(rising), tuple(lower), tuple(upper), tuple(len(group) for group in groups), spread)


def spread_of(forecasts: pd.DataFrame) -> Spread | None:
    """Return what bounds are counted in: the distance of the quantiles nearest to 0.1 and 0.9.

    None where there are none, or all are one. Those further out are known by too few windows, see docs/decisions.md.
    Where a model is surest, it is not trusted beyond a tenth of the usual spread.
    """
    columns = quantile_columns(forecasts)
    if forecasts.empty or len(columns) < 2:
        return None
    low = min(list(columns)[:-1], key=lambda level: abs(level - _LOW))
    high = min((level for level in columns if level > low), key=lambda level: abs(level - _HIGH))
    usual = float(np.median(forecasts[columns[high]] - forecasts[columns[low]]))
    return Spread(low, high, usual / 10) if usual > 0 else None


@dataclass(frozen=True)
class Scaled:
    """Residuals of some forecasts, in multiples of each one's spread where there is one."""

    residuals: Values  # [n]
    times: Times  # of the targets
    widths: Values | None  # [n]

    @classmethod
    def of(cls, part: pd.DataFrame, spread: Spread | None) -> "Scaled":
        """Make it of stored forecasts."""
        residuals, times = (part["truth"] - part["forecast"]).to_numpy(dtype=np.float64), part["target_time"].to_numpy()
        if spread is None:
            return cls(residuals, times, None)
        columns = quantile_columns(part)
        widths = spread.widths(part[list(columns.values())].to_numpy(dtype=np.float64), list(columns))
        return cls(residuals / widths, times, widths)

    def groups(self) -> list[Values]:
        """Return the residuals by hour of the target; with a spread, which knows the hour, all hours' together."""
        return residuals_by_hour(self.residuals, self.times, SMALLEST_GROUP if self.widths is None else len(self.residuals) + 1)


@dataclass(frozen=True)
class Conformal:
    """An entrant's intervals from its validation part, and how they did on its test part."""

    intervals: Intervals | None = None  # None: validation has too few origins
    scores: list[IntervalScore] = field(default_factory=list)  # none where there is no test part
    crps: float | None = None
    pit: list[float] = field(default_factory=list)  # shares of the test part by where in its distribution the truth lay


def conformal(forecasts: pd.DataFrame) -> Conformal:
    """Return split conformal intervals from the validation part's residuals, and how they did on the test part.

    `forecasts`: part, target_time, truth, forecast, and quantile_{level} where the entrant has any, a row each origin.
    """
    validation, test = (forecasts[forecasts["part"] == part] for part in ("validation", "test"))
    spread = spread_of(validation)
    groups = Scaled.of(validation, spread).groups()
    try:
        intervals = fit_intervals(groups, spread=spread)
    except NotEnoughData:
        return Conformal()
    if test.empty:
        return Conformal(intervals)
    told = Scaled.of(test, spread)
    forecast, truth = (test[name].to_numpy(dtype=np.float64) for name in ("forecast", "truth"))
    return Conformal(
        intervals,
        score(intervals, forecast, told.times, truth, told.widths),
        crps(groups, told.residuals, told.times, told.widths),
        pit_shares(pit(groups, told.residuals, told.times)),
    )


def unseen(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that the candidate never saw: of validation and test."""
    return forecasts[forecasts["part"].isin(["validation", "test"])]


def published_intervals(forecasts: pd.DataFrame) -> dict[str, Intervals]:
    """Return the intervals that go out with a model, by file: from residuals of validation and test, which its candidate never saw.

    How good intervals are is measured with those of validation alone (`conformal`); what goes out uses the newest weather too.
    `intervals.json` adds the same whatever the weather; of a model with quantiles `scaled_intervals.json`, which is better, lies
    beside it, which a client of an older tsflow does not know. None of them if there are too few residuals.
    """
    rows = unseen(forecasts)
    spread = spread_of(rows)
    wanted = {INTERVALS: None, **({} if spread is None else {SCALED_INTERVALS: spread})}
    try:
        return {name: fit_intervals(Scaled.of(rows, unit).groups(), spread=unit) for name, unit in wanted.items()}
    except NotEnoughData:
        return {}
