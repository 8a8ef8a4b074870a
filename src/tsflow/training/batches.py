"""Batches by shuffled start index and one gather; windows never exist all at once.

`timeseries_dataset_from_array` builds windows one by one and shuffles inside a small buffer; gathering a whole
batch from an index is two to seven times faster (benchmarks/training.py) and shuffles fully. The order of an epoch is a
function of seed and epoch alone, so that a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsflow.records.dataset import Part
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import tensorflow as tf

Leads = Sequence[int]  # hours between origin and horizon


def steps_per_epoch(dataset: Dataset, batch_size: int) -> int:
    """Return how many batches an epoch has."""
    return math.ceil(len(dataset.starts("train")) / batch_size)


def training_batches(dataset: Dataset, leads: Leads = (), *, batch_size: int, seed: int, epoch: int) -> tf.data.Dataset:
    """Return an epoch's batches, float32 in raw units: ([batch, context, columns], [batch, 1]).

    With `leads`, in hours, the second is by name: forecast [batch, 1], leads [batch, n_leads].
    """
    import tensorflow as tf

    order = np.random.default_rng([seed, epoch]).permutation(dataset.starts("train"))
    return _batches(dataset, leads, tf.data.Dataset.from_tensor_slices(tf.constant(order)).batch(batch_size))


def evaluation_batches(dataset: Dataset, part: Part, leads: Leads = (), *, batch_size: int = 2048) -> tf.data.Dataset:
    """Return a part's batches in order of time."""
    import tensorflow as tf

    return _batches(dataset, leads, tf.data.Dataset.from_tensor_slices(tf.constant(dataset.starts(part))).batch(batch_size))


def _batches(dataset: Dataset, leads: Leads, starts: tf.data.Dataset) -> tf.data.Dataset:
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False  # nothing is left to tune, and an iterator's end waits half a second for its thread
    batches = starts.map(_gather(dataset, leads), num_parallel_calls=1, deterministic=True).prefetch(2)
    return batches.with_options(options)


def _gather(dataset: Dataset, leads: Leads) -> Callable[[Any], tuple[Any, Any]]:
    import tensorflow as tf

    rows = tf.constant(dataset.rows)
    targets = rows[:, dataset.target_index]
    context = tf.range(dataset.task.context_hours, dtype=tf.int64)

    ahead = tf.constant([dataset.task.horizon_hours, *leads], dtype=tf.int64)

    def gather(starts: tf.Tensor) -> tuple[tf.Tensor, Any]:
        origins = starts[:, None] + dataset.task.context_hours - 1
        truth = tf.gather(targets, origins + ahead[None, :])  # [batch, 1 + n_leads]
        contexts = tf.gather(rows, starts[:, None] + context[None, :])
        return contexts, {"forecast": truth[:, :1], "leads": truth[:, 1:]} if leads else truth[:, :1]

    return gather
