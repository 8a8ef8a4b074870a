"""Rows as a partition takes them: month by month, and which of them it has already."""

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def by_month(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows of each month, indexed by their column `time`, in order of time."""
    rows = frame.sort_values("time", kind="stable").set_index("time")
    months = rows.index.to_numpy().astype("datetime64[M]")
    edges = np.flatnonzero(months[1:] != months[:-1]) + 1
    return [rows.iloc[first:after] for first, after in pairwise([0, *edges.tolist(), len(rows)]) if after > first]


def compared(rows: pd.DataFrame, stored: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows are stored, and which of these with the same values; both are indexed by time.

    A column that the stored rows lack is a change where it has a value.
    """
    known = rows.index.isin(stored.index)
    if not known.any():
        return known, known
    before = stored.reindex(index=rows.index, columns=rows.columns)
    same: NDArray[np.bool_] = known & np.isclose(before, rows, rtol=0, atol=0, equal_nan=True).all(axis=1)
    if fresh_columns := rows.columns.difference(stored.columns).tolist():
        same &= rows[fresh_columns].isna().all(axis=1).to_numpy()
    return known, same
