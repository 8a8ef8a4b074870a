"""What is thought of a candidate, from its forecasts: errors by part of the split; and those of naive on the same origins."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.evaluation.metrics import bias, mae, rmse
from tsflow.records.candidate import StoredCandidate
from tsflow.records.dataset import PARTS, Part
from tsflow.records.record import Reference
from tsflow.windows.dataset import Dataset


@dataclass(frozen=True)
class PartErrors:
    """Errors on one part of the split, in the target's unit."""

    mae: float
    rmse: float
    bias: float

    @classmethod
    def of(cls, truth: NDArray[np.float64], forecast: NDArray[np.float64]) -> "PartErrors | None":
        """Return the errors of forecasts [n]; None without forecasts, or where some are missing."""
        if not len(forecast) or not np.isfinite(forecast).all():
            return None
        return cls(mae(truth, forecast), rmse(truth, forecast), bias(truth, forecast))


@dataclass(frozen=True)
class Judged:
    """A candidate with its forecasts: part, origin, target_time, truth, forecast, and lead_{hours} where there are any."""

    candidate: StoredCandidate
    reference: Reference
    forecasts: pd.DataFrame

    def errors(self, part: Part) -> PartErrors | None:
        """Return its errors on one part; None where it has no forecasts, as an ensemble on the training part."""
        rows = self.forecasts[self.forecasts["part"] == part]
        return PartErrors.of(rows["truth"].to_numpy(dtype=np.float64), rows["forecast"].to_numpy(dtype=np.float64))


def naive_errors(dataset: Dataset) -> dict[str, float]:
    """Return the MAE of 'as now' on each part that has windows; what skill is measured against."""
    target = dataset.values[:, dataset.target_index]
    return {part: mae(dataset.targets(part), target[dataset.origins(part)]) for part in PARTS if len(dataset.starts(part))}
