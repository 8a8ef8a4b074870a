"""Quick loops of recurrent layers against Keras's own layers."""

from typing import Any

import numpy as np
import pytest

from tsflow.training.recurrence import quick

HOURS, COLUMNS, WINDOWS = 17, 5, 9


def of(kind: str, *given: Any, **options: Any) -> Any:
    """Return a layer of Keras's."""
    from keras import layers

    return getattr(layers, kind)(*given, **options)


def alone(layer: Any) -> Any:
    """Return a model of one layer with weights and biases that are not those at the start."""
    import keras

    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((HOURS, COLUMNS)), layer])
    model.set_weights([weight + np.random.default_rng(1).normal(0, 0.2, weight.shape) for weight in model.get_weights()])
    return model


def seen(model: Any, *, training: bool) -> list[np.ndarray]:
    """Return a model's outputs, and the gradients of a loss of them by inputs and weights."""
    import tensorflow as tf

    inputs = tf.constant(np.random.default_rng(2).normal(size=(WINDOWS, HOURS, COLUMNS)).astype(np.float32))

    @tf.function
    def look() -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = model(inputs, training=training)
            loss = tf.reduce_sum(tf.sin(3.0 * outputs))
        return [outputs, *tape.gradient(loss, [inputs, *(weight.value for weight in model.trainable_weights)])]

    return [each.numpy() for each in look()]


def one_mask(layer: Any) -> None:
    """Let Keras take the first gate's mask for all gates."""
    cell = layer.cell
    several = cell._create_dropout_mask
    cell._create_dropout_mask = lambda *given: [several(*given)[0]] * cell.dropout_mask_count


def with_seed(model: Any) -> Any:
    """Begin the masks of a model's dropout anew."""
    for variable in model.variables:
        if variable.name == "seed_generator_state":
            variable.assign(np.array([7, 8], dtype=np.uint32))
    return model


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("share", [0.0, 0.4], ids=["no dropout", "recurrent dropout"])
@pytest.mark.parametrize(("every", "backwards"), [(False, False), (True, False), (True, True)], ids=["last", "every", "backwards"])
@pytest.mark.parametrize(
    ("training", "differentiated"), [(False, False), (False, True), (True, False)], ids=["inference", "differentiated", "training"]
)
def test_a_quick_layer_gives_the_outputs_and_gradients_of_kerass(
    kind: str, share: float, every: bool, training: bool, differentiated: bool, backwards: bool
):
    layer = of(kind, 6, recurrent_dropout=share, return_sequences=every, go_backwards=backwards, seed=4)
    model = alone(layer)
    one_mask(layer)
    kerass = seen(with_seed(model), training=training)

    with quick(model, differentiated=differentiated):
        ours = seen(with_seed(model), training=training)

    for theirs, mine in zip(kerass, ours, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
    if share and training:
        assert np.abs(seen(with_seed(model), training=False)[0] - ours[0]).max() > 1e-3, "the mask was laid over it"


def test_layers_inside_layers_and_models_are_quick_too():
    import keras

    inner = alone(of("Bidirectional", of("LSTM", 4)))
    model = keras.Sequential([keras.Input((HOURS, COLUMNS)), inner])
    kerass = seen(model, training=True)

    with quick(model):
        assert {"inner_loop"} <= vars(inner.layers[0].forward_layer).keys() & vars(inner.layers[0].backward_layer).keys()
        ours = seen(model, training=True)

    for theirs, mine in zip(kerass, ours, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("LSTM", {"activation": "relu"}),
        ("GRU", {"recurrent_activation": "hard_sigmoid"}),
        ("GRU", {"reset_after": False}),
        ("LSTM", {"use_bias": False}),
        ("LSTM", {"dropout": 0.5}),
        ("SimpleRNN", {}),
    ],
    ids=str,
)
def test_a_layer_of_another_kind_is_left_to_keras(kind: str, options: dict):
    layer = of(kind, 3, **options)

    with quick(alone(layer)):
        assert "inner_loop" not in vars(layer)


def test_afterwards_a_layer_is_kerass_again():
    model = alone(of("GRU", 3))

    with pytest.raises(RuntimeError), quick(model):
        raise RuntimeError

    assert "inner_loop" not in vars(model.layers[0])
