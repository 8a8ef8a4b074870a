"""Quantiles that a recipe forecasts beside its point forecast: how unsure it is today.

::

    level      0.1        0.5        0.9
                |----------|----------|          their distance is the spread, wide before a front, narrow in fog
                        forecast

They are learnt on the training part by the pinball loss, each level for itself, so that two may cross; sorting mends that and never
makes them worse (Chernozhukov, Fernandez-Val and Galichon 2010, Econometrica 78). What they promise is too little on new weather:
intervals come of them by `tsflow.uncertainty.conformal`, which measures on validation how many spreads away the truth lies.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

Values = NDArray[np.float64]
MEDIAN = 0.5


def _checked(levels: list[float]) -> list[float]:
    if levels and (levels != sorted(set(levels)) or MEDIAN not in levels or len(levels) < 3):
        msg = f"quantiles {levels}: give rising levels, 0.5 among them, which is the forecast, and one on each side or more"
        raise ValueError(msg)
    if levels and not levels[0] < MEDIAN < levels[-1]:
        msg = f"quantiles {levels}: there is none on one side of 0.5; give both, such as [0.1, 0.5, 0.9]"
        raise ValueError(msg)
    return levels


Levels = Annotated[list[Annotated[float, Field(gt=0, lt=1)]], AfterValidator(_checked)]  # empty: a point forecast alone


def quantile_head(head: Callable[[str, int], Any], levels: Sequence[float], *, mended: bool) -> tuple[Any, Any]:
    """Return a network's forecast [n, 1], which is the median, and all its quantiles [n, n_levels]; `head` makes the Dense.

    `mended`: each row is sorted. While it learns it must not be: an output would be taught another level in each window.
    """
    from keras import ops

    found = head("quantiles", len(levels))
    found = ops.sort(found, axis=-1) if mended else found
    return ops.take(found, [list(levels).index(MEDIAN)], axis=-1), found


def common(levels: Mapping[str, Sequence[float]]) -> list[float]:
    """Return the levels that all have who have any, rising; empty if those are fewer than two."""
    held = [set(each) for each in levels.values() if each]
    shared = sorted(set.intersection(*held)) if held else []
    return shared if len(shared) > 1 else []


def places(own: Sequence[float], wanted: Sequence[float]) -> list[int]:
    """Return where the wanted levels stand among one's own."""
    return [list(own).index(level) for level in wanted]


def pooled(forecasts: Values, members: Sequence[tuple[Values, Values]], weights: Sequence[float]) -> Values:
    """Return the quantiles [n, n_levels] of a weighted sum: around its forecasts [n], as far apart as its members' are on average.

    `members`: forecast [n] and quantiles [n, n_levels] of those that have some; a member without has no say in the spread.
    """
    offsets = sum(weight * (quantiles - forecast[:, None]) for (forecast, quantiles), weight in zip(members, weights, strict=True))
    found: Values = forecasts[:, None] + offsets / sum(weights)
    return found
