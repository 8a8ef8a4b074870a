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


def by_squared_error(columns: Columns, target: Values, alphas: Sequence[float]) -> list[Coefficients]:
    """Fit by least squares, for each penalty; the intercept is the median of the target.

    References
    ----------
    Hoerl and Kennard (1970), Ridge Regression, Technometrics 12.
    """
    standard, middle = _Standard.of(columns), float(np.median(target))
    moments = standard.moments(columns, target - middle)
    return [standard.solved(moments, alpha, middle) for alpha in alphas]


def by_absolute_error(
    columns: Columns, target: Values, alphas: Sequence[float], *, solves: int = 5, least: float = 1.0
) -> list[Coefficients]:
    """Fit by absolute error, for each penalty: least squares again and again, weighed by 1 / residual.

    Residuals below `least`, in the target's unit, weigh as if they were that large: so the sum that is minimised is Huber's, which
    is square within `least` and absolute beyond. The intercept is the median of what the columns leave.

    Parameters
    ----------
    solves
        How many times the normal equations are solved; the first time unweighted.

    References
    ----------
    Schlossmacher (1973), An iterative technique for absolute deviations curve fitting, JASA 68; Holland and Welsch (1977), Robust
    regression using iteratively reweighted least-squares, Communications in Statistics 6.
    """
    standard = _Standard.of(columns)
    found = []
    for alpha, first in zip(alphas, by_squared_error(columns, target, alphas), strict=True):
        fitted = _centred(first, columns, target)
        for _ in range(solves - 1):
            weights = 1 / np.maximum(np.abs(target - fitted.of(columns)), least)
            middle = fitted.bias + float(standard.mean @ fitted.kernel)
            moments = standard.moments(columns, target - middle, weights)
            fitted = _centred(standard.solved(moments, alpha, middle), columns, target)
        found.append(fitted)
    return found


def _centred(fitted: Coefficients, columns: Columns, target: Values) -> Coefficients:
    """Return the same kernel with the bias that leaves as many residuals above 0 as below."""
    return Coefficients(fitted.kernel, fitted.bias + float(np.median(target - fitted.of(columns))))


def _chunks(rows: int) -> Iterator[slice]:
    for first in range(0, rows, _CHUNK):
        yield slice(first, first + _CHUNK)
