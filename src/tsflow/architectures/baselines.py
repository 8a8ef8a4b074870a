"""Forecasts without training, against which skill is measured."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.graphs import to_bytes
from tsflow.architectures.registry import Estimator, register
from tsflow.windows.dataset import Dataset


@dataclass(frozen=True)
class Persistence:
    """The target's last value in the context, carried forward."""

    context_hours: int
    columns: int
    target_index: int
    parameters: int = 0

    def predict(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast in degC, shape [n]."""
        return contexts[:, -1, self.target_index].astype(np.float64)

    def to_onnx(self) -> bytes:
        """Two gathers: the last row, then the target's column."""
        from onnx import TensorProto, helper

        shape = ["n", self.context_hours, self.columns]
        graph = helper.make_graph(
            [
                helper.make_node("Gather", ["observations", "last"], ["row"], axis=1),
                helper.make_node("Gather", ["row", "target"], ["forecast"], axis=1),
            ],
            "naive",
            [helper.make_tensor_value_info("observations", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("forecast", TensorProto.FLOAT, ["n", 1])],
            [
                helper.make_tensor("last", TensorProto.INT64, [], [self.context_hours - 1]),
                helper.make_tensor("target", TensorProto.INT64, [1], [self.target_index]),
            ],
        )
        return to_bytes(graph)


@register("naive")
class Naive(Estimator):
    """The temperature in 24 hours is the temperature now: a random walk without drift."""

    def fit(self, dataset: Dataset, *, seed: int) -> Persistence:
        """Nothing is fitted; `seed` is not used."""
        return Persistence(dataset.task.context_hours, len(dataset.columns), dataset.target_index)
