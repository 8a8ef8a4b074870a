"""Standardising features with the training part's mean and deviation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scaler:
    """Mean and standard deviation of each feature, in its unit; fitted on the training rows only. Both [n_features]."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def fit(cls, rows: NDArray[np.float64]) -> "Scaler":
        """Fit on rows [n, n_features]; a feature that does not vary is only centred."""
        deviation = rows.std(axis=0)
        return cls(rows.mean(axis=0), np.where(deviation > 0, deviation, 1.0))

    def to_dict(self) -> dict[str, list[float]]:
        """Return JSON-able content."""
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    @classmethod
    def from_dict(cls, content: dict[str, list[float]]) -> "Scaler":
        """Read what `to_dict` gave."""
        return cls(np.asarray(content["mean"]), np.asarray(content["deviation"]))
