"""How far back a network looks: the gradient of its forecast by input lag, the lecture's vanishing gradient made visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tsflow.architectures.network_graph import NetworkInputs, of_observations
from tsflow.training.recurrence import quick
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras

_WINDOWS = 256


def memory_profile(model: keras.Model, inputs: NetworkInputs, dataset: Dataset) -> list[float]:
    """Return the mean absolute gradient of the forecast by lag, the origin first, [context_hours].

    In deviations of the target for one deviation of a variable, averaged over variables and up to 256 windows spread over the
    training part. The direct way from the temperature now, if the target is a change, is left out.

    References
    ----------
    Bengio, Simard and Frasconi (1994), Learning long-term dependencies with gradient descent is difficult, IEEE T. Neural Netw. 5.
    """
    import keras
    import tensorflow as tf

    starts = dataset.starts("train")
    contexts = tf.constant(dataset.contexts(starts[:: max(1, len(starts) // _WINDOWS)][:_WINDOWS]))
    heads = {layer.name for layer in model.layers} & {"forecast_head", "quantiles_head"}
    head = keras.Model(model.input, model.get_layer(heads.pop()).output)
    whole = of_observations(head, inputs)

    def gradient_at(contexts: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(contexts)
            forecast = tf.reduce_sum(tf.reduce_mean(whole(contexts, training=False), axis=1))  # of quantiles their mean
        return tape.gradient(forecast, contexts)

    if _reads_hour_by_hour(head):
        gradient_at = tf.function(gradient_at, autograph=False)
    with quick(head, differentiated=True):
        gradient = np.asarray(gradient_at(contexts), dtype=np.float64)[:, :, : len(dataset.features)]
    unit = inputs.deviation / dataset.scaler.deviation[dataset.target_index]  # of what the head gives
    by_lag = unit * np.abs(gradient * dataset.scaler.deviation).mean(axis=(0, 2))[::-1]  # [context]
    return [round(float(value), 8) for value in by_lag]


def _reads_hour_by_hour(model: keras.Model) -> bool:
    """Whether there is a loop over all hours of a context: to trace it pays, as to trace a shorter one, or none, does not."""
    from keras import layers

    loops = [layer for layer in model.layers if isinstance(layer, layers.RNN | layers.Bidirectional)]
    return any(layer.input.shape[1] == model.input_shape[1] for layer in loops)
