"""What the families that read sequences promise, beyond the contract of all architectures."""

from typing import Any

import numpy as np
import pytest

from tsflow.architectures.network import Network, Series
from tsflow.architectures.temporal_convolution import TemporalConvolution
from tsflow.architectures.tide import Tide
from tsflow.architectures.transformer import Transformer

RECIPE = {"architecture": "small", "title": "Small", "builder": "small"}


def features_of(network: Network, rows: int, columns: int) -> Any:
    """The network's layers alone as a model: [n, rows, columns] in, what the head would read out."""
    import keras

    keras.utils.set_random_seed(1)
    x = keras.Input((rows, columns))
    return keras.Model(x, network.layers(Series(x, tuple(f"c{i}" for i in range(x.shape[-1])), "c0"), dropout=False))


def sequences(n: int, rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, rows, columns)).astype(np.float32)


def causal_convolution(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, dilation: int) -> np.ndarray:
    """The definition, row by row: [rows, columns] -> [rows, filters]; rows before the first are zero."""
    found = np.tile(bias, (len(x), 1)).astype(float)
    for row in range(len(x)):
        for tap in range(len(kernel)):
            before = row - tap * dilation
            if before >= 0:
                found[row] += x[before] @ kernel[len(kernel) - 1 - tap]
    return found


@pytest.mark.parametrize("rows", [17, 24, 29])
def test_a_temporal_convolution_equals_the_dilated_network_at_its_last_row(rows: int):
    from keras import layers

    model = features_of(
        TemporalConvolution.model_validate(
            {**RECIPE, "filters": 4, "kernel": 3, "blocks": 3, "layer_normalisation": False, "context_hours": rows}
        ),
        rows,
        2,
    )
    convolutions = [layer.get_weights() for layer in model.layers if isinstance(layer, layers.Conv1D)]
    ((widen, offset),) = [layer.get_weights() for layer in model.layers if isinstance(layer, layers.Dense)]
    assert len(convolutions) == 6
    contexts = sequences(3, rows, 2)
    for context, found in zip(contexts, model.predict_on_batch(contexts), strict=True):
        x = context.astype(float)
        for block, dilation in enumerate([1, 2, 4]):
            kept = x @ widen + offset if block == 0 else x
            y = np.maximum(causal_convolution(x, *convolutions[2 * block], dilation), 0)
            y = np.maximum(causal_convolution(y, *convolutions[2 * block + 1], dilation), 0)
            x = np.maximum(y + kept, 0)
        np.testing.assert_allclose(found, x[-1], rtol=1e-4, atol=1e-5)


def test_a_temporal_convolution_sees_its_receptive_hours_and_no_more():
    network = TemporalConvolution.model_validate(
        {
            **RECIPE,
            "filters": 4,
            "kernel": 3,
            "blocks": 3,
            "activation": "linear",
            "layer_normalisation": False,
            "context_hours": 29,
        }
    )
    assert network.receptive_hours == 29
    model = features_of(network, 40, 1)
    contexts = np.tile(sequences(1, 40, 1), (41, 1, 1))
    contexts[np.arange(40), np.arange(40), 0] += 1  # the last one stays as it is
    found = model.predict_on_batch(contexts)
    moved = np.abs(found[:40] - found[40]).max(axis=1) > 1e-6
    np.testing.assert_array_equal(moved, np.arange(40) >= 40 - 29)


def test_a_transformer_tells_patches_apart_by_their_positions_alone():
    network = Transformer.model_validate({**RECIPE, "patch_hours": 4, "width": 8, "heads": 2, "blocks": 1, "pooling": "mean"})
    model = features_of(network, 24, 3)
    contexts = sequences(2, 24, 3)
    turned = np.concatenate([contexts[:, 20:], contexts[:, :20]], axis=1)  # the last patch comes first
    assert np.abs(model.predict_on_batch(turned) - model.predict_on_batch(contexts)).max() > 1e-3
    (embedding,) = [layer for layer in model.layers if type(layer).__name__ == "EinsumDense"]
    kernel, positions = embedding.get_weights()
    assert positions.shape == (6, 8)
    embedding.set_weights([kernel, np.zeros_like(positions)])
    np.testing.assert_allclose(model.predict_on_batch(turned), model.predict_on_batch(contexts), atol=1e-5)


def test_a_transformer_leaves_out_the_oldest_rows_that_fill_no_patch():
    model = features_of(Transformer.model_validate({**RECIPE, "patch_hours": 5, "width": 8, "heads": 2, "blocks": 1}), 22, 1)
    contexts = sequences(1, 22, 1)
    changed = contexts.copy()
    changed[:, :2] += 1
    np.testing.assert_array_equal(model.predict_on_batch(changed), model.predict_on_batch(contexts))
    changed[:, 2] += 1
    assert not np.allclose(model.predict_on_batch(changed), model.predict_on_batch(contexts))


@pytest.mark.parametrize(("skip_every", "hours"), [(1, 24), (5, 5), (7, 4)])
def test_the_linear_skip_of_tide_hands_rows_counted_back_from_the_last_to_the_head(skip_every: int, hours: int):
    model = features_of(Tide.model_validate({**RECIPE, "width": 8, "projection": 2, "skip_every": skip_every}), 24, 3)
    contexts = sequences(2, 24, 3)
    found = model.predict_on_batch(contexts)
    assert found.shape == (2, 8 + hours * 3)
    np.testing.assert_allclose(found[:, 8:].reshape(2, hours, 3), contexts[:, ::-1][:, ::skip_every][:, ::-1])


def test_tide_without_its_skip_hands_over_the_blocks_alone():
    model = features_of(Tide.model_validate({**RECIPE, "width": 8, "projection": 2, "skip_every": 0}), 24, 3)
    assert model.output_shape == (None, 8)
