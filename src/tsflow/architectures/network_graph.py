"""What stands around a network's layers: what it reads and how that is scaled before them, the head in degC behind them.

::

    observations [n, context, columns], raw units
      -> what is read [n, rows, width]: of each hour, or a table's columns (`tsflow.architectures.readings`)
      -> standardised -> last rows, where the recipe reads fewer -> the family's layers -> Dense 1 (and one a lead)
      -> target absolute: y * deviation + mean              -> forecast [n, 1] in degC
         target change:   y * deviation of changes + temperature now
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tsflow.architectures.network import Network, Series
from tsflow.architectures.quantiles import quantile_head
from tsflow.architectures.readings import Reading
from tsflow.features.fitted_channels import found_in
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras


BESIDE = "beside"  # the output that is learnt and not served


@dataclass(frozen=True)
class NetworkInputs:
    """What a network must know of its dataset."""

    context_hours: int
    columns: int  # of the input: features, then the calendar's
    target: str
    mean: float  # of the target
    deviation: float  # of what the head gives: the target, or its change from the origin to the horizon
    lead_hours: tuple[int, ...]  # rising, all before the horizon
    reading: Reading
    beside: Mapping[int, float] = field(default_factory=dict)  # columns that are learnt beside the target, and times what

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
            deviation=float(
                dataset.scaler.deviation[at] if network.target == "absolute" else dataset.changes("train").std() or 1.0
            ),
            lead_hours=network.lead_hours(dataset.task),
            reading=network.reading(dataset),
            beside=_beside(network, dataset),
        )


def _beside(network: Network, dataset: Dataset) -> dict[int, float]:
    """Return the columns that are learnt beside the target, and times what their changes are as large as its own."""
    if network.beside is None:
        return {}
    places, _ = found_in(dataset)
    asked = sorted({places[name] for name in network.beside.quantities if name in places} - {dataset.target_index})
    origins, own = dataset.origins("train"), float(dataset.changes("train").std()) or 1.0
    changes = dataset.values[origins + dataset.task.horizon_hours][:, asked] - dataset.values[origins][:, asked]
    deviations = changes.std(axis=0).tolist()
    return {place: own / deviation for place, deviation in zip(asked, deviations, strict=True) if deviation > 0}


def build(network: Network, inputs: NetworkInputs, *, dropout: bool = True) -> keras.Model:
    """Return the network, uncompiled: what its `reading` gives in, degC out; with leads or quantities beside it, all by name.

    Initial weights follow from `keras.utils.set_random_seed`.
    """
    import keras

    reading = inputs.reading
    read = keras.Input((reading.rows, reading.width), name="read")
    x = reading.scaled(read)
    if (rows := network.rows_read(reading.rows)) < reading.rows:
        x = keras.layers.Cropping1D((reading.rows - rows, 0))(x)
    x = network.layers(Series(x, tuple(reading.names), reading.target or inputs.target), dropout=dropout)
    place = reading.target_place
    now = read[:, -1, place : place + 1]

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
    if inputs.beside:
        y = keras.layers.Dense(len(inputs.beside), kernel_initializer=network.head_initialiser, name=f"{BESIDE}_head")(x)
        outputs[BESIDE] = keras.layers.Rescaling(inputs.deviation, name=BESIDE)(y)
    return keras.Model(read, outputs if len(outputs) > 1 else outputs["forecast"], name=network.architecture)


def forecasting(model: keras.Model) -> keras.Model:
    """Return a built network without what it learnt beside its forecasts."""
    import keras

    if not isinstance(model.output, dict) or BESIDE not in model.output:
        return model
    kept = {name: output for name, output in model.output.items() if name != BESIDE}
    return keras.Model(model.input, kept if len(kept) > 1 else kept["forecast"], name=model.name)


def of_observations(model: keras.Model, inputs: NetworkInputs) -> keras.Model:
    """Return a built model as one that reads raw observations [n, context, columns]."""
    import keras

    observations = keras.Input((inputs.context_hours, inputs.columns), name="observations")
    return keras.Model(observations, model(inputs.reading.of_observations(observations)), name=model.name)
