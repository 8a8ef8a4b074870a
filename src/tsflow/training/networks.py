"""Fitting a Keras network, for one seed or several, and what comes of it: forecasts, quantiles, graphs, memory."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.exporting import export
from tsflow.architectures.network import Network
from tsflow.architectures.network_graph import NetworkInputs, build, forecasting, of_observations
from tsflow.records.candidate import Epoch
from tsflow.records.dataset import Part
from tsflow.records.found import Epochs
from tsflow.training.batches import Batches
from tsflow.training.candidate import Candidate
from tsflow.training.epochs import EpochStore
from tsflow.training.export import to_keras, twin_without_dropout
from tsflow.training.members import Member, train_members
from tsflow.training.memory import memory_profile
from tsflow.training.recurrence import quick
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def train_network(
    network: Network,
    dataset: Dataset,
    epochs: EpochStore,
    *,
    seed: int,
    max_epochs: int | None,
    on_epoch: Callable[[Epoch], None],
    parts: Sequence[Part],
    served: bool,
) -> Candidate:
    """Train a network once for each of its seeds; the candidate forecasts their mean."""
    inputs = NetworkInputs.of(network, dataset)
    batches = Batches.of(inputs, dataset)
    trained, members = train_members(network, inputs, batches, epochs, seed=seed, max_epochs=max_epochs, on_epoch=on_epoch)
    twins = [forecasting(twin_without_dropout(network, inputs, member.weights)) for member in members]
    model = _mean(twins)
    with quick(model):
        outputs = _forecasts(model, batches, parts)
    first = members[0]
    return Candidate(
        parameters=len(members) * sum(int(np.prod(weight.shape)) for weight in forecasting(trained).trainable_weights),
        epochs=len(first.curve),
        best_epoch=first.best_epoch,
        train_seconds=sum(epoch.seconds for member in members for epoch in member.curve),
        curve=first.curve,
        forecasts={part: found["forecast"][:, 0] for part, found in outputs.items()},
        lead_hours=inputs.lead_hours,
        leads={part: found["leads"] for part, found in outputs.items() if inputs.lead_hours},
        quantile_levels=tuple(network.quantiles),
        quantiles={part: found["quantiles"] for part, found in outputs.items() if network.quantiles and batches.has(part)},
        files=_files(network, inputs, model, members) if served else {},
        found=Epochs(epochs=round(statistics.median(member.best_epoch for member in members))),
        memory=memory_profile(twins[0], inputs, dataset) if served else [],
    )


def _files(network: Network, inputs: NetworkInputs, model: keras.Model, members: Sequence[Member]) -> dict[str, bytes]:
    """Return a network as it is served, and as Keras's archive, which is not compiled; of one member with its dropout."""
    whole = archived = of_observations(model, inputs)
    if len(members) == 1 and not network.quantiles:
        again = build(network, inputs)
        again.set_weights(members[0].weights)
        archived = of_observations(forecasting(again), inputs)
    return {"model.onnx": export(whole), "model.keras": to_keras(archived)}


def _mean(models: list[keras.Model]) -> keras.Model:
    """Return one model that gives the mean of several."""
    import keras

    if len(models) == 1:
        return models[0]
    read = keras.Input(models[0].input_shape[1:], name="read")
    for number, model in enumerate(models):
        model.name = f"{model.name}_{number}"
    outputs = [model(read) for model in models]
    if isinstance(outputs[0], dict):
        mean = {name: keras.layers.Average(name=name)([output[name] for output in outputs]) for name in outputs[0]}
    else:
        mean = keras.layers.Average(name="forecast")(outputs)
    return keras.Model(read, mean)


def _forecasts(model: keras.Model, batches: Batches, parts: Sequence[Part]) -> dict[Part, dict[str, NDArray[np.float64]]]:
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
        found = [forecast(contexts) for contexts, _ in batches.evaluation(part)]
        if not found:
            return {name: np.empty((0, 1)) for name in ("forecast", "leads")}
        return {name: np.concatenate([batch[name] for batch in found]).astype(np.float64) for name in found[0]}

    return {part: of_part(part) for part in parts}
