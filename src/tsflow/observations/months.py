"""Rows as a partition takes them: month by month, and which of them it has already."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray


def by_month(rows: pa.Table) -> list[pa.Table]:
    """Return the rows of each month, by `time` and in its order; no row is copied if they are in that order already."""
    times = rows["time"].to_numpy()
    if len(times) and (times[1:] < times[:-1]).any():
        order = np.argsort(times, kind="stable")
        rows, times = rows.take(order), times[order]
    months = times.astype("datetime64[M]")
    edges = np.flatnonzero(months[1:] != months[:-1]) + 1
    return [rows.slice(first, after - first) for first, after in pairwise([0, *edges.tolist(), len(times)]) if after > first]


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
