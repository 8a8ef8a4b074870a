"""Ensembles of a run's own candidates: the mean of named ones or of the best, or weights that add no harm.

Weights come from the validation part alone. What an ensemble is ranked by must not come from the rows that gave its weights, so its
validation forecasts are cross-fitted::

    validation   |  fold 1  |  fold 2  |  fold 3  |  fold 4  |  fold 5  |
    weights for  |          |##########|          .          .          .      from all other folds,
    fold 2       xxxxxxxxxxx-          -xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx      less `gap` windows at each side
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import nnls

from tsflow.architectures.magnitude import degree
from tsflow.architectures.registry import Architecture, register
from tsflow.errors import EntrantSkipped, TrainingError

Values = NDArray[np.float64]
FOLDS = 5
# Degrees, or what they are to another target (`magnitude.py`).
SAME = 0.01  # two members that differ by less on average are one, and would count twice
MOVES = 0.1  # a member that never leaves the value at the origin, as naive, could get any weight


@dataclass(frozen=True)
class Weights:
    """A weight for each member, and one for the target's value at the origin, so that all add up to 1."""

    members: Values  # [n_members]

    @property
    def now(self) -> float:
        """The weight of the value at the origin."""
        return float(1 - self.members.sum())

    def forecast(self, forecasts: Values, now: Values) -> Values:
        """Return the ensemble's forecasts [n] from the members' [n, n_members] and the values at the origins [n]."""
        found: Values = forecasts @ self.members + self.now * now
        return found


def _least_squares_within_one(changes: Values, truth: Values) -> Values:
    """Return weights of 0 or more, sum at most 1, shape [n_members], for changes [n, n_members] and the true change [n].

    What is left to 1 is the weight of a change of 0. That they add up to 1 is one more row, heavy enough to hold
    (Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 22).
    """
    heavy = 1e3 * max(float(np.linalg.norm(changes)), 1.0)
    unchanged = np.zeros((len(changes), 1))
    design = np.vstack([np.hstack([changes, unchanged]), np.full(changes.shape[1] + 1, heavy)])
    weights: Values = nnls(design, np.append(truth, heavy))[0]
    return weights[:-1] / max(1.0, float(weights[:-1].sum()))


def _told_apart(forecasts: Values, order: NDArray[np.intp], unit: float) -> NDArray[np.intp]:
    """Return `order` without members, columns of forecasts [n, n_members], that forecast what one before them does."""
    kept: list[np.intp] = []
    for member in order:
        if all(np.abs(forecasts[:, member] - forecasts[:, other]).mean() >= SAME * unit for other in kept):
            kept.append(member)
    return np.array(kept, dtype=np.intp)


@register("ensemble")
class Ensemble(Architecture):
    """Members are candidates of the same run, on the same origins; ensembles are not members of ensembles."""

    method: Literal["mean", "stacking"]
    best: Annotated[int, Field(ge=2)] | None = None  # so many with the least validation MAE; None: all
    of: Annotated[list[str], Field(min_length=2)] | None = None  # these, all of them; None: every entrant that was trained

    @property
    def fixed(self) -> bool:
        """Whether it is the mean of members that are named: nothing is chosen on validation."""
        return self.method == "mean" and self.of is not None and self.best is None

    def weigh(self, forecasts: Values, truth: Values, now: Values) -> Weights:
        """Return the weights that `method` gives.

        The mean takes the best on these origins, and of two that forecast the same the better one; or all that are named. Stacking
        minimises the squared error of the change from now over weights of 0 or more (Breiman 1996, Stacked Regressions, Machine
        Learning 24) whose sum is at most 1: members are not stretched beyond what they forecast.

        Parameters
        ----------
        forecasts
            Of each member, shape [n_origins, n_members].
        truth, now
            Target, and its value at the origin, shape [n_origins].
        """
        errors = np.abs(forecasts - truth[:, None]).mean(axis=0)  # [n_members]
        unit = degree(truth - now)
        moves = np.abs(forecasts - now[:, None]).max(axis=0) > MOVES * unit
        order = np.argsort(errors, kind="stable")
        taken = (_told_apart(forecasts, order, unit) if self.method == "mean" and not self.fixed else order)[: self.best]
        if self.method == "stacking":
            taken = taken[moves[taken]]
        weights = np.zeros(forecasts.shape[1])
        if self.method == "mean":
            weights[taken] = 1 / len(taken)
        else:
            weights[taken] = _least_squares_within_one(forecasts[:, taken] - now[:, None], truth - now)
        return Weights(weights)

    def cross_fitted(self, forecasts: Values, truth: Values, now: Values, *, gap: int) -> Values:
        """Return forecasts [n] of each origin with weights from the other folds, `gap` origins away or more.

        Raises
        ------
        EntrantSkipped
            If folds are so short that nothing is left to weigh on.
        """
        if self.fixed:
            return self.weigh(forecasts, truth, now).forecast(forecasts, now)
        n = len(truth)
        found = np.empty(n)
        edges = np.linspace(0, n, FOLDS + 1).astype(int)
        for first, after in pairwise(edges):
            others = np.r_[0 : max(0, first - gap), min(n, after + gap) : n]
            if len(others) < 2 * forecasts.shape[1]:
                msg = (
                    f"{self.architecture}: {n} validation windows are too few to weigh {forecasts.shape[1]} members "
                    f"in {FOLDS} folds with {gap} windows between them; give a longer validation part"
                )
                raise EntrantSkipped(msg)
            weights = self.weigh(forecasts[others], truth[others], now[others])
            found[first:after] = weights.forecast(forecasts[first:after], now[first:after])
        return found

    def members(self, trained: list[str]) -> list[str]:
        """Return which of the trained entrants it is made of.

        Raises
        ------
        TrainingError
            If one that is named has no result, or they are fewer than two.
        """
        if lacking := [name for name in self.of or [] if name not in trained]:
            made = f"{self.architecture}: it is made of {', '.join(self.of or [])}"
            msg = f"{made}, and this run has no result of {', '.join(lacking)}; train that, and rank again"
            raise TrainingError(msg)
        if len(trained) < 2:
            msg = f"{self.architecture}: an ensemble needs two members or more, this run trained {', '.join(trained) or 'none'}"
            raise TrainingError(msg)
        return self.of or trained
