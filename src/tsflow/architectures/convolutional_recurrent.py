"""A strided convolution shortens the sequence, then a recurrent layer reads it: the lecture's cure for long sequences."""

from typing import Any, Literal

from tsflow.architectures.network import Activation, Dropout, Network, Series, Width
from tsflow.architectures.registry import register
from tsflow.task import Task


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

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless the convolution leaves a row of the context."""
        super().require_task(task)
        if self.kernel > (rows := self.hours_read(task)):
            self.refuse(f"kernel {self.kernel} is longer than the context of {rows} rows; use a smaller kernel")

    def layers(self, series: Series, *, dropout: bool) -> Any:
        """Conv1D -> normalisation -> recurrent layer -> dropout -> Dense -> dropout."""
        from keras import layers

        x = series.x
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

    @property
    def epoch_effort(self) -> float:
        """About how many seconds an epoch takes."""
        return 2.8
