"""Boosted trees that forecast quantiles, beside those that give the forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.graphs import sorted_quantiles
from tsflow.architectures.tabular import Columns
from tsflow.records.found import Rounds

if TYPE_CHECKING:
    import lightgbm


class Trees(Protocol):
    """Fitted trees that forecast in degC."""

    @property
    def parameters(self) -> int:
        """Values of all leaves."""
        ...

    @property
    def found(self) -> Rounds:
        """After how many rounds validation was best."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Context and columns of the observations."""
        ...

    @property
    def table(self) -> Columns:
        """What makes the columns that all of them read."""
        ...

    def predict(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast in degC, shape [n]."""
        ...

    def on_columns(self, columns: NDArray[np.float32], contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast in degC, shape [n], from a table that was made already."""
        ...

    def to_onnx(self) -> bytes:
        """Return the model as ONNX."""
        ...

    def of(self, booster: lightgbm.Booster) -> Trees:
        """Return the same with another booster."""
        ...


@dataclass(frozen=True)
class QuantileTrees:
    """A forecast by trees, and by others of the same table the quantiles on both sides of it."""

    point: Trees
    others: dict[float, lightgbm.Booster]  # by level, rising; without the median, which is the forecast

    @property
    def quantile_levels(self) -> tuple[float, ...]:
        """The levels, rising."""
        return tuple(sorted([0.5, *self.others]))

    @property
    def parameters(self) -> int:
        """Values of all leaves."""
        return self.point.parameters + sum(self.point.of(booster).parameters for booster in self.others.values())

    @property
    def found(self) -> Rounds:
        """After how many rounds validation was best, of the forecast and of each quantile."""
        rounds = [booster.best_iteration or booster.current_iteration() for booster in self.others.values()]
        return self.point.found.changed(quantiles=rounds)

    def predict(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast in degC, shape [n]."""
        return self.point.predict(contexts)

    def predict_quantiles(self, contexts: NDArray[np.float32], forecasts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Forecast the quantiles in degC, shape [n, n_levels], each row sorted; `forecasts`: what `predict` gave, shape [n]."""
        columns = self.point.table(contexts)
        others = [self.point.of(booster).on_columns(columns, contexts) for booster in self.others.values()]
        return np.sort([forecasts, *others], axis=0).T

    def to_onnx(self) -> bytes:
        """Put all trees into one graph, with `quantiles` beside `forecast`."""
        others = [self.point.of(booster).to_onnx() for booster in self.others.values()]
        return sorted_quantiles(self.point.to_onnx(), others, self.point.shape)
