"""Cutting a record into train, validation and test, by the time of the target.

::

    rows      0 ........................ a ............ b ............ n
    train     targets in [0, a)
    validation                           targets in [a, b)
    test                                                targets in [b, n)

A window belongs to the part that holds its target. With `whole_windows` its inputs must lie there too, as in the
book's utility; else validation and test windows may read inputs from before their part, which at the time of
the forecast are known.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsflow.errors import NotEnoughData
from tsflow.records.dataset import PARTS, Part
from tsflow.splits import FixedSplit, FractionSplit, RecentSplit
from tsflow.task import Task

Split = FractionSplit | RecentSplit | FixedSplit
Starts = NDArray[np.int64]  # [n_windows], the row of each window's first input


@dataclass(frozen=True)
class Bounds:
    """Row numbers: train [0, a), validation [a, b), test [b, n)."""

    a: int
    b: int
    n: int

    def of(self, part: Part) -> tuple[int, int]:
        """Return a part's first row and the row after its last."""
        return {"train": (0, self.a), "validation": (self.a, self.b), "test": (self.b, self.n)}[part]


def bounds(times: NDArray[np.datetime64], split: Split) -> Bounds:
    """Return where the parts begin. `times`: [n], rising."""
    n = len(times)
    if isinstance(split, FractionSplit):
        return Bounds(round(n * split.train), round(n * (split.train + split.validation)), n)
    if isinstance(split, FixedSplit):
        ends = [np.datetime64(end) for end in (split.train_end, split.validation_end, split.test_end)]
        return Bounds(*(int(row) for row in np.searchsorted(times, ends, side="right")))
    most = (times[-1] - times[0]) * split.at_most_share
    test = min(np.timedelta64(split.test_days, "D"), most)
    validation = min(np.timedelta64(split.validation_days, "D"), most)
    b = int(np.searchsorted(times, times[-1] - test, side="right"))
    a = int(np.searchsorted(times, times[-1] - test - validation, side="right"))
    return Bounds(a, b, n)


def window_starts(
    part: Part, limits: Bounds, segments: NDArray[np.int64], task: Task, split: Split, *, filled: NDArray[np.bool_] | None = None
) -> Starts:
    """Return the first row of each of a part's windows.

    `segments`: [n], rising. `filled`: [n], where the target was not measured; such an hour is neither an origin nor a target.
    """
    first, after = limits.of(part)
    earliest = first if split.whole_windows else max(0, first - task.span + 1)
    starts = np.arange(earliest, max(earliest, after - task.span + 1), dtype=np.int64)
    if filled is not None:
        starts = starts[~(filled[starts + task.context_hours - 1] | filled[starts + task.span - 1])]
    if split.count_rows:
        return starts
    unbroken: NDArray[np.bool_] = segments[starts] == segments[starts + task.span - 1]
    return starts[unbroken]


def index_windows(
    times: NDArray[np.datetime64],
    segments: NDArray[np.int64],
    task: Task,
    split: Split,
    filled: NDArray[np.bool_] | None = None,
) -> tuple[Bounds, dict[Part, Starts]]:
    """Return the split's bounds and every part's windows.

    Raises
    ------
    NotEnoughData
        If a part that is to have rows holds no window; says how many rows are needed.
    """
    limits = bounds(times, split)
    starts = {part: window_starts(part, limits, segments, task, split, filled=filled) for part in PARTS}
    wanted = _parts(split)
    if short := [part for part in wanted if not len(starts[part])]:
        found = ", ".join(f"{part} {limits.of(part)[1] - limits.of(part)[0]}" for part in PARTS)
        msg = (
            f"too few rows for one window in {' and '.join(short)}: a window needs {task.span} consecutive hourly rows "
            f"({task.context_hours} in, target {task.horizon_hours} later) inside each part; "
            f"found {limits.n} rows ({found}); ingest a longer record or change the split"
        )
        raise NotEnoughData(msg)
    return limits, starts


def _parts(split: Split) -> list[Part]:
    """Return the parts that are to have windows."""
    if isinstance(split, FixedSplit):
        has: list[Part] = ["train"]
        if split.validation_end > split.train_end:
            has.append("validation")
        if split.test_end > split.validation_end:
            has.append("test")
        return has
    has_test = (split.test if isinstance(split, FractionSplit) else split.test_days) > 0
    return list(PARTS if has_test else PARTS[:2])
