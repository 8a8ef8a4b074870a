"""What networks and tables share: they read channels of a window."""

from typing import Self

from pydantic import ValidationError

from tsflow.architectures.registry import Architecture
from tsflow.errors import EntrantSkipped
from tsflow.features.channels import TARGET, Channels
from tsflow.features.fitted_channels import found_in
from tsflow.model import explain
from tsflow.stations.quantities import quantity
from tsflow.windows.dataset import Dataset


class Channelled(Architecture):
    """A family that reads channels."""

    channels: Channels = Channels()

    @property
    def variables(self) -> set[str]:
        """The station's variables that must be there."""
        return self.channels.variables

    @property
    def forecasts_change(self) -> bool:
        """Whether it forecasts the change of the target from now, which now tells the most of."""
        return True

    def on(self, dataset: Dataset) -> Self:
        """Return the recipe as it is trained on a dataset; one that forecasts a change reads the target, whatever it names.

        Raises
        ------
        EntrantSkipped
            If the station has nothing that it reads.
        """
        try:
            there = super().on(dataset)
        except ValidationError as error:
            told = explain(error, self._file)
            msg = f"station {dataset.station} has nothing that it reads (it has {', '.join(dataset.features)}): {told}"
            raise EntrantSkipped(msg) from error
        return there.reading_target(dataset) if self.forecasts_change else there

    def reading_target(self, dataset: Dataset) -> Self:
        """Return the recipe with the target among its channels."""
        if self.channels.measured is None or self.names_of_target(dataset) & {*self.channels.measured}:
            return self
        return self.changed(channels=self.channels.changed(measured=[*self.channels.measured, TARGET]))

    @staticmethod
    def names_of_target(dataset: Dataset) -> set[str]:
        """Return the names under which the target is a channel."""
        columns, _ = found_in(dataset)
        return {TARGET, *(name for name, place in columns.items() if place == dataset.target_index)}

    @property
    def if_it_helps(self) -> list[str]:
        """The quantities that it reads where they help, by their short names."""
        return [quantity(name).short for name in self.channels.if_it_helps]
