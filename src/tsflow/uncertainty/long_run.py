"""How sure a mean absolute error is: Student's t over the slow waves of its days.

Errors of neighbouring days resemble each other, as they belong to the same weather, so a mean of n days is less sure than one
of n throws. By how much shows in the slow waves of the series, since those are all that a mean over it feels::

    days    0 ..................................... n-1
    j = 1   + + + + + + + + + + - - - - - - - - - -   half a wave over the record
    j = 2   + + + + + - - - - - - - - - - + + + + +   one wave; and so on, up to j = 0.4 n^(2/3)

The mean square of the series' weights on these cosines is its long-run variance. So few waves are themselves a small sample,
which Student's t allows for with as many degrees of freedom; a percentile bootstrap does not (docs/statistics.md has figures).

A day is the calendar day of the origin; days without any origin are left out, and a day counts by its origins.

References
----------
Lazarus, Lewis, Stock and Watson (2018), HAR Inference: Recommendations for Practice, J. Bus. Econ. Stat. 36: the test `EWC`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit  # scipy.stats would take half a second to import

from tsflow.bundle.intervals import checked_level
from tsflow.errors import NotEnoughData, UnknownName
from tsflow.names import JUDGED_DAYS
from tsflow.uncertainty.bootstrap import Times, Values, daily_sums

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value and the interval it lies in."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Means:
    """Means over the same days with their standard deviations, each shape [n_models], and the degrees of freedom of those."""

    values: Values
    deviations: Values
    waves: int

    def t(self) -> Values:
        """Return each mean in its deviations, shape [n_models]; infinite for one that never varies, 0 if that one is 0."""
        varies = self.deviations > 0
        never = np.where(self.values == 0, 0.0, np.copysign(np.inf, self.values))
        return np.where(varies, self.values / np.where(varies, self.deviations, 1.0), never)

    def p_values(self) -> Values:
        """Return the two-sided probability of so large a mean if the true one is 0, shape [n_models]."""
        p: Values = 2 * stdtr(self.waves, -np.abs(self.t()))
        return p

    def estimates(self, level: float = LEVEL) -> list[Estimate]:
        """Return each mean with its interval; `SettingsError` if `level` is outside (0, 1)."""
        reach = stdtrit(self.waves, (1 + checked_level(level)) / 2) * self.deviations
        return [Estimate(float(v), float(v - r), float(v + r)) for v, r in zip(self.values, reach, strict=True)]


def waves_of(n_days: int) -> int:
    """Return how many waves a record of so many days has that say how sure its mean is: 6 at 56 days, 27 at 540."""
    return max(1, int(np.rint(0.4 * np.cbrt(n_days) ** 2)))


def means_of(daily: Values) -> Means:
    """Return the means of series [n_days, n_models] with their long-run deviations.

    Raises
    ------
    NotEnoughData
        If there are fewer than `JUDGED_DAYS` days.
    """
    days = len(daily)
    _require(days)
    waves = waves_of(days)
    cosines = np.sqrt(2 / days) * np.cos(np.pi * np.outer(np.arange(1, waves + 1), np.arange(days) + 0.5) / days)
    variance = np.square(cosines @ (daily - daily.mean(axis=0))).mean(axis=0)  # [waves, n_models], long-run
    return Means(daily.mean(axis=0), np.sqrt(variance / days), waves)


def _require(days: int) -> None:
    if days < JUDGED_DAYS:
        msg = f"{days} days with origins are not enough data to say how sure an error is, expected at least {JUDGED_DAYS}; "
        msg += "give a longer part"
        raise NotEnoughData(msg)


def daily_errors(errors: Values, origin_times: Times) -> Values:
    """Return series [n_days, n_models] whose means are the models' MAE, each day counting by its origins.

    `errors`: forecast minus truth, [n_origins, n_models]. A day's value is the MAE, and by how much its origins' errors lie
    above it, as a share of a mean day's origins: the usual linear form of a ratio of two sums.

    Raises
    ------
    DataError
        If shapes do not fit, or an error or a time is missing: models are compared on the same origins or not at all.
    NotEnoughData
        If there are fewer than `JUDGED_DAYS` days.
    """
    sums, origins = daily_sums(errors, origin_times)
    _require(len(origins))
    mae = sums.sum(axis=0) / origins.sum()
    series: Values = mae + (sums - origins[:, None] * mae) / origins.mean()
    return series


def apart(daily: Values, centre: Values) -> Values:
    """Return by how much series [n_days, n_models] differ from another [n_days, 1]; 0 for those that are the same to six digits.

    One rule under two names differs in the last digits of its forecasts, and those may well point one way.
    """
    difference = daily - centre
    same = np.abs(difference).max(axis=0) <= 1e-6 * np.abs(centre).max()
    return np.where(same, 0.0, difference)


def mae_intervals(errors: Values, origin_times: Times, *, level: float = LEVEL) -> list[Estimate]:
    """Return each model's MAE with its interval.

    Parameters
    ----------
    errors
        Forecast minus truth, shape [n_origins, n_models].
    origin_times
        When the forecasts were made, shape [n_origins]; gaps are allowed.

    Raises
    ------
    DataError
        If errors are missing or shapes do not fit; `NotEnoughData` if there are fewer than `JUDGED_DAYS` days with origins.
    SettingsError
        If `level` is outside (0, 1).
    """
    found = means_of(daily_errors(errors, origin_times)).estimates(level)
    return [Estimate(each.value, max(0.0, each.low), each.high) for each in found]


def differences(errors: Values, origin_times: Times, reference: int) -> Means:
    """Return each model's MAE minus that of the model in column `reference`, paired.

    What both share, a hard week, is taken out of each day before it is asked how much the days vary. The reference's own
    difference is 0 and sure. Other arguments and errors as for `mae_intervals`.
    """
    daily = daily_errors(errors, origin_times)
    if not 0 <= reference < daily.shape[1]:
        raise UnknownName("reference column", str(reference), [str(column) for column in range(daily.shape[1])])
    return means_of(apart(daily, daily[:, [reference]]))
