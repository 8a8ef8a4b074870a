"""What the model that goes out learns from: more rows than the candidate that was judged."""

from dataclasses import replace

import pandas as pd

from tsflow.splits import FixedSplit, RecentSplit
from tsflow.windows.dataset import Dataset


def for_refit(dataset: Dataset) -> Dataset:
    """Return the dataset that the model which goes out learns from: all rows of the split `recent`, else `joined`.

    If the candidate's rows did not span a year and these do, its features go on without the year's harmonics: published is what
    was judged.
    """
    whole = _whole(dataset) if isinstance(dataset.split, RecentSplit) else joined(dataset)
    return replace(whole, knows_a_year=False) if whole.covers_a_year and not dataset.covers_a_year else whole


def joined(dataset: Dataset) -> Dataset:
    """Return the dataset whose training part is this one's training and validation parts: its test part stays unseen."""
    bounds = dataset.bounds
    return dataset.cut(dataset.ending(bounds.b, bounds.b, bounds.n), f"{dataset.split_name}, refit")


def _whole(dataset: Dataset) -> Dataset:
    end = pd.Timestamp(dataset.times[-1]).to_pydatetime()
    fixed = FixedSplit(train_end=end, validation_end=end, test_end=end)
    return dataset.cut(fixed, f"{dataset.split_name}, all rows")
