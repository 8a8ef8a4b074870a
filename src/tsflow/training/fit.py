"""Fitting one entrant, whatever its family, and what comes out of it: a candidate."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.network import FitSettings, Network, NetworkInputs, build
from tsflow.architectures.registry import Architecture, Estimator
from tsflow.errors import TrainingError
from tsflow.training.batches import evaluation_batches, steps_per_epoch, training_batches
from tsflow.training.epochs import Epoch, EpochStore
from tsflow.training.export import check_parity, from_keras, to_keras, to_onnx
from tsflow.training.losses import pinball
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import PARTS, Part

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

_STEPS_PER_CALL = 10  # batches per call into the graph: 1.2 to 1.4 times faster than 1 for small networks
_PARITY_WINDOWS = 64


@dataclass(frozen=True)
class Candidate:
    """A trained entrant: its forecasts of every part, its learning curve and its model in portable form."""

    parameters: int
    epochs: int
    best_epoch: int
    train_seconds: float
    curve: list[Epoch]
    forecasts: dict[Part, NDArray[np.float64]]  # degC, [n_windows] of each part
    files: dict[str, bytes] = field(repr=False)  # model.onnx, and the family's own form


def set_up_tensorflow(threads: int) -> None:
    """Fix TensorFlow's threads and make its operations repeatable; call it before the first tensor."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        log.debug("TensorFlow runs already; its threads stay as they are")
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel(logging.ERROR)  # each entrant is a graph of its own; TensorFlow warns of every one


def train(
    architecture: Architecture,
    dataset: Dataset,
    epochs: EpochStore,
    *,
    seed: int,
    max_epochs: int | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Candidate:
    """Train one architecture and forecast every part of the split.

    A training that was cut off goes on after its last complete epoch in `epochs`. The weights kept are those of
    the epoch with the least validation MAE.

    Raises
    ------
    TrainingError
        If the loss or a forecast is not finite.
    """
    architecture.fits(dataset.windows)
    if isinstance(architecture, Network):
        return _train_network(architecture, dataset, epochs, seed=seed, max_epochs=max_epochs, on_epoch=on_epoch)
    if isinstance(architecture, Estimator):
        return _fit_estimator(architecture, dataset, seed=seed)
    msg = f"{architecture.architecture}: family {architecture.builder!r} is neither a Network nor an Estimator"
    raise TrainingError(msg)


def _fit_estimator(architecture: Estimator, dataset: Dataset, *, seed: int) -> Candidate:
    began = time.perf_counter()
    fitted = architecture.fit(dataset, seed=seed)
    seconds = time.perf_counter() - began
    forecasts = {part: _joined([fitted.predict(contexts) for contexts in dataset.batches(part)]) for part in PARTS}
    _all_finite(architecture, forecasts)
    onnx = fitted.to_onnx()
    _check(onnx, dataset, forecasts)
    return Candidate(fitted.parameters, 0, 0, seconds, [], forecasts, {"model.onnx": onnx})


def _train_network(
    network: Network,
    dataset: Dataset,
    epochs: EpochStore,
    *,
    seed: int,
    max_epochs: int | None,
    on_epoch: Callable[[Epoch], None],
) -> Candidate:
    import keras

    inputs = NetworkInputs.of(dataset)
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    total = min(network.fit.epochs, max_epochs or network.fit.epochs)
    curve = epochs.curve()
    if curve:
        log.info("%s: going on after epoch %d", network.architecture, len(curve))
        model = from_keras(epochs.model(len(curve)))
    else:
        model = build(network, inputs)
        _compile(model, network.fit, steps=steps_per_epoch(dataset, network.fit.batch_size) * total)
    record = _record(network, model, epochs, seed=seed, curve=curve, total=total, on_epoch=on_epoch)
    while len(curve) < total and not _stalled(curve, network.fit.patience):
        # One call an epoch: over several, Keras reads `steps_per_execution` batches even across an epoch's end.
        model.fit(
            training_batches(dataset, batch_size=network.fit.batch_size, seed=seed, epoch=len(curve)),
            validation_data=evaluation_batches(dataset, "validation"),
            initial_epoch=len(curve),
            epochs=len(curve) + 1,
            callbacks=[record],
            shuffle=False,  # the batches are shuffled already
            verbose=0,
        )
    if _best(curve) < len(curve):
        model.set_weights(from_keras(epochs.model(_best(curve))).get_weights())
    forecasts = {part: _predict(model, dataset, part) for part in PARTS}
    _all_finite(network, forecasts)
    onnx = to_onnx(model, network, inputs)
    _check(onnx, dataset, forecasts)
    return Candidate(
        parameters=model.count_params(),
        epochs=len(curve),
        best_epoch=_best(curve),
        train_seconds=sum(epoch.seconds for epoch in curve),
        curve=curve,
        forecasts=forecasts,
        files={"model.onnx": onnx, "model.keras": to_keras(model)},
    )


def _compile(model: keras.Model, fit: FitSettings, *, steps: int) -> None:
    import keras

    rate: Any = fit.learning_rate
    if fit.decay == "cosine":
        warm = round(steps * fit.warmup)
        start = {"warmup_target": rate, "warmup_steps": warm} if warm else {}
        rate = keras.optimizers.schedules.CosineDecay(0.0 if warm else rate, steps - warm, **start)
    optimisers = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "rmsprop": keras.optimizers.RMSprop,
        "sgd": keras.optimizers.SGD,
    }
    decay = {} if fit.weight_decay is None else {"weight_decay": fit.weight_decay}
    losses = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "huber": "huber"}
    model.compile(
        optimizer=optimisers[fit.optimiser](learning_rate=rate, clipnorm=fit.clip_norm, **decay),
        loss=losses[fit.loss] if fit.quantile is None else pinball(fit.quantile),
        metrics=["mae"],
        steps_per_execution=_STEPS_PER_CALL,
    )


