"""Fused steps of Adam and AdamW against Keras's own optimisers."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from tsflow.training.export import from_keras, to_keras
from tsflow.training.fused_adam import fused


def cosine() -> Any:
    from keras.optimizers.schedules import CosineDecay

    return CosineDecay(0.0, 20, warmup_target=1e-2, warmup_steps=4)


def of(kind: str, **options: Any) -> Any:
    """Return an optimiser of Keras's."""
    import keras

    return getattr(keras.optimizers, kind)(**options)


OPTIMISERS: dict[str, Callable[[], Any]] = {
    "adam": lambda: of("Adam", learning_rate=1e-2),
    "clipped": lambda: of("Adam", learning_rate=1e-2, clipnorm=0.05),
    "other betas": lambda: of("Adam", learning_rate=1e-2, beta_1=0.8, beta_2=0.95, epsilon=1e-3),
    "decayed": lambda: of("AdamW", learning_rate=1e-2, weight_decay=0.1),
    "all of it": lambda: of("AdamW", learning_rate=cosine(), weight_decay=0.1, clipnorm=0.05),
}


def trained(optimiser: Any, *, quick: bool) -> Any:
    """Return a small model after three epochs."""
    import keras

    keras.utils.set_random_seed(4)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(7, activation="relu"), keras.layers.Dense(1)])
    model.compile(optimizer=optimiser, loss="mae", steps_per_execution=3)
    fit(model, quick=quick, epochs=3)
    return model


def fit(model: Any, *, quick: bool, epochs: int) -> None:
    random = np.random.default_rng(1)
    inputs = random.normal(size=(60, 5)).astype(np.float32)
    with fused(model.optimizer) if quick else nullcontext():
        model.fit(inputs, inputs.sum(axis=1) ** 2, batch_size=10, epochs=epochs, shuffle=False, verbose=0)


def state(model: Any) -> list[np.ndarray]:
    """Return all weights, and all that the optimiser keeps."""
    return [np.asarray(variable) for variable in [*model.weights, *model.optimizer.variables]]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_weights_and_what_the_optimiser_keeps_are_those_of_keras(name: str) -> None:
    found, expected = (state(trained(OPTIMISERS[name](), quick=quick)) for quick in (True, False))
    assert len(found) == len(expected) > 8
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_an_archive_goes_on_with_keras_alone_and_the_other_way_round() -> None:
    found, expected = (trained(OPTIMISERS["all of it"](), quick=quick) for quick in (True, False))
    found, expected = from_keras(to_keras(found)), from_keras(to_keras(expected))
    fit(found, quick=False, epochs=1)
    fit(expected, quick=True, epochs=1)
    for one, other in zip(state(found), state(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["Adam", "AdamW"])
def test_the_usual_optimisers_are_fused_and_are_keras_s_own_again_afterwards(kind: str) -> None:
    optimiser = of(kind)
    with fused(optimiser):
        assert "_backend_apply_gradients" in vars(optimiser)
    assert "_backend_apply_gradients" not in vars(optimiser)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("RMSprop", {}),
        ("SGD", {}),
        ("Adamax", {}),
        ("Adam", {"amsgrad": True}),
        ("Adam", {"use_ema": True}),
        ("AdamW", {"global_clipnorm": 1.0}),
        ("AdamW", {"clipvalue": 1.0}),
        ("Adam", {"gradient_accumulation_steps": 2}),
    ],
)
def test_what_these_formulas_are_not_of_stays_keras_s(kind: str, options: dict[str, Any]) -> None:
    optimiser = of(kind, **options)
    with fused(optimiser):
        assert "_backend_apply_gradients" not in vars(optimiser)
