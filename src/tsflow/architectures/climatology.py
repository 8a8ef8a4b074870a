"""Climatology: what is usual at this hour of this day of the year, whatever the weather is now."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tsflow.architectures.graphs import to_bytes
from tsflow.architectures.registry import Estimator, register
from tsflow.bundle.calendar import CALENDAR, DAYS_PER_YEAR, calendar
from tsflow.windows.dataset import Dataset

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cycle:
    """1, cos 1, ..., cos K, sin 1, ..., sin K of a cycle; as cosines alone, so that one operation gives them all."""

    order: int  # K
    period: float

    @property
    def rates(self) -> NDArray[np.float64]:
        """Radians per unit of time, shape [2 K + 1]."""
        upward = np.arange(1, self.order + 1)
        return 2 * np.pi / self.period * np.concatenate([[0], upward, upward])

    def shifts(self, ahead: float) -> NDArray[np.float64]:
        """Radians to add so that the terms are those of `ahead` later, shape [2 K + 1]; sin x = cos(x - pi / 2)."""
        sines = np.repeat([0, -np.pi / 2], [self.order + 1, self.order])
        return np.asarray(sines + self.rates * ahead)

    def terms(self, times: NDArray[np.float64], ahead: float = 0.0) -> NDArray[np.float64]:
        """Return the terms at times [n], shape [n, 2 K + 1]."""
        return np.asarray(np.cos(times[:, None] * self.rates + self.shifts(ahead)))


@dataclass(frozen=True)
class CalendarForecast:
    """Harmonics of the year times harmonics of the day at the target's time, from the calendar of the origin's row."""

    year: Cycle
    day: Cycle
    coefficients: NDArray[np.float64]  # degC, [year's terms, day's terms]
    parameters: int
    context_hours: int
    horizon_hours: int
    columns: tuple[str, ...]
    year_shift_days: float = 0.0  # where the year's harmonics do not count from 1 January

    def _calendar(self) -> tuple[int, int]:
        hour, day = (self.columns.index(name) for name in CALENDAR)
        return hour, day

    @property
    def _days_ahead(self) -> float:
        return self.horizon_hours / 24 + self.year_shift_days

    def predict(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast in degC, shape [n]."""
        hours, days = (contexts[:, -1, column].astype(np.float64) for column in self._calendar())
        year, day = self.year.terms(days, self._days_ahead), self.day.terms(hours, self.horizon_hours)
        return np.asarray(((year @ self.coefficients) * day).sum(axis=1))

    def to_onnx(self) -> bytes:
        """The same in one graph: cosines of the origin's day and hour, a product with the coefficients, a sum."""
        from onnx import TensorProto, helper, numpy_helper

        hour, day = self._calendar()
        constants = {
            "year_rates": self.year.rates[None],
            "year_shifts": self.year.shifts(self._days_ahead)[None],
            "day_rates": self.day.rates[None],
            "day_shifts": self.day.shifts(self.horizon_hours)[None],
            "coefficients": self.coefficients,
        }
        nodes = [helper.make_node("Gather", ["observations", "last"], ["row"], axis=1)]
        for cycle, column in (("year", "day_of_year"), ("day", "hour_of_day")):
            nodes += [
                helper.make_node("Gather", ["row", f"{column}_column"], [column], axis=1),
                helper.make_node("Mul", [column, f"{cycle}_rates"], [f"{cycle}_run"]),
                helper.make_node("Add", [f"{cycle}_run", f"{cycle}_shifts"], [f"{cycle}_angles"]),
                helper.make_node("Cos", [f"{cycle}_angles"], [f"{cycle}_terms"]),
            ]
        nodes += [
            helper.make_node("MatMul", ["year_terms", "coefficients"], ["of_the_day"]),
            helper.make_node("Mul", ["of_the_day", "day_terms"], ["products"]),
            helper.make_node("ReduceSum", ["products", "across"], ["forecast"], keepdims=1),
        ]
        graph = helper.make_graph(
            nodes,
            "climatology",
            [helper.make_tensor_value_info("observations", TensorProto.FLOAT, ["n", self.context_hours, len(self.columns)])],
            [helper.make_tensor_value_info("forecast", TensorProto.FLOAT, ["n", 1])],
            [
                helper.make_tensor("last", TensorProto.INT64, [], [self.context_hours - 1]),
                helper.make_tensor("hour_of_day_column", TensorProto.INT64, [1], [hour]),
                helper.make_tensor("day_of_year_column", TensorProto.INT64, [1], [day]),
                helper.make_tensor("across", TensorProto.INT64, [1], [1]),
                *(numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()),
            ],
        )
        return to_bytes(graph)


@register("climatology")
class Climatology(Estimator):
    """Least squares of the training rows' target on harmonics of the year times harmonics of the day.

    The product lets the daily cycle differ between summer and winter. Unless training rows cover a year, the
    harmonics of the year are left out, and what remains is the mean day.

    Source: Wilks, Statistical Methods in the Atmospheric Sciences, on harmonic analysis and on climatology as the
    reference of skill.
    """

    year_harmonics: Annotated[int, Field(ge=0, le=20)] = 3
    day_harmonics: Annotated[int, Field(ge=0, le=11)] = 3

    def fit(self, dataset: Dataset, *, seed: int) -> CalendarForecast:
        """Solve the least squares; `seed` is not used."""
        whole = dataset.covers_a_year
        if not whole and self.year_harmonics:
            log.warning("%s: training rows do not cover a year; only the mean day is fitted", self.architecture)
        year = Cycle(self.year_harmonics if whole else 0, DAYS_PER_YEAR)
        day = Cycle(self.day_harmonics, 24.0)
        train = slice(dataset.bounds.a)
        hours, days = calendar(dataset.times[train]).T
        products = year.terms(days)[:, :, None] * day.terms(hours)[:, None, :]  # [n, year's terms, day's terms]
        terms = products.reshape(len(products), -1)
        solution, *_ = np.linalg.lstsq(terms, dataset.values[train, dataset.target_index], rcond=None)
        coefficients: NDArray[np.float64] = np.reshape(solution, products.shape[1:])
        return CalendarForecast(
            year=year,
            day=day,
            coefficients=coefficients,
            parameters=coefficients.size,
            context_hours=dataset.task.context_hours,
            horizon_hours=dataset.task.horizon_hours,
            columns=tuple(dataset.columns),
        )
