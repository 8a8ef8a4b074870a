"""Forecasts that are affine in the context's target values: what a linear time-series model with fixed parameters is.

::

    context of the target     y_1 y_2 ... y_120                        y_144
    forecast                  w_1 y_1 + w_2 y_2 + ... + w_120 y_120 + c
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.graphs import to_bytes
from tsflow.errors import NotEnoughData, TrainingError
from tsflow.windows.dataset import Dataset

AGREEMENT = 1e-6  # of the map with the library's own forecast, relative to the context's largest value


@dataclass(frozen=True)
class AffineForecast:
    """A weight for each of the context's target values, and a constant in degC."""

    weights: NDArray[np.float64]  # [context_hours]
    constant: float
    columns: int  # of the input
    target_index: int
    parameters: int

    @classmethod
    def of(cls, dataset: Dataset, weights: NDArray[np.float64], constant: float, *, parameters: int) -> Self:
        """Let the last `len(weights)` rows of a dataset's contexts count, and those before them not."""
        ignored = np.zeros(dataset.task.context_hours - len(weights))
        return cls(np.concatenate([ignored, weights]), constant, len(dataset.columns), dataset.target_index, parameters)

    def predict(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast in degC, shape [n]."""
        forecast: NDArray[np.float64] = contexts[:, :, self.target_index].astype(np.float64) @ self.weights + self.constant
        return forecast

    def to_onnx(self) -> bytes:
        """Return the target's column times the weights, plus the constant."""
        from onnx import TensorProto, helper

        hours = len(self.weights)
        graph = helper.make_graph(
            [
                helper.make_node("Gather", ["observations", "target"], ["values"], axis=2),
                helper.make_node("MatMul", ["values", "weights"], ["weighted"]),
                helper.make_node("Add", ["weighted", "constant"], ["forecast"]),
            ],
            "affine",
            [helper.make_tensor_value_info("observations", TensorProto.FLOAT, ["n", hours, self.columns])],
            [helper.make_tensor_value_info("forecast", TensorProto.FLOAT, ["n", 1])],
            [
                helper.make_tensor("target", TensorProto.INT64, [], [self.target_index]),
                helper.make_tensor("weights", TensorProto.FLOAT, [hours, 1], self.weights.tolist()),
                helper.make_tensor("constant", TensorProto.FLOAT, [], [self.constant]),
            ],
        )
        return to_bytes(graph)


def affine_map(
    forecast: Callable[[NDArray[np.float64]], float], around: NDArray[np.float64], check: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return weights [n] and constant of a forecast that is affine in its context, from its answers to unit impulses.

    Parameters
    ----------
    forecast
        From a context, shape [n], to one value; a library's own filter with fixed parameters.
    around
        A real context, shape [n], to which the impulses are added: of zeros alone a library may take the likelihood's logarithm.
    check
        Another real context, shape [n], on which the map must give what `forecast` gives.

    Raises
    ------
    TrainingError
        If it does not: then the forecast is not affine, and no map stands for it.
    """
    middle = forecast(around)
    weights = np.array([forecast(around + impulse) - middle for impulse in np.eye(len(around))])
    constant = float(middle - around @ weights)
    expected, found = forecast(check), float(check @ weights + constant)
    if not abs(found - expected) <= AGREEMENT * max(1.0, float(np.abs(check).max())):
        msg = (
            f"from a context of the training rows the library forecasts {expected:.8g}, its affine map {found:.8g}: "
            f"the model is not linear in its context; use additive terms, or report it with the library's version"
        )
        raise TrainingError(msg)
    return weights, constant


def last_unbroken(dataset: Dataset, hours: int, *, at_least: int) -> NDArray[np.float64]:
    """Return the target of the newest `hours` training rows without a gap, shape [at most `hours`].

    Of the record's unbroken segments the newest that is long enough counts; where none is, the longest.

    Raises
    ------
    NotEnoughData
        If that one has fewer than `at_least` rows.
    """
    segments = dataset.frame["segment"].to_numpy(dtype=np.int64)[: dataset.bounds.a]
    edges = np.concatenate([[0], np.flatnonzero(np.diff(segments)) + 1, [len(segments)]])
    lengths = np.minimum(np.diff(edges), hours)
    chosen = len(lengths) - 1 - int(np.argmax(lengths[::-1]))
    if lengths[chosen] < at_least:
        msg = (
            f"the longest stretch of training rows without a gap has {lengths[chosen]} hours, needed are {at_least}; "
            f"ingest a longer record"
        )
        raise NotEnoughData(msg)
    after = int(edges[chosen + 1])
    return dataset.values[after - int(lengths[chosen]) : after, dataset.target_index]
