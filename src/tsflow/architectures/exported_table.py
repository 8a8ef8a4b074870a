"""A table of columns as it is served: a Keras graph that was exported once, and is run by what serves it.

A tree branches at exact values. Keras and ONNX Runtime add up single precision in other orders, so that a column may differ in its
last bit and a forecast by a whole branch; trees are therefore grown on what ONNX Runtime gives. Ridge reads such a table, too, as
Keras takes several times as long to make it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.exporting import export
from tsflow.bundle.session import open_model

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class ExportedTable:
    """The graph from raw observations [n, context, n_columns] to a table [n, width]."""

    onnx: bytes
    shape: tuple[int, int]  # context and columns of the observations
    width: int
    _newest: list[NDArray[np.float32]] = field(default_factory=list, compare=False, repr=False)  # what was read, and its table

    @classmethod
    def of(cls, table: keras.Model) -> ExportedTable:
        """Export a Keras graph."""
        _, context, columns = table.input_shape
        return cls(export(table), (context, columns), table.output_shape[-1])

    @property
    def output_shape(self) -> tuple[None, int]:
        """Windows and columns, as Keras says it."""
        return None, self.width

    def __call__(self, contexts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the table of raw observations, shape [n, width]; of the same array again the same table, without making it."""
        newest = list(self._newest)  # another thread may change it meanwhile
        if not newest or newest[0] is not contexts:
            newest = [contexts, self._session.run(None, {"observations": contexts})[0]]
            self._newest[:] = newest
        return newest[1]

    @cached_property
    def _session(self) -> Any:
        return open_model(self.onnx)
