"""Conformal intervals of an entrant, from its validation part, and how they did on its test part."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.errors import NotEnoughData
from tsflow.evaluation.intervals import Intervals, crps, fit_intervals, residuals_by_hour, score


def conformal(forecasts: pd.DataFrame) -> tuple[Intervals | None, dict[str, Any]]:
    """Return split conformal intervals from the validation part's residuals, and how they did on the test part.

    None if validation has too few origins; no scores where there is no test part.
    """
    validation, test = (forecasts[forecasts["part"] == part] for part in ("validation", "test"))
    groups = residuals_by_hour(_residuals(validation), validation["target_time"].to_numpy())
    try:
        intervals = fit_intervals(groups)
    except NotEnoughData:
        return None, {}
    if test.empty:
        return intervals, {}
    times = test["target_time"].to_numpy()
    scores = score(intervals, test["forecast"].to_numpy(), times, test["truth"].to_numpy())
    return intervals, {"intervals": [asdict(found) for found in scores], "crps": crps(groups, _residuals(test), times)}


def _residuals(part: pd.DataFrame) -> NDArray[np.float64]:
    return (part["truth"] - part["forecast"]).to_numpy(dtype=np.float64)
