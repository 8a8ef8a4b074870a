"""What stands around a network's layers: channels and scaling before them, the head in degC behind them.

::

    observations [n, context, columns], raw units
      -> hours [n, context, n_hourly]: what each hour's row alone tells, made once an hour for a training and not in each window
      -> channels, standardised -> last `context_hours` rows -> the family's layers -> Dense 1 (and one a lead)
      -> target absolute: y * deviation + mean              -> forecast [n, 1] in degC
         target change:   y * deviation + temperature now
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.network import Network, Series
from tsflow.architectures.quantiles import quantile_head
from tsflow.features.fitted_channels import FittedChannels
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class NetworkInputs:
    """What a network must know of its dataset."""

    context_hours: int
    columns: int  # of the input: features, then the calendar's
    target: str
    mean: float  # of the target
    deviation: float
    lead_hours: tuple[int, ...]  # rising, all before the horizon
    channels: FittedChannels

    @classmethod
    def of(cls, network: Network, dataset: Dataset) -> NetworkInputs:
        """Read it off a dataset.

        Raises
        ------
        SettingsError
            If the station lacks a channel's variable.
        """
        at = dataset.target_index
        return cls(
            context_hours=dataset.task.context_hours,
            columns=len(dataset.columns),
            target=dataset.target,
            mean=float(dataset.scaler.mean[at]),
            deviation=float(dataset.scaler.deviation[at]),
            lead_hours=network.lead_hours(dataset.task),
            channels=FittedChannels.fit(network.channels, dataset),
        )

    def hours(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what a built network reads of each row: [n, n_hourly] from observations [n, columns]."""
        import keras

        observations = keras.Input((None, self.columns))
        hourly = keras.Model(observations, self.channels.joined_by_hour(observations))
        return np.asarray(hourly(rows[None])[0])


def build(network: Network, inputs: NetworkInputs, *, dropout: bool = True) -> keras.Model:
    """Return the network, uncompiled: hours in, as `NetworkInputs.hours` makes them, degC out; with leads, both by name.

    Initial weights follow from `keras.utils.set_random_seed`.
    """
    import keras

    hours = keras.Input((inputs.context_hours, len(inputs.channels.hourly_names)), name="hours")
    x = inputs.channels.scaled(hours)
    if network.context_hours and network.context_hours < inputs.context_hours:
        x = keras.layers.Cropping1D((inputs.context_hours - network.context_hours, 0))(x)
    x = network.layers(Series(x, tuple(inputs.channels.names), inputs.channels.target or inputs.target), dropout=dropout)
    place = inputs.channels.target_place
    now = hours[:, -1, place : place + 1]

    def head(name: str, width: int) -> Any:
        y = keras.layers.Dense(width, kernel_initializer=network.head_initialiser, name=f"{name}_head")(x)
        if network.target == "change":
            return keras.layers.Add(name=name)([keras.layers.Rescaling(inputs.deviation)(y), now])
        return keras.layers.Rescaling(inputs.deviation, offset=inputs.mean, name=name)(y)

    outputs = {}
    if network.quantiles:
        outputs["forecast"], outputs["quantiles"] = quantile_head(head, network.quantiles, mended=not dropout)
    else:
        outputs["forecast"] = head("forecast", 1)
    if inputs.lead_hours:
        outputs["leads"] = head("leads", len(inputs.lead_hours))
    return keras.Model(hours, outputs if len(outputs) > 1 else outputs["forecast"], name=network.architecture)


def of_observations(model: keras.Model, inputs: NetworkInputs) -> keras.Model:
    """Return a model that reads hours as one that reads raw observations [n, context, columns]."""
    import keras

    observations = keras.Input((inputs.context_hours, inputs.columns), name="observations")
    return keras.Model(observations, model(inputs.channels.joined_by_hour(observations)), name=model.name)
