"""The loops of Keras's LSTM and GRU layers in fewer and larger operations; layers, weights and archives stay Keras's own.

Keras has no fused loop on a processor: an hour is some twenty small operations, and TensorFlow differentiates each by itself. Here
an hour is one product of all weights with all that is read, and its backward step is written by hand, so that the gradient of all
weights is one product, too. Tensors are [features, windows], so that a gate is a slice without a copy.

::

    state  [units, n]   -+
    inputs [columns, n] -+-> weights' [4 units, units + columns + 1] -> gates [4 units, n] -> state of the next hour
    1      [1, n]       -+

A sigmoid is (1 + tanh(z / 2)) / 2, and halves are exact: one tanh serves all gates. Recurrent dropout has one mask for all gates of
a layer (the tied weights of Gal and Ghahramani 2016, arXiv:1512.05287), where Keras has one for each: so the product stays one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tsflow.training import gru_loop, lstm_loop

if TYPE_CHECKING:
    import keras


@contextmanager
def quick(model: keras.Model, *, differentiated: bool = False) -> Iterator[None]:
    """Compute the LSTM and GRU layers of a model here, as far as they are of the usual kind; the rest is Keras's matter.

    What is traced inside (a fit, a prediction) is fast; what is traced outside (an export) is Keras's own graph.
    `differentiated`: take the loops that have a gradient outside a training, too.
    """
    layers = [layer for layer in _recurrent(model) if _usual(layer)]
    for layer in layers:
        layer.inner_loop = _inner_loop(layer, differentiated)  # the instance's own comes before its class's
    try:
        yield
    finally:
        for layer in layers:
            del layer.inner_loop


def _recurrent(layer: Any) -> Iterator[Any]:
    """Return all LSTM and GRU layers inside a layer or model."""
    from keras import layers

    if isinstance(layer, layers.LSTM | layers.GRU):
        yield layer
    inside = (
        [layer.forward_layer, layer.backward_layer] if isinstance(layer, layers.Bidirectional) else getattr(layer, "layers", [])
    )
    for each in inside:
        yield from _recurrent(each)


def _usual(layer: Any) -> bool:
    """Whether a layer is what the formulas here are of."""
    from keras import activations

    same = layer.activation is activations.tanh and layer.recurrent_activation is activations.sigmoid and layer.use_bias
    further = layer.dropout or layer.stateful or layer.return_state or not getattr(layer, "reset_after", True)
    return bool(same and not further)


def _inner_loop(layer: Any, differentiated: bool) -> Any:
    """Return what stands for the layer's method of that name; it begins at state 0, as a layer does that is given none."""
    import tensorflow as tf
    from keras import layers

    loop = lstm_loop if isinstance(layer, layers.LSTM) else gru_loop

    def inner_loop(sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> tuple[Any, Any, Any]:
        inputs = tf.transpose(sequences, (1, 2, 0))  # [hours, columns, n]
        if layer.go_backwards:
            inputs = tf.reverse(inputs, [0])
        weights, every = loop.stacked(layer.cell), layer.return_sequences
        if training or differentiated:
            # of each gate [n, units], or None
            masks = layer.cell.get_recurrent_dropout_mask(initial_state[0]) if training else None
            states = loop.trained(inputs, weights, None if masks is None else tf.transpose(masks[0]), every=every)
        else:
            states = loop.states(inputs, weights, every=every)
        if not every:
            last = tf.transpose(states)
            return last, last[:, None], [last]
        last = tf.transpose(states[-1])
        return last, tf.transpose(states, (2, 0, 1)), [last]

    return inner_loop
