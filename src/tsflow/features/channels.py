"""Channels: the series that a model reads, one value an hour, chosen by name in an architecture's YAML.

::

    observations [n, context, columns]          raw units, and the clock
      measured        p, T, ...                 as they are, or by a formula: the dew point of temperature and humidity
      wind            wind_x, wind_y            speed and direction as a vector
      anomalies       T_anomaly                 minus the climatology of the training part
      changes         p_change_3                minus the value 3 hours before; inside the window, never before it
      calendar        year_sin_1, day_cos_2     harmonics; the year's are 0 on less than a year of training rows
      sun             sun, sun_ahead            sine of the sun's height, now and at the target's time
    -> channels [n, context, n_channels]

A name is a variable's of the station, or a quantity's: T finds whatever variable measures the air's temperature.
Everything is part of the model's graph, so that a consumer hands over raw rows and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tsflow.errors import SettingsError
from tsflow.features.climate import Columns, Harmonics, fit_climatology, harmonic_names, harmonics, sun_table
from tsflow.model import Strict
from tsflow.stations.deriving import Derivation, derivations, measures
from tsflow.stations.quantities import stand_ins
from tsflow.task import Task
from tsflow.windows.dataset import Dataset

log = logging.getLogger(__name__)

TARGET = "target"  # stands for whatever the station's target is called
Hours = Annotated[int, Field(ge=1)]


class Wind(Strict):
    """The variables that a wind vector is made of."""

    speed: str
    direction: str  # in degrees


class Channels(Strict):
    """Which channels a model reads; by default every variable of the station, as measured."""

    measured: list[str] | None = None  # None: all
    wind: Wind | None = None
    anomalies: dict[str, Harmonics] = {}  # of measured variables
    changes: dict[str, list[Hours]] = {}  # of measured variables or anomalies, against so many hours before
    calendar: Harmonics = Harmonics()
    sun: bool = False
    if_there: list[str] = []  # names that are left out, with all that is made of them, where a station has no such quantity

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        for name, order in self.anomalies.items():
            if not (order.year or order.day):
                msg = f"anomalies.{name}: year or day must be 1 or more"
                raise ValueError(msg)
        unknown = [
            name for name in self.changes if name.endswith("_anomaly") and name.removesuffix("_anomaly") not in self.anomalies
        ]
        if unknown:
            msg = f"changes: {', '.join(unknown)} is not among the anomalies ({', '.join(self.anomalies) or 'none'})"
            raise ValueError(msg)
        others = (self.wind, self.anomalies, self.changes, self.calendar.year, self.calendar.day, self.sun)
        if self.measured == [] and not any(others):
            msg = "no channel is left; name at least one"
            raise ValueError(msg)
        return self

    def names(self, measured: list[str]) -> list[str]:
        """Return the channels' names, in order; `measured` are those that are read as they are."""
        return [
            *measured,
            *(["wind_x", "wind_y"] if self.wind else []),
            *(f"{name}_anomaly" for name in self.anomalies),
            *(f"{name}_change_{lag}" for name, lags in self.changes.items() for lag in lags),
            *harmonic_names(self.calendar),
            *(["sun", "sun_ahead"] if self.sun else []),
        ]

    def beyond(self, task: Task) -> str | None:
        """Say which changes reach further back than the context, if any."""
        hours = task.context_hours
        far = [f"{name}: {lag}" for name, lags in self.changes.items() for lag in lags if lag >= hours]
        return f"channels.changes: {', '.join(far)} h reach beyond the context of {hours} h; take fewer hours" if far else None

    @property
    def _named(self) -> set[str]:
        wind = [self.wind.speed, self.wind.direction] if self.wind else []
        changes = [name.removesuffix("_anomaly") for name in self.changes]
        return {*(self.measured or []), *wind, *self.anomalies, *changes} - {TARGET}

    @property
    def variables(self) -> set[str]:
        """The variables or quantities that must be there, but for the target."""
        return self._named - {*self.if_there}

    def within(self, names: Collection[str]) -> Channels:
        """Return the channels without those of `if_there` that are not among `names`."""
        out = {name for name in self.if_there if name not in names}
        if not out:
            return self
        wind = None if self.wind and out & {self.wind.speed, self.wind.direction} else self.wind
        return self.changed(
            measured=None if self.measured is None else [name for name in self.measured if name not in out],
            wind=wind,
            anomalies={name: order for name, order in self.anomalies.items() if name not in out},
            changes={name: lags for name, lags in self.changes.items() if name.removesuffix("_anomaly") not in out},
            if_there=[name for name in self.if_there if name not in out],
        )


