"""Channels with what was read off the training part, as a part of a model's graph."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsflow.errors import SettingsError
from tsflow.features.channels import TARGET, Channels
from tsflow.features.climate import Columns, Harmonics, fit_climatology, harmonic_names, harmonics, sun_table, usual
from tsflow.stations.deriving import Derivation, derivations, measures
from tsflow.stations.quantities import stand_ins
from tsflow.windows.dataset import Dataset

log = logging.getLogger(__name__)

_STILL = 1e-4  # of its largest value: a channel beside the target that moves by less would go anywhere once it is repaired


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
        columns, derived = found_in(dataset)
        spec = spec.within({*columns, *derived}, dataset.helpful)
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
            log.warning("training rows do not cover a year: the year's harmonics are left out of the channels")
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
    def hourly_names(self) -> list[str]:
        """The columns of `joined_by_hour`, in order: the channels but for changes, then what else changes and forecasts need."""
        lagged = self._lagged
        plain = [name for name in self.names if name not in lagged]
        needed = [base for base, _ in lagged.values()] + ([] if self.target else [TARGET])
        return list(dict.fromkeys([*plain, *needed]))

    @property
    def target_place(self) -> int:
        """Where among `hourly_names` the target's measured value is."""
        return self.hourly_names.index(self.target or TARGET)

    @property
    def _lagged(self) -> dict[str, tuple[str, int]]:
        """Of each change: of what, against so many hours before."""
        return {f"{name}_change_{lag}": (name, lag) for name, lags in self.spec.changes.items() for lag in lags}

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
        least = np.array([0.0 if name == self.target else _STILL for name in tensors]) * np.abs(values).max(axis=0)
        deviation = np.where(bounded | (deviation <= least), 1.0, deviation)
        return np.where(bounded, 0.0, values.mean(axis=0)), deviation

    @property
    def _bounded(self) -> set[str]:
        return {*harmonic_names(self.spec.calendar), "sun", "sun_ahead"}

    def raw(self, observations: Any) -> Columns:
        """Return each channel by name, in its unit: tensors [n, context] from observations [n, context, n_columns]."""
        return self._over_hours(self.by_hour(observations))

    def by_hour(self, observations: Any) -> Columns:
        """Return what an hour's row alone tells, by name, in its unit: tensors [n, hours] from observations [n, hours, n_columns].

        A last axis of 1 would make ONNX Runtime take each number by itself and need fifty times as long.
        """
        from keras import ops

        def at(place: int) -> Any:
            return observations[:, :, place]

        @cache  # a derived one is a chain of others, and is read as it is, as an anomaly, and for its changes
        def column(name: str) -> Any:
            return series(name, self.columns, self.derivations, at, ops)

        hour, day = at(self.clock), at(self.clock + 1)
        channels = {name: column(name) for name in self.spec.measured or []}
        if self.spec.wind:
            speed = column(self.spec.wind.speed)
            angle = column(self.spec.wind.direction) * (np.pi / 180)
            channels |= {"wind_x": speed * ops.cos(angle), "wind_y": speed * ops.sin(angle)}
        orders = [self.calendar, *self.anomalies.values()]
        waves = harmonics(hour, day, Harmonics(year=max(each.year for each in orders), day=max(each.day for each in orders)))
        anomalies = {}
        for name, order in self.anomalies.items():
            anomaly = column(name)
            if order.year or order.day:
                anomaly = anomaly - usual(waves, order, self.climatology[name])
            anomalies[f"{name}_anomaly"] = anomaly - float(self.climatology[name][0])
        channels |= anomalies
        channels |= dict.fromkeys(harmonic_names(self.spec.calendar), hour * 0.0)
        channels |= {name: waves[name] for name in harmonic_names(self.calendar)}
        if self.sun is not None:
            channels |= {
                "sun": self._height(self.sun, hour, day, 0),
                "sun_ahead": self._height(self.sun, hour, day, self.horizon_hours),
            }
        channels |= {name: column(name) for name in self.hourly_names if name not in channels}
        return channels

    def _over_hours(self, hourly: Columns) -> Columns:
        """Return each channel by name, in order, from what `by_hour` gives."""
        changes = self._changes(hourly)
        return {name: changes[name] if name in changes else hourly[name] for name in self.names}

    def _changes(self, hourly: Columns) -> Columns:
        return {name: _change(hourly[base], lag) for name, (base, lag) in self._lagged.items()}

    def joined_by_hour(self, observations: Any) -> Any:
        """Return what `by_hour` gives, side by side: [n, hours, n_hourly_names]."""
        if run := self._run:
            return observations[:, :, run.start : run.stop]
        found = self.by_hour(observations)
        return _joined([found[name] for name in self.hourly_names])

    def scaled(self, hourly: Any) -> Any:
        """Return all channels, standardised, shape [n, context, n_channels], from what `joined_by_hour` gives."""
        from keras import layers, ops

        names, hourly_names, lagged = self.names, self.hourly_names, self._lagged
        x = hourly[:, :, : len(names) - len(lagged)]
        if lagged:
            columns = {name: hourly[:, :, hourly_names.index(name)] for name in dict(lagged.values())}
            first = names.index(next(iter(lagged)))
            pieces = [x[:, :, :first], _joined(list(self._changes(columns).values())), x[:, :, first:]]
            x = ops.concatenate([piece for piece in pieces if piece.shape[2]], axis=2)
        # Rescaling, not Normalization, whose constants ONNX export turns into further inputs of the model.
        return layers.Rescaling((1 / self.deviation).tolist(), offset=(-self.mean / self.deviation).tolist(), name="scale")(x)

    @property
    def _run(self) -> slice | None:
        """Where all that is read stands side by side in the input as it is, if it does: one slice in place of one a name."""
        places = [self.columns.get(name) for name in self.hourly_names]
        first = places[0]
        return slice(first, first + len(places)) if first is not None and places == [*range(first, first + len(places))] else None

    @staticmethod
    def _height(table: NDArray[np.float64], hour: Any, day: Any, ahead_hours: int) -> Any:
        """Return the sine of the sun's height so many hours later: a + b cos(hour angle), a and b by day of the year."""
        from keras import layers, ops

        constant = {"class_name": "Constant", "config": {"value": table.tolist()}}
        days = ops.mod(day + ahead_hours / 24, len(table))
        found = layers.Embedding(*table.shape, embeddings_initializer=constant, trainable=False)(days)  # [n, context, 3]
        angle = (hour + ahead_hours + found[:, :, 2] - 12) * (np.pi / 12)
        return found[:, :, 0] + found[:, :, 1] * ops.cos(angle)


