"""A strided convolution shortens the sequence, then a recurrent layer reads it: the lecture's cure for long sequences."""

from typing import Any, Literal, Self

from pydantic import model_validator

from tsflow.architectures.network import Activation, Dropout, Network, Width
from tsflow.architectures.registry import register


@register("convolutional_recurrent")
class ConvolutionalRecurrent(Network):
    """Conv1D, GRU or LSTM, Dense; `activation` is that of the convolution and the dense layer.

    ::

        120 rows -> Conv1D, kernel 6, stride 3 -> 39 rows -> GRU -> its last state -> Dense -> head
    """

    filters: Width = 64
    kernel: Width = 6
    stride: Width = 3  # the recurrent layer takes so many times fewer steps
    cell: Literal["lstm", "gru"] = "gru"
    units: Width = 64
    dropout: Dropout = 0.0  # after the recurrent layer
    hidden: Width = 32  # units of the dense layer
    hidden_dropout: Dropout = 0.0  # after the dense layer
    activation: Activation = "gelu"

    @model_validator(mode="after")
    def _leaves_a_row(self) -> Self:
        rows = self.context_hours or 120
        if self.kernel > rows:
            msg = f"kernel {self.kernel} is longer than the context of {rows} rows; use a smaller kernel"
            raise ValueError(msg)
        return self

    def layers(self, x: Any, *, dropout: bool) -> Any:
        """Conv1D -> normalisation -> recurrent layer -> dropout -> Dense -> dropout."""
        from keras import layers

        x = layers.Conv1D(
            self.filters, self.kernel, strides=self.stride, activation=self.activation, kernel_initializer=self.initialiser
        )(x)
        if self.batch_normalisation:
            x = layers.BatchNormalization()(x)
        cell = {"lstm": layers.LSTM, "gru": layers.GRU}[self.cell]
        x = cell(self.units, kernel_initializer=self.initialiser)(x)
        if dropout and self.dropout:
            x = layers.Dropout(self.dropout)(x)
        x = layers.Dense(self.hidden, activation=self.activation, kernel_initializer=self.initialiser)(x)
        return layers.Dropout(self.hidden_dropout)(x) if dropout and self.hidden_dropout else x
