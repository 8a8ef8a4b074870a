"""Linear regression with a penalty on the squares of the coefficients, by squared or by absolute error.

Columns [n, m] stay in single precision; sums over their rows are added up in chunks, in double precision, as all rows in double
would not be small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve

Values = NDArray[np.float64]
Columns = NDArray[np.float32]

_CHUNK = 4096  # rows


@dataclass(frozen=True)
class Coefficients:
    """Of unscaled columns."""

    kernel: Values  # [m]
    bias: float

    def of(self, columns: Columns) -> Values:
        """Return the regression's values, shape [n]."""
        found = [columns[rows].astype(np.float64) @ self.kernel for rows in _chunks(len(columns))]
        return np.concatenate([np.empty(0), *found]) + self.bias


@dataclass(frozen=True)
class _Standard:
    """Columns as the penalty sees them: mean 0, deviation 1; a column that does not vary is only centred."""

    mean: Values  # [m]
    deviation: Values  # [m]

    @classmethod
    def of(cls, columns: Columns) -> _Standard:
        mean = sum(columns[rows].sum(axis=0, dtype=np.float64) for rows in _chunks(len(columns))) / len(columns)
        squares = sum(((columns[rows] - mean) ** 2).sum(axis=0) for rows in _chunks(len(columns)))
        deviation = np.sqrt(squares / len(columns))
        return cls(mean, np.where(deviation > 1e-6, deviation, 1.0))

    def moments(self, columns: Columns, target: Values, weights: Values | None = None) -> tuple[Values, Values]:
        """Return what the normal equations need: the Gram matrix [m, m] and the products with the target [m]."""
        m = columns.shape[1]
        gram, cross = np.zeros((m, m)), np.zeros(m)
        for rows in _chunks(len(columns)):
            x = (columns[rows] - self.mean) / self.deviation
            weighed = x if weights is None else x * weights[rows, None]
            gram += weighed.T @ x
            cross += weighed.T @ target[rows]
        return gram, cross

    def solved(self, moments: tuple[Values, Values], alpha: float, middle: float) -> Coefficients:
        gram, cross = moments
        kernel = solve(gram + alpha * np.eye(len(cross)), cross, assume_a="pos") / self.deviation
        return Coefficients(kernel, middle - float(self.mean @ kernel))


def by_squared_error(
    columns: Columns, target: Values, alphas: Sequence[float], *, weights: Values | None = None
) -> list[Coefficients]:
    """Fit by least squares, for each penalty; the intercept is the median of the target.

    Parameters
    ----------
    weights
        How much each row counts, [n], 1 on average; None: all the same.

    References
    ----------
    Hoerl and Kennard (1970), Ridge Regression, Technometrics 12.
    """
    standard, middle = _Standard.of(columns), _median(target, weights)
    moments = standard.moments(columns, target - middle, weights)
    return [standard.solved(moments, alpha, middle) for alpha in alphas]


def by_absolute_error(
    columns: Columns,
    target: Values,
    alphas: Sequence[float],
    *,
    solves: int = 5,
    least: float = 1.0,
    weights: Values | None = None,
) -> list[Coefficients]:
    """Fit by absolute error, for each penalty: least squares again and again, weighed by 1 / residual.

    Residuals below `least`, in the target's unit, weigh as if they were that large: so the sum that is minimised is Huber's, which
    is square within `least` and absolute beyond. The intercept is the median of what the columns leave.

    Parameters
    ----------
    solves
        How many times the normal equations are solved; the first time not weighed by residuals.
    weights
        How much each row counts, [n], 1 on average; None: all the same.

    References
    ----------
    Schlossmacher (1973), An iterative technique for absolute deviations curve fitting, JASA 68; Holland and Welsch (1977), Robust
    regression using iteratively reweighted least-squares, Communications in Statistics 6.
    """
    standard, counting = _Standard.of(columns), 1.0 if weights is None else weights
    found = []
    for alpha, first in zip(alphas, by_squared_error(columns, target, alphas, weights=weights), strict=True):
        fitted = _centred(first, columns, target, weights)
        for _ in range(solves - 1):
            weighed = counting / np.maximum(np.abs(target - fitted.of(columns)), least)
            middle = fitted.bias + float(standard.mean @ fitted.kernel)
            moments = standard.moments(columns, target - middle, weighed)
            fitted = _centred(standard.solved(moments, alpha, middle), columns, target, weights)
        found.append(fitted)
    return found


def _centred(fitted: Coefficients, columns: Columns, target: Values, weights: Values | None) -> Coefficients:
    """Return the same kernel with the bias that leaves as much weight of residuals above 0 as below."""
    return Coefficients(fitted.kernel, fitted.bias + _median(target - fitted.of(columns), weights))


def _median(values: Values, weights: Values | None) -> float:
    """Return the median; with weights the least value up to which half of the weight lies."""
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values)
    up_to = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(up_to, up_to[-1] / 2)])


def _chunks(rows: int) -> Iterator[slice]:
    for first in range(0, rows, _CHUNK):
        yield slice(first, first + _CHUNK)