def found_in(dataset: Dataset) -> tuple[dict[str, int], dict[str, Derivation]]:
    """Return the column of every variable and quantity that was measured, and how formulas give others, by name."""
    measured = measures(dataset.units, dataset.quantities)
    columns = {name: place for place, name in enumerate(dataset.features)}
    columns |= {other: columns[name] for other, name in stand_ins(measured).items()}
    return columns, derivations(dataset.units, measured)


def series(
    name: str, columns: Mapping[str, int], derived: Mapping[str, Derivation], at: Callable[[int], Any], ops: Any = np
) -> Any:
    """Return the values of a variable or quantity: those of its column, `at(place)`, or what its formula gives of others'."""
    if name in columns:
        return at(columns[name])
    how = derived[name]
    return how.of({each: series(each, columns, derived, at, ops) for each in how.inputs}, ops)


def _joined(channels: list[Any]) -> Any:
    """Return channels side by side, [n, context, n_channels]; stacked first, so that whole series are copied, then transposed."""
    from keras import ops

    return ops.transpose(ops.stack(channels, axis=1), (0, 2, 1))


def _change(series: Any, hours: int) -> Any:
    """Return values [n, context] less those so many hours before; less the window's first value where it begins later."""
    from keras import ops

    return series - ops.concatenate([ops.repeat(series[:, :1], hours, axis=1), series[:, :-hours]], axis=1)
