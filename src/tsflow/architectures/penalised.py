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
from scipy.linalg.blas import dsyrk

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

    def scaled(self, unit: float) -> Coefficients:
        """Return those of a target that is so many times as large."""
        return Coefficients(self.kernel * unit, self.bias * unit)


@dataclass(frozen=True)
class _Standard:
    """Columns as the penalty sees them: mean 0, deviation 1; a column that does not vary is only centred."""

    mean: Values  # [m]
    deviation: Values  # [m]

    @classmethod
    def of(cls, columns: Columns, weights: Values | None = None) -> _Standard:
        counting = np.ones(len(columns)) if weights is None else weights
        mean = sum(counting[rows] @ columns[rows].astype(np.float64) for rows in _chunks(len(columns))) / counting.sum()
        squares = sum(counting[rows] @ (columns[rows] - mean) ** 2 for rows in _chunks(len(columns)))
        deviation = np.sqrt(squares / counting.sum())
        return cls(mean, np.where(deviation > 1e-6, deviation, 1.0))

    def moments(self, columns: Columns, target: Values, weights: Values | None = None) -> tuple[Values, Values]:
        """Return what the normal equations need: the Gram matrix [m, m] and the products with the target [m]."""
        m = columns.shape[1]
        upper, cross = np.zeros((m, m), order="F"), np.zeros(m)
        for rows in _chunks(len(columns)):
            x = (columns[rows] - self.mean) / self.deviation
            y = target[rows]
            if weights is not None:
                root = np.sqrt(weights[rows])
                x, y = x * root[:, None], y * root
            upper = dsyrk(1.0, x.T, beta=1.0, c=upper, overwrite_c=True)  # half of a product that is symmetric
            cross += x.T @ y
        return upper + np.triu(upper, 1).T, cross

    def solved(self, moments: tuple[Values, Values], alpha: float, middle: float) -> Coefficients:
        gram, cross = moments
        kernel = solve(gram + alpha * np.eye(len(cross)), cross, assume_a="pos") / self.deviation
        return Coefficients(kernel, middle - float(self.mean @ kernel))


def by_squared_error(
    columns: Columns, target: Values, alphas: Sequence[float], *, weights: Values | None = None
) -> list[Coefficients]:
    """Fit by least squares, for each penalty; the intercept is the median of what the columns leave.

    Parameters
    ----------
    weights
        How much each row counts, [n], 1 on average; None: all the same.

    References
    ----------
    Hoerl and Kennard (1970), Ridge Regression, Technometrics 12.
    """
    standard = _Standard.of(columns, weights)
    moments = standard.moments(columns, target, weights)  # columns are centred, so that a constant in the target is no matter
    return [_centred(standard.solved(moments, alpha, 0.0), columns, target, weights) for alpha in alphas]


@dataclass(frozen=True)
class Reweighing:
    """How a fit by absolute error goes about it."""

    solves: int = 5  # of the normal equations; the first time not weighed by residuals
    least: float = 1.0  # residuals below it, in the target's unit, weigh as if they were that large
    weighed_by: float | None = None  # the penalty whose residuals give the weights; None: the middle one of those that are tried


def by_absolute_error(
    columns: Columns,
    target: Values,
    alphas: Sequence[float],
    how: Reweighing = Reweighing(),
    *,
    weights: Values | None = None,
) -> list[Coefficients]:
    """Fit by absolute error, for each penalty: least squares again and again, weighed by 1 / residual.

    Residuals below `how.least` weigh as if they were that large: so the sum that is minimised is Huber's, which
    is square within that and absolute beyond. The intercept is the median of what the columns leave. Of several penalties one's
    residuals give the weights of all: they hardly differ, and what takes time, the Gram matrix, serves each.

    Parameters
    ----------
    weights
        How much each row counts, [n], 1 on average; None: all the same.

    References
    ----------
    Schlossmacher (1973), An iterative technique for absolute deviations curve fitting, JASA 68; Holland and Welsch (1977), Robust
    regression using iteratively reweighted least-squares, Communications in Statistics 6.
    """
    standard, counting = _Standard.of(columns, weights), 1.0 if weights is None else weights
    weighing = alphas[len(alphas) // 2] if how.weighed_by is None else how.weighed_by
    moments, middle = standard.moments(columns, target, weights), 0.0
    for _ in range(how.solves - 1):
        among = _centred(standard.solved(moments, weighing, middle), columns, target, weights)
        weighed = counting / np.maximum(np.abs(target - among.of(columns)), how.least)
        middle = among.bias + float(standard.mean @ among.kernel)
        moments = standard.moments(columns, target - middle, weighed)
    return [_centred(standard.solved(moments, alpha, middle), columns, target, weights) for alpha in alphas]


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
