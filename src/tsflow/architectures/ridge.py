"""Ridge regression on a table, on products of its columns, and on both bent by season and hour of the day.

::

    table [n, m] with hour and day -> standardised, clipped -> B
    B | harmonics of year x day | B sin(year), B cos(year) | B sin(day), B cos(day) | products of chosen columns
      -> standardised -> linear -> change of the target from now

One linear model cannot know that falling pressure means frost in winter and rain in summer; columns times harmonics can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tsflow.architectures.exported_table import ExportedTable
from tsflow.architectures.exporting import export
from tsflow.architectures.graphs import chain, weighted_sum
from tsflow.architectures.magnitude import degree
from tsflow.architectures.penalised import Coefficients, Reweighing, by_absolute_error, by_squared_error
from tsflow.architectures.recency import HalfLife, recency
from tsflow.architectures.registry import register
from tsflow.architectures.tabular import Tabular, apply
from tsflow.features.channels import Channels
from tsflow.features.climate import Harmonics, harmonics
from tsflow.features.table import Table
from tsflow.records.found import Found, Penalty
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras

_BY_ABSOLUTE_ERROR = ("solves", "least_residual")
_ROWS = 4096  # that are expanded at once: each of the graph's steps holds all its columns of them


@dataclass(frozen=True)
class ExpandedTable:
    """The regression's columns: an exported table with the clock, and the Keras graph that expands it."""

    table: ExportedTable
    expansion: keras.Model

    @property
    def output_shape(self) -> Any:
        """Windows and columns, as Keras says it: `(None, width)`."""
        return self.expansion.output_shape

    def __call__(self, contexts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the columns of raw observations, shape [n, width]."""
        return self.of(self.table(contexts))

    def of(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the columns of rows of the table."""
        found = np.empty((len(values), self.output_shape[-1]), dtype=np.float32)
        for first in range(0, len(values), _ROWS):
            found[first : first + _ROWS] = self.expansion(values[first : first + _ROWS])
        return found


@dataclass(frozen=True)
class Linear:
    """A fitted regression."""

    columns: ExpandedTable
    coefficients: Coefficients
    target_index: int
    found: Penalty

    @property
    def parameters(self) -> int:
        """Coefficients and intercept."""
        return len(self.coefficients.kernel) + 1

    def predict(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast in degC, shape [n]."""
        return contexts[:, -1, self.target_index] + self.coefficients.of(self.columns(contexts))

    def to_onnx(self) -> bytes:
        """Chain the table's graph with the regression's and add the value at the origin."""
        import keras
        from onnx import load_from_string

        head, table = keras.layers.Dense(1, name="head"), self.columns.table
        model = keras.Model(self.columns.expansion.input, head(self.columns.expansion.output))
        head.set_weights([self.coefficients.kernel[:, None], np.array([self.coefficients.bias])])
        change = chain(table.onnx, load_from_string(export(model, reads="table")))
        return weighted_sum([change], [1.0], table.shape, (1.0, self.target_index))


@register("ridge")
class Ridge(Tabular):
    """A penalty on the squares of the coefficients, chosen among `alphas` on the validation part."""

    loss: Literal["mse", "mae"] = "mse"  # mae: by absolute error, as forecasts are judged
    solves: Annotated[int, Field(ge=1)] = 5  # of the normal equations, by absolute error; each reads all windows once
    least_residual: Annotated[float, Field(gt=0)] = 1.0  # degrees, or what they are to another target; smaller ones weigh no more
    half_life_days: HalfLife = None

    alphas: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)] = [1e3, 3e3, 1e4, 3e4]
    weighed_by: Annotated[float, Field(gt=0)] | None = None  # the penalty by whose residuals rows weigh; None: the middle one
    clip: Annotated[float, Field(gt=0)] = 4.0  # deviations; a product of two rare values would carry the fit
    seasonal: bool = True  # every column times the first harmonic of the year too
    diurnal: bool = True  # and of the day
    calendar: Harmonics = Harmonics(year=2, day=2)
    products: list[str] = []  # columns whose squares and products come too

    @model_validator(mode="after")
    def _products_are_columns(self) -> Self:
        names = self.table.names()
        if lacking := [name for name in self.products if name not in names]:
            msg = f"products: no column {', '.join(lacking)} in the table; it has {', '.join(names)}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _only_by_absolute_error(self) -> Self:
        if self.loss == "mse" and (said := [name for name in _BY_ABSOLUTE_ERROR if not self.is_default(name)]):
            msg = f"{said[0]} is loss mae's only; leave it out, or write `loss: mae`"
            raise ValueError(msg)
        return self

    def _made_of(self, channels: Channels) -> dict[str, object]:
        parts = super()._made_of(channels)
        there = {*Table.model_validate(parts["table"]).names()}
        return {**parts, "products": [name for name in self.products if name in there]}

    def settled(self, found: Found, growth: float = 1.0) -> Self:
        """Return the recipe with its penalty fixed, and by which one rows are weighed."""
        if not isinstance(found, Penalty):
            return self
        return self.changed(alphas=[found.alpha], weighed_by=self._weighing)

    @property
    def _weighing(self) -> float:
        return self.weighed_by or self.alphas[len(self.alphas) // 2]

    def fit(self, dataset: Dataset, *, seed: int) -> Linear:
        """Fit on the training part; `seed` is not used.

        The intercept is the median of what is left, as forecasts are judged by their absolute error.
        """
        table = ExportedTable.of(_with_clock(self.columns(dataset)))
        values = apply(table, dataset, "train")
        expanded = ExpandedTable(table, self.expansion(values, dataset))
        chosen, coefficients = self._best(expanded.of(values), expanded, dataset)
        return Linear(expanded, coefficients, dataset.target_index, Penalty(alpha=chosen))

    def _best(self, columns: NDArray[np.float32], expanded: ExpandedTable, dataset: Dataset) -> tuple[float, Coefficients]:
        """Return the penalty with the least error on validation, and its coefficients; without a choice the first."""
        judged = len(self.alphas) > 1 and len(dataset.starts("validation")) > 0
        alphas, change = self.alphas if judged else self.alphas[:1], dataset.changes("train")
        unit, weights = degree(change), recency(dataset, self.half_life_days)
        if self.loss == "mae":
            how = Reweighing(self.solves, self.least_residual, self._weighing)
            tried = by_absolute_error(columns, change / unit, alphas, how, weights=weights)
        else:
            tried = by_squared_error(columns, change / unit, alphas, weights=weights)
        tried = [one.scaled(unit) for one in tried]
        if not judged:
            return alphas[0], tried[0]
        unseen, truth = apply(expanded, dataset, "validation"), dataset.changes("validation")
        errors = [float(np.abs(one.of(unseen) - truth).mean()) for one in tried]
        best = int(np.argmin(errors))
        return alphas[best], tried[best]

    def expansion(self, values: NDArray[np.float32], dataset: Dataset) -> keras.Model:
        """Return the graph from a table with the clock to the regression's columns; `values`: that table of the training part."""
        import keras
        from keras import layers, ops

        names, entry = self.table.names(), keras.Input(values.shape[1:], name="table")
        known = values[:, : len(names)].astype(np.float64)
        deviation = known.std(axis=0)
        scale = 1 / np.where(deviation > 1e-6, deviation, 1.0)
        base = layers.Rescaling(scale.tolist(), offset=(-known.mean(axis=0) * scale).tolist())(entry[:, : len(names)])
        base = ops.clip(base, -self.clip, self.clip)
        clock = entry[:, -2:-1], entry[:, -1:]  # hour, day: [n, 1]
        found = [base, *harmonics(*clock, self.calendar.within(dataset), product=True).values()]
        bends = harmonics(*clock, Harmonics(year=int(self.seasonal), day=int(self.diurnal)).within(dataset))
        found += [base * bend for bend in bends.values()]
        if self.products:
            at = [names.index(name) for name in self.products]
            pairs = [(a, b) for place, a in enumerate(at) for b in at[: place + 1]]
            found.append(ops.take(base, [a for a, _ in pairs], axis=1) * ops.take(base, [b for _, b in pairs], axis=1))
        return keras.Model(entry, layers.Concatenate()(found))


def _with_clock(table: keras.Model) -> keras.Model:
    """Return a table with hour of the day and day of the year of each row as last columns."""
    import keras

    return keras.Model(table.input, keras.layers.Concatenate()([table.output, table.input[:, -1, -2:]]), name="table")
