"""What all Keras networks share: the settings of channels, fitting and head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tsflow.architectures.channelled import Channelled
from tsflow.architectures.quantiles import Levels
from tsflow.architectures.readings import HourlyReading, Reading
from tsflow.errors import UnknownName
from tsflow.features.fitted_channels import FittedChannels
from tsflow.model import Strict
from tsflow.records.found import Epochs, Found
from tsflow.task import Task
from tsflow.windows.dataset import Dataset

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


class Leads(Strict):
    """Further targets between origin and horizon: they teach the network the way there, and are forecasts themselves."""

    hours: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] | Literal["path"] | None = None  # path: every hour
    every: Annotated[int, Field(ge=1)] | None = None  # every so many hours before the horizon, whatever the task's horizon is
    weight: Annotated[float, Field(gt=0)] = 0.15  # of each lead's loss; the horizon's is 1

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.hours is None) == (self.every is None):
            msg = "give exactly one of hours and every"
            raise ValueError(msg)
        return self

    def before(self, horizon_hours: int) -> list[int]:
        """Return the hours that are named, rising; those of `hours` may lie beyond the horizon."""
        if self.every is not None:
            return list(range(self.every, horizon_hours, self.every))
        return list(range(1, horizon_hours)) if self.hours == "path" else sorted(set(self.hours or []))


class Beside(Strict):
    """What else a network learns of the horizon, and does not forecast: what other quantities change by until then.

    References
    ----------
    Caruana (1997), Multitask Learning, Machine Learning 28: what is asked of the layers besides keeps them from learning noise.
    """

    quantities: Annotated[list[str], Field(min_length=1)]  # those that the station measures; the target is left out
    weight: Annotated[float, Field(gt=0)] = 0.3  # of each one's loss, in which it changes as much as the target; the target's is 1


@dataclass(frozen=True)
class Series:
    """What a family's layers read: standardised channels by name, an hour a row, or a table's columns, one row a window."""

    x: Any  # a tensor, [n, rows, n_names]
    names: tuple[str, ...]  # of the channels, in order
    target: str  # the variable that is forecast; a channel of that name is its measured value

    def of(self, *names: str) -> Any:
        """Return some channels, [n, rows, len(names)].

        Raises
        ------
        SettingsError
            If the recipe reads no channel of that name; lists those it reads.
        """
        if unknown := [name for name in names if name not in self.names]:
            raise UnknownName("channel", unknown[0], self.names)
        from keras import ops

        return ops.take(self.x, [self.names.index(name) for name in names], axis=-1)


class Network(Channelled, ABC):
    """A Keras network: the family gives the layers, `network_graph` what stands around them."""

    # Whatever a profile's `networks_history_days` says; for a family that is as quick as ridge.
    learns_all_history: ClassVar[bool] = False

    leads: Leads | None = None
    beside: Beside | None = None
    quantiles: Levels = []  # the head forecasts these, and the median is the forecast; empty: the forecast alone
    seeds: Annotated[int, Field(ge=1, le=20)] = 1  # trains so many and forecasts their mean
    target: Literal["absolute", "change"] = "absolute"  # change: from the temperature at the origin
    activation: Activation = "relu"
    initialiser: Initialiser = "glorot_uniform"
    head_initialiser: Initialiser | Literal["zeros"] = "glorot_uniform"  # zeros: with target change, training begins at naive
    batch_normalisation: bool = False
    fit: FitSettings = FitSettings()

    @property
    def forecasts_change(self) -> bool:
        """Whether the recipe says so."""
        return self.target == "change"

    def within(self, names: Collection[str], helpful: Collection[str] = ()) -> Self:
        """Return the network with the channels that a station gives."""
        return self.changed(channels=self.channels.within(names, helpful))

    @model_validator(mode="after")
    def _one_forecast(self) -> Self:
        if self.quantiles and self.fit.quantile is not None:
            msg = "quantiles are learnt by pinball already; remove fit.quantile, and let fit.loss be what leads learn by"
            raise ValueError(msg)
        return self

    def reading(self, dataset: Dataset) -> Reading:
        """Return what it reads of a dataset: channels of each hour.

        Raises
        ------
        SettingsError
            If the station lacks a channel's variable.
        """
        return HourlyReading(FittedChannels.fit(self.channels, dataset), dataset.task.context_hours, len(dataset.columns))

    def effort(self, max_epochs: int | None = None) -> float:
        """Return about how many seconds a training takes."""
        return min(self.fit.epochs, max_epochs or self.fit.epochs) * self.seeds * self.epoch_effort

    @property
    def epoch_effort(self) -> float:
        """About how many seconds an epoch takes."""
        return 0.5

    def lead_hours(self, task: Task) -> tuple[int, ...]:
        """Return the leads before the horizon, rising.

        Raises
        ------
        SettingsError
            If one lies at or beyond the horizon.
        """
        if self.leads is None:
            return ()
        hours, horizon = self.leads.before(task.horizon_hours), task.horizon_hours
        if beyond := [hour for hour in hours if hour >= horizon]:
            self.refuse(
                f"leads.hours: {beyond} are not before the horizon of {horizon} hours, which is forecast anyway; leave them out, "
                f"or write `every: 3` for every third hour before any horizon"
            )
        return tuple(hours)

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless leads and channels fit the task; families check their layers too."""
        super().require_task(task)
        self.lead_hours(task)
        if msg := self.channels.beyond(task):
            self.refuse(msg)

    def settled(self, found: Found, growth: float = 1.0) -> Self:
        """Return the recipe with the number of epochs fixed, over which a falling rate then falls."""
        if not isinstance(found, Epochs):
            return self
        return self.changed(fit=self.fit.changed(epochs=found.epochs, patience=None))

    @abstractmethod
    def layers(self, series: Series, *, dropout: bool) -> Any:
        """Return what the last Dense reads, from what the recipe's `reading` gives, standardised.

        `dropout` False leaves dropout layers and recurrent dropout out: at inference they do nothing, and without
        them a recurrent layer becomes one fused operation in ONNX. Both ways create the same weights in the same order.
        """
