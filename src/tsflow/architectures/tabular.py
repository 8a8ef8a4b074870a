"""What models that read a table share."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from tsflow.architectures.channelled import Channelled
from tsflow.architectures.registry import Estimator
from tsflow.features.channels import Channels
from tsflow.features.fitted_channels import FittedChannels
from tsflow.features.table import Table, table_model
from tsflow.records.dataset import Part
from tsflow.task import Task
from tsflow.windows.dataset import Dataset

if TYPE_CHECKING:
    import keras

_BATCH = 2048


class Tabled(Channelled):
    """A family that reads a table of columns."""

    table: Table

    @model_validator(mode="after")
    def _table_has_its_channels(self) -> Self:
        # which variables there are by default, only a station says
        if self.channels.measured is not None and (msg := self.table.unknown(self.channels.names(self.channels.measured))):
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _table_says_what_is_read(self) -> Self:
        if said := [key for key in ("context_hours", "context_hours_at_most") if getattr(self, key) is not None]:
            msg = f"{said[0]}: the table says which hours are read; leave it out"
            raise ValueError(msg)
        return self

    def within(self, names: Collection[str], helpful: Collection[str] = ()) -> Self:
        """Return the recipe with the channels that a station gives, and the columns that are made of them."""
        channels = self.channels.within(names, helpful)
        return self if channels is self.channels else self.changed(**self._made_of(channels))

    def _made_of(self, channels: Channels) -> dict[str, object]:
        """Return the fields that follow from other channels; no `measured` means all there is, but for what was left out."""
        if channels.measured is None:
            kept = self.table.channels() - ({*self.channels.optional} - {*channels.optional})
        else:
            kept = {*channels.names(channels.measured)}
        return {"channels": channels, "table": self.table.within(kept)}

    def reading_target(self, dataset: Dataset) -> Self:
        """As `Channelled.reading_target`; if the table has the target nowhere as it is now, it gets some columns of it."""
        there, names = super().reading_target(dataset), self.names_of_target(dataset)
        if names & {*there.table.now}:
            return there
        name = next(each for each in there.channels.measured or [dataset.target] if each in names)
        return there.changed(table=there.table.with_course_of(name, dataset.task))

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless the context holds all hours that channels and table read."""
        super().require_task(task)
        if msg := self.channels.beyond(task) or self.table.beyond(task):
            self.refuse(msg)

    def columns(self, dataset: Dataset) -> keras.Model:
        """Return the graph from raw observations to the table, with constants of the training part."""
        return table_model(self.table, FittedChannels.fit(self.channels, dataset), dataset)


class Tabular(Tabled, Estimator):
    """A family that reads a table of columns, is fitted in one go and forecasts the change of the target from now."""

    def effort(self, max_epochs: int | None = None) -> float:
        """Return about how many seconds a training takes; it has no epochs."""
        return 25.0


class Columns(Protocol):
    """A graph from raw observations to columns: Keras's, or one that was exported."""

    @property
    def output_shape(self) -> Any:
        """Windows and columns, as Keras says it: `(None, width)`."""
        ...

    def __call__(self, contexts: NDArray[np.float32]) -> Any:
        """Return the columns of raw observations, shape [n, width]."""
        ...


def apply(graph: Columns, dataset: Dataset, part: Part) -> NDArray[np.float32]:
    """Return what a graph gives for each window of a part, shape [n_windows, width of its output]."""
    found = np.empty((len(dataset.starts(part)), graph.output_shape[-1]), dtype=np.float32)
    for number, contexts in enumerate(dataset.batches(part, _BATCH)):
        found[number * _BATCH : number * _BATCH + len(contexts)] = graph(contexts)
    return found