def _record(
    network: Network,
    model: keras.Model,
    epochs: EpochStore,
    *,
    seed: int,
    curve: list[Epoch],
    total: int,
    on_epoch: Callable[[Epoch], None],
) -> keras.callbacks.Callback:
    """Return a callback that adds each epoch to the curve and to the store."""
    import keras

    began = [0.0]

    def begin(number: int, logs: object) -> None:
        began[0] = time.perf_counter()
        _seed_dropout(model, seed, number)

    def end(number: int, logs: dict[str, float]) -> None:
        if not np.isfinite([logs["loss"], logs["val_loss"]]).all():
            msg = (
                f"{network.architecture}: the loss is not finite in epoch {number + 1}; "
                f"lower fit.learning_rate or set fit.clip_norm"
            )
            raise TrainingError(msg)
        seconds = time.perf_counter() - began[0]
        errors = {name: float(logs[name]) for name in ("loss", "mae", "val_loss", "val_mae")}
        epoch = Epoch(number + 1, total, **errors, seconds=seconds)
        curve.append(epoch)
        epochs.save(epoch, to_keras(model))
        log.info(
            "%s: epoch %d of %d: MAE %.3f, validation MAE %.3f degC",
            network.architecture,
            epoch.epoch,
            total,
            epoch.mae,
            epoch.val_mae,
        )
        on_epoch(epoch)

    return keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_epoch_end=end)


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Make the masks of an epoch follow from seed and epoch alone: a `.keras` archive does not hold their state."""
    states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    random = np.random.default_rng([seed, epoch])
    for state in states:
        state.assign(random.integers(0, 2**32, size=state.shape, dtype=np.uint32))


def _best(curve: list[Epoch]) -> int:
    """Return the epoch (1-based) with the least validation MAE, the first of equals."""
    return min(curve, key=lambda epoch: epoch.val_mae).epoch


def _stalled(curve: list[Epoch], patience: int | None) -> bool:
    return bool(curve) and patience is not None and len(curve) - _best(curve) >= patience


def _predict(model: keras.Model, dataset: Dataset, part: Part) -> NDArray[np.float64]:
    if not len(dataset.starts(part)):
        return np.empty(0)
    inputs = evaluation_batches(dataset, part).map(lambda contexts, targets: contexts)
    return np.asarray(model.predict(inputs, verbose=0)[:, 0], dtype=np.float64)


def _joined(chunks: list[NDArray[Any]]) -> NDArray[np.float64]:
    return np.concatenate([np.empty(0), *chunks]).astype(np.float64)


def _all_finite(architecture: Architecture, forecasts: dict[Part, NDArray[np.float64]]) -> None:
    for part, values in forecasts.items():
        if not np.isfinite(values).all():
            msg = f"{architecture.architecture}: {int((~np.isfinite(values)).sum())} forecasts of the {part} part are not finite"
            raise TrainingError(msg)


def _check(onnx: bytes, dataset: Dataset, forecasts: dict[Part, NDArray[np.float64]]) -> None:
    starts = dataset.starts("validation")[:_PARITY_WINDOWS]
    check_parity(onnx, dataset.contexts(starts), forecasts["validation"][: len(starts)])
