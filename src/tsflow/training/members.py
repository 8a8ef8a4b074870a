"""Training a network once for each of its seeds, epoch by epoch, with resume.

All seeds share one compiled model, each with first weights and an optimiser of its own: TensorFlow traces and optimises the graph
of a step once, which for a network of many small layers takes as long as several epochs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.network import FitSettings, Network
from tsflow.architectures.network_graph import NetworkInputs, build
from tsflow.architectures.seeds import member_seeds
from tsflow.errors import TrainingError
from tsflow.records.candidate import Epoch
from tsflow.training.batches import Batches
from tsflow.training.compiling import compile_network, make_variables
from tsflow.training.epochs import EpochStore
from tsflow.training.export import from_keras, to_keras
from tsflow.training.fused_adam import fused
from tsflow.training.objectives import taught
from tsflow.training.recurrence import quick

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Member:
    """What came of one seed."""

    weights: list[NDArray[np.float32]]  # as Keras's `get_weights` has them, of the best epoch
    curve: list[Epoch]
    best_epoch: int  # 1-based: whose weights these are


def train_members(
    network: Network,
    inputs: NetworkInputs,
    batches: Batches,
    epochs: EpochStore,
    *,
    seed: int,
    max_epochs: int | None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> tuple[keras.Model, list[Member]]:
    """Train a network once for each of its seeds, or go on after the last epochs of each that `epochs` has.

    Returns the network as it was compiled, with the weights of the first seed, and what came of each.
    """
    import keras

    keras.backend.clear_session(free_memory=False)  # Python looks for garbage by itself; asked to, it takes half a second
    total = min(network.fit.epochs, max_epochs or network.fit.epochs)
    keras.utils.set_random_seed(seed)
    model = build(network, inputs)
    compile_network(model, network, inputs, steps=batches.per_epoch(network.fit.batch_size) * total)
    make_variables(model)
    unused = [np.asarray(variable) for variable in model.optimizer.variables]
    members = []
    for number, each in enumerate(member_seeds(seed, network.seeds)):
        if number:
            keras.utils.set_random_seed(each)
            _put(model, build(network, inputs).get_weights(), unused)
        member = _train(network, model, batches, epochs.of_seed(number), seed=each, total=total, on_epoch=on_epoch)
        members.append(member)
    model.set_weights(members[0].weights)
    return model, members


def _put(model: keras.Model, weights: list[NDArray[np.float32]], optimiser: list[NDArray[np.float32]]) -> None:
    """Let a compiled model go on from other weights and another state of its optimiser."""
    model.set_weights(weights)
    for variable, value in zip(model.optimizer.variables, optimiser, strict=True):
        variable.assign(value)


def _train(
    network: Network,
    model: keras.Model,
    batches: Batches,
    epochs: EpochStore,
    *,
    seed: int,
    total: int,
    on_epoch: Callable[[Epoch], None],
) -> Member:
    """Train a compiled model from the weights that it has, or from those of the last epoch that there is."""
    fit, curve = network.fit, epochs.curve()
    if curve:
        log.info("%s: going on after epoch %d", network.architecture, len(curve))
        before = from_keras(epochs.model(len(curve)))
        _put(model, before.get_weights(), [np.asarray(variable) for variable in before.optimizer.variables])
    record = _record(network, model, epochs, seed=seed, curve=curve, total=total, on_epoch=on_epoch)
    judged = taught(network, batches.evaluation("validation")) if batches.has("validation") else None
    while len(curve) < total and not _stalled(curve, fit):
        # One call an epoch: over several, Keras reads `steps_per_execution` batches even across an epoch's end.
        with quick(model), fused(model.optimizer):
            model.fit(
                taught(network, batches.training(batch_size=fit.batch_size, seed=seed, epoch=len(curve))),
                validation_data=judged,
                initial_epoch=len(curve),
                epochs=len(curve) + 1,
                callbacks=[record],
                shuffle=False,  # the batches are shuffled already
                verbose=0,
            )
    chosen = _best(curve, fit)
    if chosen < len(curve):
        model.set_weights(from_keras(epochs.model(chosen)).get_weights())
    return Member(model.get_weights(), curve, chosen)


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


def _best(curve: list[Epoch], fit: FitSettings) -> int:
    """Return the epoch (1-based) with the least validation MAE, the first of equals; without validation the last.

    A network that forecasts a quantile is judged by its validation loss: its absolute error is least at the median.
    """
    errors = [epoch.val_mae if fit.quantile in (None, 0.5) else epoch.val_loss for epoch in curve]
    judged = [(error, number) for number, error in enumerate(errors, 1) if error is not None]
    return min(judged)[1] if judged else len(curve)


def _stalled(curve: list[Epoch], fit: FitSettings) -> bool:
    return bool(curve) and fit.patience is not None and len(curve) - _best(curve, fit) >= fit.patience
