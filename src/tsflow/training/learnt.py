"""Which windows of a training part are learnt: of all history what is cheap, of its last days networks of hours."""

from dataclasses import replace

import pandas as pd

from tsflow.architectures.network import Network
from tsflow.architectures.registry import Architecture
from tsflow.records.candidate import Learnt
from tsflow.windows.dataset import Dataset


def as_taught(recipe: Architecture, dataset: Dataset, networks_history_days: int | None) -> Dataset:
    """Return the dataset with the windows that a recipe learns; what is read off the rows (scaler, climatology) stays as it is.

    ::

        rows        |------------------ train ------------------|- validation -|- test -|
        networks                  |-- networks_history_days --->|
    """
    days = days_taught(recipe, networks_history_days)
    return dataset if days is None else replace(dataset, train_days=days)


def days_taught(recipe: Architecture, networks_history_days: int | None) -> int | None:
    """Return how many of a training part's last days a recipe learns; None: all."""
    return networks_history_days if isinstance(recipe, Network) and not recipe.learns_all_history else None


def learnt(dataset: Dataset) -> Learnt:
    """Return how many windows a training learns, and of which times."""
    starts = dataset.starts("train")
    first, last = (pd.Timestamp(dataset.times[row]).to_pydatetime() for row in (starts[0], starts[-1] + dataset.task.span - 1))
    return Learnt(windows=len(starts), first=first, last=last)
