"""Errors of point forecasts, as pure functions. Arrays are [n_origins], in the target's unit."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def mae(truth: Values, forecast: Values) -> float:
    """Mean absolute error."""
    return float(np.mean(np.abs(forecast - truth)))


def rmse(truth: Values, forecast: Values) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((forecast - truth) ** 2)))


def bias(truth: Values, forecast: Values) -> float:
    """Mean error; positive if forecasts are too high."""
    return float(np.mean(forecast - truth))


def skill(error: float | None, naive_error: float | None) -> float | None:
    """Return 1 - error / naive error: 0 is as good as naive, 1 is perfect (Murphy 1988, Mon. Wea. Rev. 116).

    None where either is not known, or naive makes no error: nothing can then be better or worse than it by a share.
    """
    return 1 - error / naive_error if error is not None and naive_error else None
