"""Whether two models' errors differ by more than chance: the Diebold-Mariano test.

The loss is the absolute error, as the leaderboard ranks by MAE. Rows are origins in order of time, one an hour; the
test counts rows, so a gap only puts next to each other what hardly correlates.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr  # scipy.stats would take half a second to import

from tsflow.errors import DataError, NotEnoughData, SettingsError


@dataclass(frozen=True)
class DieboldMariano:
    """The test's result; a positive statistic says that the first model is worse."""

    statistic: float
    p_value: float  # two-sided
    lag: int  # of the variance
    origins: int


def newey_west_lag(origins: int, horizon_hours: int) -> int:
    """Return how many lags the variance covers: horizon - 1 at least, else 1.3 sqrt(n).

    Forecasts `horizon_hours` ahead share weather with the next `horizon_hours - 1` origins, but Bartlett's falling weights
    halve such correlations if the lag stops there. 1.3 sqrt(n) is 148 hours for 13,000 origins: about as long as a block
    of the bootstrap, whose variance has the same form.

    References
    ----------
    Lazarus, Lewis, Stock and Watson (2018), HAR Inference: Recommendations for Practice, J. Bus. Econ. Stat. 36.
    """
    return max(horizon_hours - 1, math.ceil(1.3 * math.sqrt(origins)))


def long_run_variance(series: NDArray[np.float64], lag: int) -> float:
    """Return the heteroskedasticity and autocorrelation consistent variance of a series [n], with Bartlett's weights.

    gamma_0 + 2 sum_k (1 - k / (lag + 1)) gamma_k, k = 1..lag, where gamma_k = 1/n sum_t (x_t - mean)(x_{t-k} - mean).

    References
    ----------
    Newey and West (1987), Econometrica 55.
    """
    centred, n = series - series.mean(), len(series)
    gamma = np.array([centred[k:] @ centred[: n - k] for k in range(lag + 1)]) / n  # [lag + 1]
    weights = 1 - np.arange(1, lag + 1) / (lag + 1)
    return max(0.0, float(gamma[0] + 2 * weights @ gamma[1:]))


def _differences(errors: NDArray[np.float64], reference_errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much the first model's absolute errors are greater, shape [n_origins]."""
    if errors.ndim != 1 or errors.shape != reference_errors.shape:
        msg = f"errors {list(errors.shape)} and {list(reference_errors.shape)}, expected both [n_origins]"
        raise DataError(msg)
    loss: NDArray[np.float64] = np.abs(errors) - np.abs(reference_errors)
    if missing := int((~np.isfinite(loss)).sum()):
        msg = f"errors of {missing} of {len(loss)} origins are missing; compare models on the origins that both have"
        raise DataError(msg)
    return loss


def diebold_mariano(
    errors: NDArray[np.float64], reference_errors: NDArray[np.float64], *, horizon_hours: int = 24, lag: int | None = None
) -> DieboldMariano:
    """Test whether two models have the same mean absolute error, from their errors on the same origins.

    Parameters
    ----------
    errors, reference_errors
        Forecast minus truth, shape [n_origins], in order of time.
    lag
        Of the variance; by default `newey_west_lag`.

    Returns
    -------
    DieboldMariano
        Statistic with the correction for small samples and p-value from Student's t with n - 1 degrees of freedom.
        Equal errors give 0 and p = 1; a difference that never varies gives an infinite statistic and p = 0.

    Raises
    ------
    DataError
        If shapes do not fit or errors are missing; `NotEnoughData` if there are fewer than 2 (lag + 1) origins.
    SettingsError
        If `horizon_hours` is below 1 or `lag` below `horizon_hours` - 1.

    References
    ----------
    Diebold and Mariano (1995), Comparing Predictive Accuracy, J. Bus. Econ. Stat. 13.
    Harvey, Leybourne and Newbold (1997), Testing the equality of prediction mean squared errors, Int. J. Forecasting 13.
    """
    loss = _differences(errors, reference_errors)
    n = len(loss)
    lag = newey_west_lag(n, horizon_hours) if lag is None else lag
    if horizon_hours < 1 or lag < horizon_hours - 1:
        msg = f"horizon_hours {horizon_hours} and lag {lag}, expected a horizon of 1 or more and a lag of horizon_hours - 1 or more"
        raise SettingsError(msg)
    if n < 2 * (lag + 1):
        msg = f"{n} origins, expected at least {2 * (lag + 1)} at horizon {horizon_hours} h and lag {lag}; give a longer part"
        raise NotEnoughData(msg)
    mean, deviation = float(loss.mean()), math.sqrt(long_run_variance(loss, lag) / n)
    if deviation == 0:
        never_differ = mean == 0
        return DieboldMariano(0.0 if never_differ else math.copysign(math.inf, mean), 1.0 if never_differ else 0.0, lag, n)
    h = horizon_hours
    statistic = mean / deviation * math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    return DieboldMariano(statistic, float(2 * stdtr(n - 1, -abs(statistic))), lag, n)
