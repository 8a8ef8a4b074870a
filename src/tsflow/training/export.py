"""Models to bytes and back: Keras's own archive, and ONNX for consumers."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.network import Network
from tsflow.architectures.network_graph import NetworkInputs, build
from tsflow.errors import IntegrityError
from tsflow.training.losses import register_losses

if TYPE_CHECKING:
    import keras

_STEPS = 8  # of the numbers of a float32 as large as the largest forecast
PARITY_DEGC = 1e-3  # ONNX Runtime against Keras; seen: below 1e-5


def to_keras(model: keras.Model) -> bytes:
    """Return a model as a `.keras` archive, with its optimiser's state if it is compiled."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def from_keras(body: bytes) -> keras.Model:
    """Read a `.keras` archive in safe mode; check its hash first, where it comes from outside the run."""
    import keras

    register_losses()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(body)
        try:
            return keras.saving.load_model(path, safe_mode=True)
        except (ValueError, OSError) as error:
            msg = f"not a readable .keras archive ({error}); it was damaged, or written by another Keras"
            raise IntegrityError(msg) from error


def twin_without_dropout(network: Network, inputs: NetworkInputs, weights: list[NDArray[np.float32]]) -> keras.Model:
    """Return the network with some weights but no dropout: recurrent layers then become one fused operation in ONNX."""
    twin = build(network, inputs, dropout=False)
    twin.set_weights(weights)
    return twin


def check_parity(
    onnx: bytes, contexts: NDArray[np.float32], expected: Mapping[str, NDArray[np.float64]], *, at_most: float = PARITY_DEGC
) -> None:
    """Raise if ONNX Runtime does not give what the model gave.

    Parameters
    ----------
    contexts
        Raw inputs, shape [n, context, columns].
    expected
        What the model gave, by output: `forecast` [n, 1], and `quantiles` [n, n_levels] where it has any.
    at_most
        By how much a forecast may differ, in the target's unit; of large numbers, as a pressure in Pa is, by some of the steps of
        a float32 in any case.

    Raises
    ------
    IntegrityError
        If any forecast differs by more.
    """
    from tsflow.bundle.session import open_model

    session = open_model(onnx)
    (entry,) = session.get_inputs()
    found = session.run(list(expected), {entry.name: contexts})
    worst = max(float(np.max(np.abs(given - wanted))) for given, wanted in zip(found, expected.values(), strict=True))
    largest = max((float(np.max(np.abs(wanted))) for wanted in expected.values() if wanted.size), default=0.0)
    at_most = max(at_most, _STEPS * float(np.finfo(np.float32).eps) * largest)
    if not worst <= at_most:
        msg = f"ONNX differs from the trained model by {worst:.2g} of the target's unit (at most {at_most:.3g}); not published"
        raise IntegrityError(msg)