@dataclass(frozen=True)
class FittedChannels:
    """Channels with the constants that were read off the training part."""

    spec: Channels
    columns: dict[str, int]  # of the input, by variable or quantity; `target` too
    derivations: dict[str, Derivation]  # by quantity: what the station lacks and formulas give
    clock: int  # the column of the hour of day; the day of the year follows
    horizon_hours: int
    calendar: Harmonics  # those of the spec that the training rows can tell
    anomalies: dict[str, Harmonics]  # likewise
    climatology: dict[str, NDArray[np.float64]]  # coefficients, by variable
    sun: NDArray[np.float64] | None  # [366, 3], see `sun_table`
    mean: NDArray[np.float64]  # of each channel, [n_channels]
    deviation: NDArray[np.float64]

    @classmethod
    def fit(cls, spec: Channels, dataset: Dataset) -> FittedChannels:
        """Read climatology, means and deviations off the training rows.

        Raises
        ------
        SettingsError
            If the station lacks a variable, or for the sun's height its location.
        """
        measured = measures(dataset.units, dataset.quantities)
        derived = derivations(dataset.units, measured)
        columns = {name: place for place, name in enumerate(dataset.features)}
        columns |= {other: columns[name] for other, name in stand_ins(measured).items()}
        spec = spec.within({*columns, *derived})
        if lacking := sorted(spec.variables - columns.keys() - derived.keys()):
            msg = f"channels: station {dataset.station} has no {', '.join(lacking)}; it has {', '.join(dataset.features)}"
            raise SettingsError(msg)
        columns[TARGET] = dataset.target_index
        spec = spec if spec.measured is not None else spec.changed(measured=dataset.features)
        sun = None
        if spec.sun:
            if dataset.location is None:
                msg = f"channels.sun: the location of station {dataset.station} is not known; give it in the station's file"
                raise SettingsError(msg)
            sun = sun_table(dataset.location, dataset.utc_offset_hours)
        rows = dataset.rows[: dataset.bounds.a]
        clock = rows[:, -2:].astype(np.float64)
        calendar = spec.calendar.within(dataset)
        anomalies = {name: order.within(dataset) for name, order in spec.anomalies.items()}
        if (calendar, anomalies) != (spec.calendar, spec.anomalies):
            log.warning("less than a year of training rows: the year's harmonics are left out of the channels")
        values = rows.astype(np.float64)
        climatology = {
            name: fit_climatology(series(name, columns, derived, lambda place: values[:, place]), clock, order)
            for name, order in anomalies.items()
        }
        horizon, nothing = dataset.task.horizon_hours, (np.zeros(0), np.ones(0))
        raw = cls(spec, columns, derived, len(dataset.features), horizon, calendar, anomalies, climatology, sun, *nothing)
        mean, deviation = raw._statistics(rows)
        return replace(raw, mean=mean, deviation=deviation)

    @property
    def names(self) -> list[str]:
        """The channels' names, in order."""
        return self.spec.names(self.spec.measured or [])

    @property
    def target(self) -> str | None:
        """The channel that is the target's measured value, if one is: under its own name, its quantity's, or `target`."""
        return next((name for name in self.spec.measured or [] if self.columns.get(name) == self.columns[TARGET]), None)

    def constants(self) -> list[NDArray[np.float64]]:
        """Return everything that was read off the training part."""
        return [*self.climatology.values(), self.mean, self.deviation]

    def _statistics(self, rows: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and deviation of every channel over rows [n, n_columns]; 0 and 1 for those within [-1, 1] anyway."""
        import keras

        series = keras.Input((None, rows.shape[1]))
        tensors = self.raw(series)
        model = keras.Model(series, _joined(list(tensors.values())))
        values = np.asarray(model(rows[None])[0], dtype=np.float64)
        bounded = np.array([name in self._bounded for name in tensors])
        deviation = values.std(axis=0)
        deviation = np.where(bounded | (deviation == 0), 1.0, deviation)
        return np.where(bounded, 0.0, values.mean(axis=0)), deviation

    @property
    def _bounded(self) -> set[str]:
        return {*harmonic_names(self.spec.calendar), "sun", "sun_ahead"}

    def raw(self, observations: Any) -> Columns:
        """Return each channel by name, in its unit: tensors [n, context, 1] from observations [n, context, n_columns]."""
        from keras import layers, ops

        def at(place: int) -> Any:
            return observations[:, :, place : place + 1]

        def column(name: str) -> Any:
            return series(name, self.columns, self.derivations, at, ops)

        hour, day = at(self.clock), at(self.clock + 1)
        channels = {name: column(name) for name in self.spec.measured or []}
        if self.spec.wind:
            speed = column(self.spec.wind.speed)
            angle = column(self.spec.wind.direction) * (np.pi / 180)
            channels |= {"wind_x": speed * ops.cos(angle), "wind_y": speed * ops.sin(angle)}
        anomalies = {}
        for name, order in self.anomalies.items():
            anomaly = column(name)
            if order.year or order.day:
                terms = layers.Concatenate()([*harmonics(hour, day, order, product=True).values()])
                kernel = {"class_name": "Constant", "config": {"value": self.climatology[name][1:, None].tolist()}}
                usual = layers.Dense(1, use_bias=False, kernel_initializer=kernel, trainable=False, name=f"climatology_{name}")
                anomaly = anomaly - usual(terms)
            anomalies[f"{name}_anomaly"] = anomaly - float(self.climatology[name][0])
        channels |= anomalies
        for name, lags in self.spec.changes.items():
            now = anomalies[name] if name in anomalies else column(name)
            channels |= {f"{name}_change_{lag}": now - _before(now, lag) for lag in lags}
        channels |= dict.fromkeys(harmonic_names(self.spec.calendar), hour * 0.0)
        channels |= harmonics(hour, day, self.calendar)
        if self.sun is not None:
            channels |= {
                "sun": self._height(self.sun, hour, day, 0),
                "sun_ahead": self._height(self.sun, hour, day, self.horizon_hours),
            }
        return channels

    def scaled(self, observations: Any) -> Any:
        """Return all channels, standardised, shape [n, context, n_channels]."""
        from keras import layers

        x = _joined(list(self.raw(observations).values()))
        # Rescaling, not Normalization, whose constants ONNX export turns into further inputs of the model.
        return layers.Rescaling((1 / self.deviation).tolist(), offset=(-self.mean / self.deviation).tolist(), name="scale")(x)

    @staticmethod
    def _height(table: NDArray[np.float64], hour: Any, day: Any, ahead_hours: int) -> Any:
        """Return the sine of the sun's height so many hours later: a + b cos(hour angle), a and b by day of the year."""
        from keras import layers, ops

        constant = {"class_name": "Constant", "config": {"value": table.tolist()}}
        days = ops.mod(day[:, :, 0] + ahead_hours / 24, len(table))
        found = layers.Embedding(*table.shape, embeddings_initializer=constant, trainable=False)(days)  # [n, context, 3]
        angle = (hour + ahead_hours + found[:, :, 2:3] - 12) * (np.pi / 12)
        return found[:, :, 0:1] + found[:, :, 1:2] * ops.cos(angle)


def series(
    name: str, columns: Mapping[str, int], derived: Mapping[str, Derivation], at: Callable[[int], Any], ops: Any = np
) -> Any:
    """Return the values of a variable or quantity: those of its column, `at(place)`, or what its formula gives of others'."""
    if name in columns:
        return at(columns[name])
    how = derived[name]
    return how.of({each: series(each, columns, derived, at, ops) for each in how.inputs}, ops)


def _joined(channels: list[Any]) -> Any:
    from keras import layers

    return layers.Concatenate()(channels) if len(channels) > 1 else channels[0]


def _before(series: Any, hours: int) -> Any:
    """Return the values so many hours before, shape as `series` [n, context, 1]; the window's first value where it begins later."""
    from keras import ops

    return ops.concatenate([ops.repeat(series[:, :1], hours, axis=1), series[:, :-hours]], axis=1)
