"""What all Keras networks share: settings of fitting, scaling inside the model, the head in degC.

::

    observations [n, context, features], raw units
      -> last `context_hours` rows -> (x - mean) / deviation -> the family's layers -> Dense 1
      -> target absolute: y * deviation + mean              -> forecast [n, 1] in degC
         target change:   y * deviation + temperature now
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from tsflow.architectures.registry import Architecture
from tsflow.settings import Strict
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras

Activation = Literal["relu", "elu", "selu", "gelu", "tanh", "sigmoid", "leaky_relu", "linear"]
Initialiser = Literal["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "orthogonal"]
Dropout = Annotated[float, Field(ge=0, lt=1)]
Width = Annotated[int, Field(ge=1, le=4096)]


class FitSettings(Strict):
    """How a network is fitted; the lecture's list of what one tunes and of what fights vanishing gradients."""

    epochs: Annotated[int, Field(ge=1)] = 10
    batch_size: Annotated[int, Field(ge=1)] = 256
    optimiser: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    decay: Literal["none", "cosine"] = "none"  # cosine: the rate falls to 0 over all epochs
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share of all steps in which the rate rises from 0; before the cosine
    weight_decay: Annotated[float, Field(ge=0)] | None = None  # adamw's; None: 0.004, as Keras has it
    clip_norm: Annotated[float, Field(gt=0)] | None = None  # of each gradient; against exploding gradients
    loss: Literal["mse", "mae", "huber", "pinball"] = "mse"
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None  # that pinball aims at; 0.5: the median, as mae does
    patience: Annotated[int, Field(ge=1)] | None = 3  # epochs without a better validation MAE; None: no early stopping

    @model_validator(mode="after")
    def _only_where_it_acts(self) -> Self:
        if self.weight_decay is not None and self.optimiser != "adamw":
            msg = f"weight_decay {self.weight_decay:g} acts with optimiser adamw only, found optimiser {self.optimiser}; remove one"
            raise ValueError(msg)
        if self.warmup and self.decay != "cosine":
            msg = f"warmup {self.warmup:g} comes before decay cosine only, found decay {self.decay}; set decay or remove warmup"
            raise ValueError(msg)
        if self.quantile is not None and self.loss != "pinball":
            msg = f"quantile {self.quantile:g} is loss pinball's only, found loss {self.loss}; set loss or remove quantile"
            raise ValueError(msg)
        if self.quantile is None and self.loss == "pinball":
            msg = "loss pinball needs quantile, above 0 and below 1"
            raise ValueError(msg)
        return self


class Network(Architecture, ABC):
    """A Keras network: the family gives the layers, this class what stands around them."""

    target: Literal["absolute", "change"] = "absolute"  # change: from the temperature at the origin
    activation: Activation = "relu"
    initialiser: Initialiser = "glorot_uniform"
    batch_normalisation: bool = False
    fit: FitSettings = FitSettings()

    @abstractmethod
    def layers(self, x: Any, *, dropout: bool) -> Any:
        """Return what the last Dense reads, from scaled inputs [n, context, features].

        `dropout` False leaves dropout layers and recurrent dropout out: at inference they do nothing, and without
        them a recurrent layer becomes one fused operation in ONNX.
        """


@dataclass(frozen=True)
class NetworkInputs:
    """What a network must know of its dataset."""

    context_hours: int
    columns: int  # of the input: features, then the calendar's
    features: int
    target_index: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, dataset: Dataset) -> NetworkInputs:
        """Read it off a dataset."""
        scaler = dataset.scaler
        return cls(
            dataset.windows.context_hours,
            len(dataset.columns),
            len(dataset.features),
            dataset.target_index,
            tuple(scaler.mean.tolist()),
            tuple(scaler.deviation.tolist()),
        )


def build(network: Network, inputs: NetworkInputs, *, dropout: bool = True) -> keras.Model:
    """Return the network, uncompiled: raw observations in, degC out.

    Initial weights follow from `keras.utils.set_random_seed`.
    """
    import keras

    mean, deviation = np.asarray(inputs.mean), np.asarray(inputs.deviation)
    observations = keras.Input((inputs.context_hours, inputs.columns), name="observations")
    x = observations[:, :, : inputs.features]
    if network.context_hours and network.context_hours < inputs.context_hours:
        x = keras.layers.Cropping1D((inputs.context_hours - network.context_hours, 0))(x)
    # Rescaling, not Normalization, whose constants ONNX export turns into further inputs of the model.
    x = keras.layers.Rescaling((1 / deviation).tolist(), offset=(-mean / deviation).tolist(), name="scale")(x)
    y = keras.layers.Dense(1, name="head")(network.layers(x, dropout=dropout))
    at = inputs.target_index
    if network.target == "change":
        now = observations[:, -1, at : at + 1]
        forecast = keras.layers.Add(name="forecast")([keras.layers.Rescaling(inputs.deviation[at], name="change")(y), now])
    else:
        forecast = keras.layers.Rescaling(inputs.deviation[at], offset=inputs.mean[at], name="forecast")(y)
    return keras.Model(observations, forecast, name=network.architecture)
