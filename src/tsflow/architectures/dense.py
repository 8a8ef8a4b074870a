"""Dense networks on the flattened context: order is lost, which is why the lecture shows them fail."""

from typing import Annotated, Any

from pydantic import Field

from tsflow.architectures.network import Dropout, Network, Series, Width
from tsflow.architectures.registry import register


@register("dense")
class Dense(Network):
    """Flatten, then dense layers of `units`."""

    units: Annotated[list[Width], Field(min_length=1)] = [16]
    dropout: Dropout = 0.0  # after each layer

    def layers(self, series: Series, *, dropout: bool) -> Any:
        """Flatten -> (Dense, normalisation, dropout) per layer."""
        from keras import layers

        x = layers.Flatten()(series.x)
        for units in self.units:
            x = layers.Dense(units, activation=self.activation, kernel_initializer=self.initialiser)(x)
            if self.batch_normalisation:
                x = layers.BatchNormalization()(x)
            if dropout and self.dropout:
                x = layers.Dropout(self.dropout)(x)
        return x
