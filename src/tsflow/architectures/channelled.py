"""What networks and tables share: they read channels of a window."""

from tsflow.architectures.registry import Architecture
from tsflow.features.channels import Channels
from tsflow.stations.quantities import quantity


class Channelled(Architecture):
    """A family that reads channels."""

    channels: Channels = Channels()

    @property
    def variables(self) -> set[str]:
        """The station's variables that must be there."""
        return self.channels.variables

    @property
    def if_it_helps(self) -> list[str]:
        """The quantities that it reads where they help, by their short names."""
        return [quantity(name).short for name in self.channels.if_it_helps]
