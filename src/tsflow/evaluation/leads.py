"""Errors by lead time, for entrants that forecast the way to the horizon too.

::

    origin t     t+1  t+2  ...  t+24
                  |    |         |
    MAE          0.6  0.9  ...  2.3      grows with the lead; only that of the horizon is ranked
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsflow.evaluation.metrics import mae
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import PARTS, Part


def lead_truth(dataset: Dataset, part: Part, lead_hours: Sequence[int]) -> NDArray[np.float64]:
    """Return the target so many hours after each origin, shape [n_windows, n_leads]."""
    rows = dataset.origins(part)[:, None] + np.asarray(lead_hours, dtype=np.int64)
    truth: NDArray[np.float64] = dataset.values[rows, dataset.target_index]
    return truth


def lead_errors(
    dataset: Dataset, lead_hours: Sequence[int], leads: dict[Part, NDArray[np.float64]], forecasts: dict[Part, NDArray[np.float64]]
) -> list[dict[str, Any]]:
    """Return MAE and the naive MAE of validation and test for each lead and the horizon; empty without leads.

    `leads`: [n_windows, n_leads] of each part, `forecasts`: [n_windows], in the target's unit.
    """
    if not lead_hours:
        return []
    hours = [*lead_hours, dataset.task.horizon_hours]
    found: list[dict[str, Any]] = [{"hours": hour} for hour in hours]
    for part in PARTS[1:]:
        if not len(dataset.starts(part)):
            continue
        truth = lead_truth(dataset, part, hours)  # [n_windows, n_leads + 1]
        given = np.concatenate([leads[part], forecasts[part][:, None]], axis=1)
        now = dataset.values[dataset.origins(part), dataset.target_index]
        for place, line in enumerate(found):
            line[part] = mae(truth[:, place], given[:, place])
            line[f"naive_{part}"] = mae(truth[:, place], now)
    return found
