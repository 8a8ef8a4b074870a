"""Fitting a Keras network: epoch by epoch, with resume, for one seed or several."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.exporting import export
from tsflow.architectures.network import FitSettings, Network, NetworkInputs, build
from tsflow.architectures.seeds import member_seeds
from tsflow.errors import TrainingError
from tsflow.records.candidate import Epoch
from tsflow.records.dataset import PARTS, Part
from tsflow.records.found import Epochs
from tsflow.training.batches import evaluation_batches, steps_per_epoch, training_batches
from tsflow.training.candidate import Candidate
from tsflow.training.compiling import compile_network, make_variables
from tsflow.training.epochs import EpochStore
from tsflow.training.export import from_keras, to_keras, twin_without_dropout
from tsflow.training.fused_adam import fused
from tsflow.training.memory import memory_profile
from tsflow.training.objectives import taught
from tsflow.training.recurrence import quick
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

JUDGED: tuple[Part, ...] = ("validation",)  # what is forecast of a model that is not served


@dataclass(frozen=True)
class Trained:
    """A network of one seed, with the weights of its best epoch."""

    model: keras.Model
    curve: list[Epoch]
    best_epoch: int  # 1-based: whose weights these are


def train_network(
    network: Network,
    dataset: Dataset,
    epochs: EpochStore,
    *,
    seed: int,
    max_epochs: int | None,
    on_epoch: Callable[[Epoch], None],
    served: bool,
) -> Candidate:
    """Train a network once for each of its seeds; the candidate forecasts their mean."""
    inputs = NetworkInputs.of(network, dataset)
    trained = train_members(network, inputs, dataset, epochs, seed=seed, max_epochs=max_epochs, on_epoch=on_epoch)
    model = _mean([twin_without_dropout(one.model, network, inputs) for one in trained])
    with quick(model):
        outputs = _forecasts(model, dataset, PARTS if served else JUDGED)
    first = trained[0]
    archived = model if len(trained) > 1 or network.quantiles else first.model
    return Candidate(
        parameters=sum(int(np.prod(weight.shape)) for one in trained for weight in one.model.trainable_weights),
        epochs=len(first.curve),
        best_epoch=first.best_epoch,
        train_seconds=sum(epoch.seconds for one in trained for epoch in one.curve),
        curve=first.curve,
        forecasts={part: found["forecast"][:, 0] for part, found in outputs.items()},
        lead_hours=inputs.lead_hours,
        leads={part: found["leads"] for part, found in outputs.items() if inputs.lead_hours},
        quantile_levels=tuple(network.quantiles),
        quantiles={part: found["quantiles"] for part, found in outputs.items() if network.quantiles and len(dataset.starts(part))},
        files={"model.onnx": export(model), "model.keras": to_keras(archived)} if served else {},
        found=Epochs(epochs=round(statistics.median(one.best_epoch for one in trained))),
        memory=memory_profile(first.model, dataset) if served else [],
    )


def train_members(
    network: Network,
    inputs: NetworkInputs,
    dataset: Dataset,
    epochs: EpochStore,
    *,
    seed: int,
    max_epochs: int | None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> list[Trained]:
    """Train a network once for each of its seeds, or go on after the last epochs of each that `epochs` has."""
    return [
        _train_once(network, inputs, dataset, epochs.of_seed(number), seed=each, max_epochs=max_epochs, on_epoch=on_epoch)
        for number, each in enumerate(member_seeds(seed, network.seeds))
    ]


def _train_once(
    network: Network,
    inputs: NetworkInputs,
    dataset: Dataset,
    epochs: EpochStore,
    *,
    seed: int,
    max_epochs: int | None,
    on_epoch: Callable[[Epoch], None],
) -> Trained:
    import keras

    keras.backend.clear_session(free_memory=False)  # Python looks for garbage by itself; asked to, it takes half a second
    keras.utils.set_random_seed(seed)
    fit, leads, total = network.fit, inputs.lead_hours, min(network.fit.epochs, max_epochs or network.fit.epochs)
    curve = epochs.curve()
    if curve:
        log.info("%s: going on after epoch %d", network.architecture, len(curve))
        model = from_keras(epochs.model(len(curve)))
    else:
        model = build(network, inputs)
        compile_network(model, network, leads, steps=steps_per_epoch(dataset, fit.batch_size) * total)
    make_variables(model)
    record = _record(network, model, epochs, seed=seed, curve=curve, total=total, on_epoch=on_epoch)
    validates = len(dataset.starts("validation")) > 0
    while len(curve) < total and not _stalled(curve, fit):
        # One call an epoch: over several, Keras reads `steps_per_execution` batches even across an epoch's end.
        with quick(model), fused(model.optimizer):
            model.fit(
                taught(network, training_batches(dataset, leads, batch_size=fit.batch_size, seed=seed, epoch=len(curve))),
                validation_data=taught(network, evaluation_batches(dataset, "validation", leads)) if validates else None,
                initial_epoch=len(curve),
                epochs=len(curve) + 1,
                callbacks=[record],
                shuffle=False,  # the batches are shuffled already
                verbose=0,
            )
    chosen = best(curve, fit)
    if chosen < len(curve):
        model.set_weights(from_keras(epochs.model(chosen)).get_weights())
    return Trained(model, curve, chosen)


def _mean(models: list[keras.Model]) -> keras.Model:
    """Return one model that gives the mean of several."""
    import keras

    if len(models) == 1:
        return models[0]
    observations = keras.Input(models[0].input_shape[1:], name="observations")
    for number, model in enumerate(models):
        model.name = f"{model.name}_{number}"
    outputs = [model(observations) for model in models]
    if isinstance(outputs[0], dict):
        mean = {name: keras.layers.Average(name=name)([output[name] for output in outputs]) for name in outputs[0]}
    else:
        mean = keras.layers.Average(name="forecast")(outputs)
    return keras.Model(observations, mean)


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
        measured = {name.replace("forecast_mae", "mae"): float(value) for name, value in logs.items()}
        if not np.isfinite([measured["loss"], measured.get("val_loss", 0.0)]).all():
            msg = (
                f"{network.architecture}: the loss is not finite in epoch {number + 1}; "
                f"lower fit.learning_rate or set fit.clip_norm"
            )
            raise TrainingError(msg)
        seconds = time.perf_counter() - began[0]
        epoch = Epoch(
            epoch=number + 1,
            of=total,
            loss=measured["loss"],
            mae=measured["mae"],
            val_loss=measured.get("val_loss"),
            val_mae=measured.get("val_mae"),
            seconds=seconds,
        )
        epoch = epochs.save(epoch, to_keras(model))
        curve.append(epoch)
        judged = "" if epoch.val_mae is None else f", validation MAE {epoch.val_mae:.3f}"
        log.info("%s: epoch %d of %d: MAE %.3f%s degC", network.architecture, epoch.epoch, total, epoch.mae, judged)
        on_epoch(epoch)

    return keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_epoch_end=end)


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Make the masks of an epoch follow from seed and epoch alone: a `.keras` archive does not hold their state."""
    states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    random = np.random.default_rng([seed, epoch])
    for state in states:
        state.assign(random.integers(0, 2**32, size=state.shape, dtype=np.uint32))


