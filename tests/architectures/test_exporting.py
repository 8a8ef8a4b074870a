"""Keras models as ONNX."""

import numpy as np
import pytest

from tsflow.architectures.exporting import export
from tsflow.bundle.session import open_model


class Fails:
    """An optimiser of tf2onnx's that stumbles over every graph."""

    def __init__(self) -> None:
        self.graph_been_opt = False

    def optimize(self, graph: object, iteration: int) -> object:
        msg = "no such graph"
        raise ValueError(msg)


def test_an_optimiser_that_fails_is_left_out(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    import keras
    import tf2onnx.optimizer

    entry = keras.Input((4,))
    model = keras.Model(entry, keras.layers.Dense(1)(entry))
    rows = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    monkeypatch.setitem(tf2onnx.optimizer._optimizers, "fails", Fails)

    found = open_model(export(model)).run(None, {"observations": rows})[0]

    np.testing.assert_allclose(found, model(rows), rtol=1e-5)
    assert "exported once more" in caplog.text


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "SimpleRNN"])
def test_gelu_is_exported_from_within_a_loop(cell: str):
    import keras

    entry = keras.Input((6, 3))
    model = keras.Model(entry, keras.layers.Dense(1)(getattr(keras.layers, cell)(4, activation="gelu")(entry)))
    rows = np.random.default_rng(0).normal(size=(5, 6, 3)).astype(np.float32)
    found = open_model(export(model)).run(None, {"observations": rows})[0]
    np.testing.assert_allclose(found, model(rows), atol=1e-5)
