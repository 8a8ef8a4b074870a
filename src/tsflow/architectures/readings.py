"""What a network reads of raw observations: channels of each hour, or one row of a table's columns for the whole window.

Either way it is made once for all windows of a training, and what is served makes it in its own graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.exported_table import ExportedTable
from tsflow.architectures.tabular import Tabled
from tsflow.features.fitted_channels import FittedChannels
from tsflow.windows.dataset import Dataset

Rows = NDArray[np.float32]

_WINDOWS = 2048  # whose columns are made at once
_EVERY = 7  # windows, of which one is taken for mean and deviation: in turn of every hour of the day


class Reading(Protocol):
    """How a network's input is made and standardised, with constants of the training part."""

    @property
    def rows(self) -> int:
        """How many rows of input a window has."""
        ...

    @property
    def width(self) -> int:
        """How many values such a row has."""
        ...

    @property
    def names(self) -> list[str]:
        """What `scaled` gives, in order."""
        ...

    @property
    def target(self) -> str | None:
        """Which of the names is the target's measured value, if one is."""
        ...

    @property
    def target_place(self) -> int:
        """Where in a row of input the target's measured value stands, in its unit."""
        ...

    def constants(self) -> list[NDArray[np.float64]]:
        """Return everything that was read off the training part."""
        ...

    def of_rows(self, rows: Rows) -> Rows:
        """Return what is read of each row, [n, width] of observations [n, columns]: its hour, or the window that begins there."""
        ...

    def of_observations(self, observations: Any) -> Any:
        """Return tensors [n, rows, width] of observations [n, context, columns]."""
        ...

    def scaled(self, read: Any) -> Any:
        """Return it standardised, [n, rows, len(names)]."""
        ...


@dataclass(frozen=True)
class HourlyReading:
    """Channels of each hour; what depends on the window, changes and scaling, is left to the network."""

    channels: FittedChannels
    rows: int  # the context
    columns: int  # of the observations

    @property
    def width(self) -> int:
        """Columns by hour."""
        return len(self.channels.hourly_names)

    @property
    def names(self) -> list[str]:
        """The channels."""
        return self.channels.names

    @property
    def target(self) -> str | None:
        """The target's channel."""
        return self.channels.target

    @property
    def target_place(self) -> int:
        """Where the target stands by hour."""
        return self.channels.target_place

    def constants(self) -> list[NDArray[np.float64]]:
        """Return those of the channels."""
        return self.channels.constants()

    def of_rows(self, rows: Rows) -> Rows:
        """Return what each hour's row alone tells."""
        import keras

        observations = keras.Input((None, self.columns))
        hourly = keras.Model(observations, self.of_observations(observations))
        return np.asarray(hourly(rows[None])[0])

    def of_observations(self, observations: Any) -> Any:
        """Return the same in the graph."""
        return self.channels.joined_by_hour(observations)

    def scaled(self, read: Any) -> Any:
        """Return all channels, standardised."""
        return self.channels.scaled(read)


@dataclass(frozen=True)
class TableReading:
    """A table's columns, and behind them the target's value at the origin; one row a window."""

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
        graph = recipe.columns(dataset)
        exported = ExportedTable.of(graph)
        starts = dataset.starts("train")[::_EVERY]
        pieces = [exported(dataset.contexts(starts[at : at + _WINDOWS])) for at in range(0, len(starts), _WINDOWS)]
        columns = np.concatenate(pieces).astype(np.float64)
        deviation = columns.std(axis=0)
        deviation = np.where(deviation > 1e-6, deviation, 1.0)
        return cls(graph, exported, recipe.table.names(), dataset.target_index, columns.mean(axis=0), deviation, clip)

    @property
    def width(self) -> int:
        """The table's columns, and the target."""
        return len(self.names) + 1

    @property
    def target_place(self) -> int:
        """The target is the last."""
        return len(self.names)

    def constants(self) -> list[NDArray[np.float64]]:
        """Return mean and deviation."""
        return [self.mean, self.deviation]

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
