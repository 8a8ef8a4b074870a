"""Errors by lead time, for entrants that forecast the way to the horizon too.

::

    origin t     t+1  t+2  ...  t+24
                  |    |         |
    MAE          0.6  0.9  ...  2.3      grows with the lead; only that of the horizon is ranked
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.evaluation.metrics import Values
from tsflow.records.dataset import PARTS, Part
from tsflow.records.leaderboard import LeadErrors
from tsflow.windows.dataset import Dataset


def lead_truth(dataset: Dataset, part: Part, lead_hours: Sequence[int]) -> NDArray[np.float64]:
    """Return the target so many hours after each origin, shape [n_windows, n_leads]."""
    rows = dataset.origins(part)[:, None] + np.asarray(lead_hours, dtype=np.int64)
    truth: NDArray[np.float64] = dataset.values[rows, dataset.target_index]
    return truth


def lead_hours(forecasts: pd.DataFrame) -> list[int]:
    """Return the leads that forecasts have whole columns of, in hours, rising."""
    names = [str(name) for name in forecasts.columns if str(name).startswith("lead_")]
    return sorted(int(name.removeprefix("lead_")) for name in names if forecasts[name].notna().all())


def lead_errors(dataset: Dataset, forecasts: pd.DataFrame) -> list[LeadErrors]:
    """Return MAE and the naive MAE of validation and test for each lead and the horizon; empty without leads.

    `forecasts`: part, forecast and lead_{hours}, in the target's unit, a row each origin of validation and test.
    """
    forecasts = forecasts[forecasts["part"] != "train"]
    leads = lead_hours(forecasts)
    if not leads:
        return []
    hours = [*leads, dataset.task.horizon_hours]
    columns = [*(f"lead_{hour}" for hour in leads), "forecast"]
    found: dict[Part, tuple[Values, Values]] = {}  # MAE and naive MAE by part, each [n_leads + 1]
    for part in PARTS[1:]:
        if len(dataset.starts(part)):
            truth = lead_truth(dataset, part, hours)  # [n_windows, n_leads + 1]
            given = forecasts.loc[forecasts["part"] == part, columns].to_numpy(dtype=np.float64)
            now = dataset.values[dataset.origins(part), dataset.target_index]
            found[part] = np.abs(given - truth).mean(axis=0), np.abs(now[:, None] - truth).mean(axis=0)
    return [_line(hour, place, found) for place, hour in enumerate(hours)]


def _line(hour: int, place: int, found: dict[Part, tuple[Values, Values]]) -> LeadErrors:
    def of(part: Part, which: int) -> float | None:
        return float(found[part][which][place]) if part in found else None

    return LeadErrors(
        hours=hour,
        validation=of("validation", 0),
        naive_validation=of("validation", 1),
        test=of("test", 0),
        naive_test=of("test", 1),
    )
