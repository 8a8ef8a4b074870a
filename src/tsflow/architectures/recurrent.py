"""Recurrent networks: a state carried along the sequence, s_{t+1} = activation(W x_t + U s_t + b)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tsflow.architectures.network import Activation, Dropout, Network, Series, Width
from tsflow.architectures.registry import register


@register("recurrent")
class Recurrent(Network):
    """Stacked SimpleRNN, LSTM or GRU layers, read forwards or both ways."""

    cell: Literal["simple_rnn", "lstm", "gru"]
    units: Annotated[list[Width], Field(min_length=1)]  # one recurrent layer each
    activation: Activation = "tanh"
    recurrent_dropout: Dropout = 0.0  # the same mask at each step of a sequence
    dropout: Dropout = 0.0  # before the head
    bidirectional: bool = False

    def layers(self, series: Series, *, dropout: bool) -> Any:
        """One recurrent layer for each of `units`; all but the last return their whole sequence."""
        from keras import layers

        x = series.x
        cell = {"simple_rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}[self.cell]
        for depth, units in enumerate(self.units, 1):
            layer = cell(
                units,
                activation=self.activation,
                kernel_initializer=self.initialiser,
                recurrent_dropout=self.recurrent_dropout if dropout else 0.0,
                return_sequences=depth < len(self.units),
            )
            x = (layers.Bidirectional(layer) if self.bidirectional else layer)(x)
            if self.batch_normalisation:
                x = layers.BatchNormalization()(x)
        return layers.Dropout(self.dropout)(x) if dropout and self.dropout else x

    @property
    def epoch_effort(self) -> float:
        """About how many seconds an epoch takes."""
        layer = 1.0 if self.cell == "simple_rnn" else 2.0
        return layer * len(self.units) * (2 if self.bidirectional else 1) * (2 if self.leads else 1)
