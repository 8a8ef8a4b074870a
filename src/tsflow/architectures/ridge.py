"""Ridge regression on a table, on products of its columns, and on both bent by season and hour of the day.

::

    table [n, m] -> standardised, clipped -> B
    B | harmonics of year x day | B sin(year), B cos(year) | B sin(day), B cos(day) | products of chosen columns
      -> standardised -> linear -> change of the target from now

One linear model cannot know that falling pressure means frost in winter and rain in summer; columns times harmonics can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tsflow.architectures.penalised import Coefficients, Reweighing, by_absolute_error, by_squared_error
from tsflow.architectures.recency import HalfLife, recency
from tsflow.architectures.registry import register
from tsflow.architectures.tabular import GraphForecast, Tabular, apply, changes
from tsflow.features.channels import Channels
from tsflow.features.climate import Harmonics, harmonics
from tsflow.features.table import Table
from tsflow.records.found import Found, Penalty
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras


@register("ridge")
class Ridge(Tabular):
    """A penalty on the squares of the coefficients, chosen among `alphas` on the validation part."""

    loss: Literal["mse", "mae"] = "mse"  # mae: by absolute error, as forecasts are judged
    solves: Annotated[int, Field(ge=1)] = 5  # of the normal equations, by absolute error; each reads all windows once
    least_residual: Annotated[float, Field(gt=0)] = 1.0  # in the target's unit; smaller ones weigh no more, by absolute error
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

    def fit(self, dataset: Dataset, *, seed: int) -> GraphForecast:
        """Fit on the training part; `seed` is not used.

        The intercept is the median of what is left, as forecasts are judged by their absolute error.
        """
        expanded = self.expansion(dataset)
        chosen, coefficients = self._best(apply(expanded, dataset, "train"), expanded, dataset)
        model = self._forecast(expanded, coefficients, dataset)
        return GraphForecast(model, len(coefficients.kernel) + 1, found=Penalty(alpha=chosen))

    def _best(self, columns: NDArray[np.float32], expanded: keras.Model, dataset: Dataset) -> tuple[float, Coefficients]:
        """Return the penalty with the least error on validation, and its coefficients; without a choice the first."""
        judged = len(self.alphas) > 1 and len(dataset.starts("validation")) > 0
        alphas, change = self.alphas if judged else self.alphas[:1], changes(dataset, "train")
        weights = recency(dataset, self.half_life_days)
        if self.loss == "mae":
            how = Reweighing(self.solves, self.least_residual, self._weighing)
            tried = by_absolute_error(columns, change, alphas, how, weights=weights)
        else:
            tried = by_squared_error(columns, change, alphas, weights=weights)
        if not judged:
            return alphas[0], tried[0]
        unseen, truth = apply(expanded, dataset, "validation"), changes(dataset, "validation")
        errors = [float(np.abs(one.of(unseen) - truth).mean()) for one in tried]
        best = int(np.argmin(errors))
        return alphas[best], tried[best]

    def expansion(self, dataset: Dataset) -> keras.Model:
        """Return the graph from raw observations to all columns of the regression."""
        import keras
        from keras import layers, ops

        names = self.table.names()
        table = self.columns(dataset)
        values = apply(table, dataset, "train").astype(np.float64)
        deviation = values.std(axis=0)
        scale = 1 / np.where(deviation > 1e-6, deviation, 1.0)
        base = layers.Rescaling(scale.tolist(), offset=(-values.mean(axis=0) * scale).tolist())(table.output)
        base = ops.clip(base, -self.clip, self.clip)
        now = table.input[:, -1, :]  # [n, n_columns]
        clock = now[:, -2:-1], now[:, -1:]  # hour, day: [n, 1]
        found = [base, *harmonics(*clock, self.calendar.within(dataset), product=True).values()]
        bends = harmonics(*clock, Harmonics(year=int(self.seasonal), day=int(self.diurnal)).within(dataset))
        found += [base * bend for bend in bends.values()]
        if self.products:
            at = [names.index(name) for name in self.products]
            pairs = [(a, b) for place, a in enumerate(at) for b in at[: place + 1]]
            found.append(ops.take(base, [a for a, _ in pairs], axis=1) * ops.take(base, [b for _, b in pairs], axis=1))
        return keras.Model(table.input, layers.Concatenate()(found))

    @staticmethod
    def _forecast(expanded: keras.Model, coefficients: Coefficients, dataset: Dataset) -> keras.Model:
        import keras

        head = keras.layers.Dense(1, name="head")
        change = head(expanded.output)
        at = dataset.target_index
        forecast = keras.layers.Add(name="forecast")([change, expanded.input[:, -1, at : at + 1]])
        model = keras.Model(expanded.input, forecast)
        head.set_weights([coefficients.kernel[:, None], np.array([coefficients.bias])])
        return model
