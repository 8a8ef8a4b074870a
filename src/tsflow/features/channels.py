"""Channels: the series that a model reads, one value an hour, chosen by name in an architecture's YAML.

::

    observations [n, context, columns]          raw units, and the clock
      measured        p, T, ...                 as they are, or by a formula: the dew point of temperature and humidity
      wind            wind_x, wind_y            speed and direction as a vector
      anomalies       T_anomaly                 minus the climatology of the training part
      changes         p_change_3                minus the value 3 hours before; inside the window, never before it
      calendar        year_sin_1, day_cos_2     harmonics; the year's are 0 unless the training rows cover one
      sun             sun, sun_ahead            sine of the sun's height, now and at the target's time
    -> channels [n, context, n_channels]

A name is a variable's of the station, or a quantity's: T finds whatever variable measures the air's temperature.
Everything is part of the model's graph, so that a consumer hands over raw rows and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Self

from pydantic import Field, model_validator

from tsflow.features.climate import Harmonics, harmonic_names
from tsflow.model import Strict
from tsflow.stations.quantities import quantity, screened_quantities
from tsflow.task import Task

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
    if_it_helps: list[str] = []  # and these also where a station's own past says that they do not help

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        for name, order in self.anomalies.items():
            if not (order.year or order.day):
                msg = f"anomalies.{name}: year or day must be 1 or more"
                raise ValueError(msg)
        may = {name for each in screened_quantities() for name in (each.short, each.name)}
        if never := [name for name in self.if_it_helps if name not in may]:
            msg = f"if_it_helps: nobody looks whether {', '.join(never)} helps; write it under if_there, or take one of "
            msg += ", ".join(sorted(may))
            raise ValueError(msg)
        if lacking := [name for name in self.if_it_helps if name not in self._named]:
            msg = f"if_it_helps: {', '.join(lacking)} is no channel; name it under measured or wind by the same name, too"
            raise ValueError(msg)
        if twice := sorted({name for name in self.measured or [] if (self.measured or []).count(name) > 1}):
            msg = f"measured: {', '.join(twice)} is named twice; name each once"
            raise ValueError(msg)
        if twice := sorted(name for name, lags in self.changes.items() if len(set(lags)) < len(lags)):
            msg = f"changes: {', '.join(twice)} has the same hours twice; name each once"
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
    def _wind(self) -> list[str]:
        return [self.wind.speed, self.wind.direction] if self.wind else []

    @property
    def _named(self) -> set[str]:
        changes = [name.removesuffix("_anomaly") for name in self.changes]
        return {*(self.measured or []), *self._wind, *self.anomalies, *changes} - {TARGET}

    @property
    def variables(self) -> set[str]:
        """The variables or quantities that must be there, but for the target."""
        return self._named - {*self.if_there, *self.if_it_helps}

    @property
    def optional(self) -> list[str]:
        """The channels that a station may lack, and those that are made of what it may lack."""
        return self.names([*self.if_there, *self.if_it_helps])

    def _in_wind_alone(self, name: str) -> bool:
        return name in self._wind and name not in {*(self.measured or []), *self.anomalies, *self.changes}

    def within(self, names: Collection[str], helpful: Collection[str] = ()) -> Channels:
        """Return the channels without those of `if_there` that are not among `names`, and of `if_it_helps` not among `helpful`.

        `helpful`: short names of quantities.
        """
        helps = {name for short in helpful for name in (short, quantity(short).name)}
        out = {name for name in self.if_there if name not in names} | {name for name in self.if_it_helps if name not in helps}
        if not out:
            return self
        wind = None if self.wind and out & {self.wind.speed, self.wind.direction} else self.wind
        return self.changed(
            measured=None if self.measured is None else [name for name in self.measured if name not in out],
            wind=wind,
            anomalies={name: order for name, order in self.anomalies.items() if name not in out},
            changes={name: lags for name, lags in self.changes.items() if name.removesuffix("_anomaly") not in out},
            if_there=[name for name in self.if_there if name not in out],
            if_it_helps=[name for name in self.if_it_helps if name not in out and (wind or not self._in_wind_alone(name))],
        )
