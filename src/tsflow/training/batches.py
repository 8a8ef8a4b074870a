"""Batches by shuffled start index and one gather; windows never exist all at once.

`timeseries_dataset_from_array` builds windows one by one and shuffles inside a small buffer; gathering a whole
batch from an index is two to seven times faster (benchmarks/training.py) and shuffles fully. The order of an epoch is a
function of seed and epoch alone, so that a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.network_graph import BESIDE, NetworkInputs
from tsflow.records.dataset import Part
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import tensorflow as tf

Leads = Sequence[int]  # hours between origin and horizon


class Batches:
    """Batches of a dataset's windows: of what a network reads, and targets, ([batch, rows, width], [batch, 1]).

    With `leads`, in hours, or `beside` the second is by name: forecast [batch, 1], leads and beside [batch, how many].

    Parameters
    ----------
    beside
        Columns of the dataset's rows whose changes to the horizon are targets, too, and times what.
    read
        What is read of each row of the dataset, float32 [n_rows, width].
    rows
        How many of those rows a window has, from its first on; None: its context.
    """

    def __init__(
        self,
        dataset: Dataset,
        read: NDArray[np.float32],
        leads: Leads = (),
        beside: Mapping[int, float] | None = None,
        *,
        rows: int | None = None,
    ) -> None:
        import tensorflow as tf

        self._dataset = dataset
        # Traced once; each epoch's pipeline only calls it.
        self._gather = tf.function(
            _gather(dataset, read, leads, beside or {}, rows or dataset.task.context_hours),
            input_signature=[tf.TensorSpec([None], tf.int64)],
            autograph=False,
        )

    @classmethod
    def of(cls, inputs: NetworkInputs, dataset: Dataset) -> Self:
        """Return those that a network learns from."""
        return cls(dataset, inputs.reading.of_rows(dataset.rows), inputs.lead_hours, inputs.beside, rows=inputs.reading.rows)

    def per_epoch(self, batch_size: int) -> int:
        """Return how many batches an epoch has."""
        return math.ceil(len(self._dataset.starts("train")) / batch_size)

    def has(self, part: Part) -> bool:
        """Whether a part has windows."""
        return bool(len(self._dataset.starts(part)))

    def training(self, *, batch_size: int, seed: int, epoch: int) -> tf.data.Dataset:
        """Return an epoch's batches."""
        order = np.random.default_rng([seed, epoch]).permutation(self._dataset.starts("train"))
        return self._of(order, batch_size)

    def evaluation(self, part: Part, *, batch_size: int = 2048) -> tf.data.Dataset:
        """Return a part's batches in order of time."""
        return self._of(self._dataset.starts(part), batch_size)

    def _of(self, starts: NDArray[np.int64], batch_size: int) -> tf.data.Dataset:
        import tensorflow as tf

        options = tf.data.Options()
        options.autotune.enabled = False  # nothing is left to tune, and an iterator's end waits half a second for its thread
        batches = tf.data.Dataset.from_tensor_slices(tf.constant(starts)).batch(batch_size)
        return batches.map(self._gather, num_parallel_calls=1, deterministic=True).prefetch(2).with_options(options)


def _gather(
    dataset: Dataset, read: NDArray[np.float32], leads: Leads, beside: Mapping[int, float], rows: int
) -> Callable[[Any], tuple[Any, Any]]:
    import tensorflow as tf

    inputs = tf.constant(read)
    targets = tf.constant(dataset.rows[:, dataset.target_index])
    window = tf.range(rows, dtype=tf.int64)

    others = tf.constant(dataset.values[:, list(beside)] * list(beside.values()), dtype=tf.float32)  # [n_rows, n_beside]
    ahead = tf.constant([dataset.task.horizon_hours, *leads], dtype=tf.int64)

    def gather(starts: tf.Tensor) -> tuple[tf.Tensor, Any]:
        origins = starts[:, None] + dataset.task.context_hours - 1
        truth = tf.gather(targets, origins + ahead[None, :])  # [batch, 1 + n_leads]
        windows = tf.gather(inputs, starts[:, None] + window[None, :])
        if not leads and not beside:
            return windows, truth
        found = {"forecast": truth[:, :1], **({"leads": truth[:, 1:]} if leads else {})}
        if beside:
            now = origins[:, 0]
            found[BESIDE] = tf.gather(others, now + dataset.task.horizon_hours) - tf.gather(others, now)
        return windows, found

    return gather
