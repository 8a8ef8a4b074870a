"""Batches by shuffled start index and one gather; windows never exist all at once.

`timeseries_dataset_from_array` builds windows one by one and shuffles inside a small buffer; gathering a whole
batch from an index is two to seven times faster (benchmarks/) and shuffles fully. The order of an epoch is a
function of seed and epoch alone, so that a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tsflow.windows.dataset import Dataset
from tsflow.windows.split import Part

if TYPE_CHECKING:
    import tensorflow as tf


def steps_per_epoch(dataset: Dataset, batch_size: int) -> int:
    """Return how many batches an epoch has."""
    return math.ceil(len(dataset.starts("train")) / batch_size)


def training_batches(dataset: Dataset, *, batch_size: int, seed: int, first_epoch: int) -> tf.data.Dataset:
    """Return endless batches ([batch, context, features], [batch]), float32 in raw units, from an epoch (0-based) on."""
    import tensorflow as tf

    starts = tf.constant(dataset.starts("train"))

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(starts, seed=tf.stack([tf.constant(seed, tf.int64), number]))
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max).flat_map(epoch)
    return epochs.map(_gather(dataset), num_parallel_calls=1, deterministic=True).prefetch(2)


def evaluation_batches(dataset: Dataset, part: Part, *, batch_size: int = 2048) -> tf.data.Dataset:
    """Return a part's batches in order of time."""
    import tensorflow as tf

    starts = tf.data.Dataset.from_tensor_slices(tf.constant(dataset.starts(part))).batch(batch_size)
    return starts.map(_gather(dataset), num_parallel_calls=1, deterministic=True).prefetch(2)


def _gather(dataset: Dataset) -> Callable[[Any], tuple[Any, Any]]:
    import tensorflow as tf

    values = tf.constant(dataset.values.astype(np.float32))
    targets = values[:, dataset.target_index]
    context = tf.range(dataset.windows.context_hours, dtype=tf.int64)

    def gather(starts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return (
            tf.gather(values, starts[:, None] + context[None, :]),
            tf.gather(targets, starts + dataset.windows.span - 1),
        )

    return gather
