"""What a network on a table reads: one row of columns for each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.exported_table import ExportedTable
from tsflow.architectures.readings import Rows
from tsflow.architectures.tabular import Tabled
from tsflow.features.fitted_channels import FittedChannels
from tsflow.features.table import table_model
from tsflow.windows.dataset import Dataset

_WINDOWS = 2048  # whose columns are made at once
_EVERY = 7  # windows, of which one is taken for mean and deviation: in turn of every hour of the day


@dataclass(frozen=True)
class TableReading:
    """A table's columns, and behind them the target's value at the origin; one row a window."""

    channels: FittedChannels  # that the table is made of
    graph: Any  # Keras's, from observations to the table
    exported: ExportedTable  # the same, several times as fast
    names: list[str]
    target_index: int  # of the observations' columns
    mean: NDArray[np.float64]  # of each column of the table
    deviation: NDArray[np.float64]
    clip: float  # deviations beyond which a value counts as that far
    rows: int = 1
    target: None = None

    @classmethod
    def fit(cls, recipe: Tabled, dataset: Dataset, *, clip: float) -> TableReading:
        """Read means and deviations off the training part's windows."""
        recipe = recipe.on(dataset)
        channels = FittedChannels.fit(recipe.channels, dataset)
        graph = table_model(recipe.table, channels, dataset)
        exported = ExportedTable.of(graph)
        starts = dataset.starts("train")[::_EVERY]
        pieces = [exported(dataset.contexts(starts[at : at + _WINDOWS])) for at in range(0, len(starts), _WINDOWS)]
        columns = np.concatenate(pieces).astype(np.float64)
        deviation = columns.std(axis=0)
        deviation = np.where(deviation > 1e-6, deviation, 1.0)
        return cls(channels, graph, exported, recipe.table.names(), dataset.target_index, columns.mean(axis=0), deviation, clip)

    @property
    def width(self) -> int:
        """The table's columns, and the target."""
        return len(self.names) + 1

    @property
    def target_place(self) -> int:
        """The target is the last."""
        return len(self.names)

    def constants(self) -> list[NDArray[np.float64]]:
        """Return mean and deviation, and what was read off for the channels."""
        return [*self.channels.constants(), self.mean, self.deviation]

    def of_rows(self, rows: Rows) -> Rows:
        """Return the table's row of the window that begins at each row; zeros where none fits in any more."""
        context, found = self.exported.shape[0], np.zeros((len(rows), self.width), dtype=np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(rows, context, axis=0).transpose(0, 2, 1)
        for first in range(0, len(windows), _WINDOWS):
            contexts = np.ascontiguousarray(windows[first : first + _WINDOWS])
            found[first : first + len(contexts), :-1] = self.exported(contexts)
            found[first : first + len(contexts), -1] = contexts[:, -1, self.target_index]
        return found

    def of_observations(self, observations: Any) -> Any:
        """Return the same in the graph."""
        from keras import ops

        now = observations[:, -1, self.target_index : self.target_index + 1]
        return ops.expand_dims(ops.concatenate([self.graph(observations), now], axis=1), 1)

    def scaled(self, read: Any) -> Any:
        """Return the table's columns, standardised and clipped."""
        from keras import layers, ops

        scale = 1 / self.deviation
        x = layers.Rescaling(scale.tolist(), offset=(-self.mean * scale).tolist(), name="scale")(read[:, :, :-1])
        return ops.clip(x, -self.clip, self.clip)
