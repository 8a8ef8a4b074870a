"""Tables: a window as one row of named columns, for models that know no order of time.

::

    channel T, context 120          t-119 ................ t-48 ...... t-24 ...... t
      now         T                                                                x
      lags        T_lag_24                                             x
      changes     T_change_24       x(t) - x(t-24)
      means       T_mean_24                                             |---------->|
      departures  T_departure_24    that mean - x(t)
      maxima      wv_max_24, minima
      curvatures  p_curvature_3     x(t) - 2 x(t-3) + x(t-6)
      days        T_day_0_max ...   of each of the last days, less x(t); range is not relative
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tsflow.errors import SettingsError
from tsflow.features.channels import Hours
from tsflow.features.climate import Columns
from tsflow.features.fitted_channels import FittedChannels
from tsflow.model import Strict
from tsflow.task import Task
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras

_CHANGES = [1, 2, 3, 6, 12, 18, 23, 24, 48, 72]  # hours, of a channel of which a recipe says nothing
_MEANS = [6, 24, 72]

ByChannel = dict[str, list[Hours]]
DayStatistic = Literal["mean", "max", "min", "range"]


class Table(Strict):
    """Columns, by the names of channels and hours."""

    now: list[str] = []
    lags: ByChannel = {}
    changes: ByChannel = {}
    means: ByChannel = {}
    departures: ByChannel = {}
    maxima: ByChannel = {}
    minima: ByChannel = {}
    curvatures: ByChannel = {}
    days: dict[str, list[DayStatistic]] = {}
    days_back: Annotated[int, Field(ge=1)] = 5  # how many days `days` reaches back

    @model_validator(mode="after")
    def _has_columns(self) -> Self:
        if not self.names():
            msg = "the table has no column; name channels under now, lags, changes, means, departures, maxima, minima or days"
            raise ValueError(msg)
        return self

    def channels(self) -> set[str]:
        """Return the channels that are read."""
        by_hours = (self.lags, self.changes, self.means, self.departures, self.maxima, self.minima, self.curvatures, self.days)
        return {*self.now, *(name for kind in by_hours for name in kind)}

    def within(self, channels: Collection[str]) -> Table:
        """Return the columns that are made of these channels alone."""
        by_channel = {kind: getattr(self, kind) for kind in (*_FIELDS.values(), "days")}
        kept = {kind: {name: many for name, many in each.items() if name in channels} for kind, each in by_channel.items()}
        return self.changed(now=[name for name in self.now if name in channels], **kept)

    def with_course_of(self, name: str, task: Task) -> Table:
        """Return the table with what a channel is now, how it came there, and what it is on average."""
        hours = task.context_hours
        changes = [lag for lag in _CHANGES if lag < hours] if name not in self.changes else self.changes[name]
        means = [span for span in _MEANS if span <= hours] if name not in self.means else self.means[name]
        return self.changed(now=[*self.now, name], changes={**self.changes, name: changes}, means={**self.means, name: means})

    def names(self) -> list[str]:
        """Return the columns' names, in order."""
        names = list(self.now)
        for kind in ("lag", "change", "mean", "departure", "max", "min", "curvature"):
            by_channel: ByChannel = getattr(self, _FIELDS[kind])
            names += [f"{channel}_{kind}_{hours}" for channel, many in by_channel.items() for hours in many]
        for channel, statistics in self.days.items():
            names += [f"{channel}_day_{day}_{statistic}" for statistic in statistics for day in range(self.days_back)]
        return names

    def unknown(self, known: list[str]) -> str | None:
        """Say which channels of the table are not there, if any."""
        lacking = sorted(self.channels() - set(known))
        return f"table: no channel {', '.join(lacking)}; the channels are {', '.join(known)}" if lacking else None

    def beyond(self, task: Task) -> str | None:
        """Say which column reaches further back than the context, if any."""
        context = task.context_hours
        points = [hours + 1 for kind in (self.lags, self.changes) for many in kind.values() for hours in many]
        points += [2 * hours + 1 for many in self.curvatures.values() for hours in many]
        spans = [
            hours for kind in (self.means, self.departures, self.maxima, self.minima) for many in kind.values() for hours in many
        ]
        furthest = max([1, *points, *spans, 24 * self.days_back if self.days else 1])
        if furthest <= context:
            return None
        return f"table: a column reads {furthest} hours, the context has {context}; take fewer hours or days_back"

    def columns(self, channels: Columns) -> Any:
        """Return the columns [n, n_columns_of_the_table] from channels [n, context] by name."""
        from keras import layers, ops

        series = {name: channels[name] for name in self.channels()}
        last = {name: x[:, -1:] for name, x in series.items()}  # [n, 1]

        def at(name: str, lags: list[int]) -> Any:
            context = series[name].shape[1]
            return ops.take(series[name], [context - 1 - lag for lag in lags], axis=1)  # [n, len(lags)]

        found = [last[name] for name in self.now]
        found += [at(name, lags) for name, lags in self.lags.items()]
        found += [last[name] - at(name, lags) for name, lags in self.changes.items()]
        for over, relative, by_channel in (
            (ops.mean, False, self.means),
            (ops.mean, True, self.departures),
            (ops.max, False, self.maxima),
            (ops.min, False, self.minima),
        ):
            for name, many in by_channel.items():
                for hours in many:
                    value = over(series[name][:, -hours:], axis=1, keepdims=True)
                    found.append(value - last[name] if relative else value)
        for name, many in self.curvatures.items():
            found.append(last[name] - 2 * at(name, many) + at(name, [2 * hours for hours in many]))
        for name, statistics in self.days.items():
            days = ops.reshape(series[name][:, -24 * self.days_back :], (-1, self.days_back, 24))
            latest_first = list(range(self.days_back - 1, -1, -1))
            values = {"mean": ops.mean(days, axis=2), "max": ops.max(days, axis=2), "min": ops.min(days, axis=2)}
            for statistic in statistics:
                x = values["max"] - values["min"] if statistic == "range" else values[statistic] - last[name]
                found.append(ops.take(x, latest_first, axis=1))
        return layers.Concatenate()(found) if len(found) > 1 else found[0]


_FIELDS = {
    "lag": "lags",
    "change": "changes",
    "mean": "means",
    "departure": "departures",
    "max": "maxima",
    "min": "minima",
    "curvature": "curvatures",
}


def table_model(table: Table, channels: FittedChannels, dataset: Dataset) -> keras.Model:
    """Return the graph from raw observations [n, context, n_columns] to the table [n, n_columns_of_the_table].

    Raises
    ------
    SettingsError
        If the table names a channel that is not there, or reads beyond the context.
    """
    import keras

    observations = keras.Input((dataset.task.context_hours, len(dataset.columns)), name="observations")
    raw = channels.raw(observations)
    if msg := table.unknown(list(raw)) or table.beyond(dataset.task):
        raise SettingsError(msg)
    return keras.Model(observations, table.columns(raw), name="table")
