"""How much a training window counts by its age: lately says more of tomorrow than years ago."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tsflow.windows.dataset import Dataset

HalfLife = Annotated[float, Field(ge=30)] | None  # days after which a window counts half; None: all count the same


def recency(dataset: Dataset, half_life_days: float | None) -> NDArray[np.float64] | None:
    """Return how much each training window counts, [n_windows], 1 on average; None where all count the same."""
    if half_life_days is None:
        return None
    times = dataset.times[dataset.starts("train") + dataset.task.span - 1]  # of the targets
    age_days = (times[-1] - times) / np.timedelta64(1, "D")
    falling = 0.5 ** (age_days / half_life_days)
    weights: NDArray[np.float64] = falling / falling.mean()
    return weights
