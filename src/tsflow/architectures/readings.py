"""What a network reads of raw observations: channels of each hour, or one row of a table's columns for the whole window.

Either way it is made once for all windows of a training, and what is served makes it in its own graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tsflow.features.fitted_channels import FittedChannels

Rows = NDArray[np.float32]


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