def best(curve: list[Epoch], fit: FitSettings) -> int:
    """Return the epoch (1-based) with the least validation MAE, the first of equals; without validation the last.

    A network that forecasts a quantile is judged by its validation loss: its absolute error is least at the median.
    """
    errors = [epoch.val_mae if fit.quantile in (None, 0.5) else epoch.val_loss for epoch in curve]
    judged = [(error, number) for number, error in enumerate(errors, 1) if error is not None]
    return min(judged)[1] if judged else len(curve)


def _stalled(curve: list[Epoch], fit: FitSettings) -> bool:
    return bool(curve) and fit.patience is not None and len(curve) - best(curve, fit) >= fit.patience


def _forecasts(model: keras.Model, dataset: Dataset, parts: Sequence[Part]) -> dict[Part, dict[str, NDArray[np.float64]]]:
    """Return each output of each part by name, in degC: [n_windows, its width]."""
    import tensorflow as tf

    (entry,) = model.inputs
    # Traced once; Keras's `predict` is traced for full batches, and again for the last one.
    forward = tf.function(
        partial(model, training=False), input_signature=[tf.TensorSpec(entry.shape, entry.dtype)], autograph=False
    )

    def forecast(contexts: tf.Tensor) -> dict[str, tf.Tensor]:
        found = forward(contexts)
        return found if isinstance(found, dict) else {"forecast": found}

    def of_part(part: Part) -> dict[str, NDArray[np.float64]]:
        batches = [forecast(contexts) for contexts, _ in evaluation_batches(dataset, part)]
        if not batches:
            return {name: np.empty((0, 1)) for name in ("forecast", "leads")}
        return {name: np.concatenate([batch[name] for batch in batches]).astype(np.float64) for name in batches[0]}

    return {part: of_part(part) for part in parts}
