"""Dilated causal residual convolutions: a receptive field that doubles with each block, read at the last hour."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from tsflow.architectures.network import Dropout, Network, Series, Width
from tsflow.architectures.registry import register
from tsflow.task import Task


@register("temporal_convolution")
class TemporalConvolution(Network):
    """The TCN of Bai, Kolter and Koltun (2018, arXiv:1803.01271), with layer in place of weight normalisation.

    Block i holds two causal convolutions of dilation 2^i and a residual connection. The forecast reads the last
    hour alone, so only what that hour depends on is computed: the rows at multiples of the dilation, counted back
    from the last. On those rows a dilated convolution is an undilated one, and the next block's rows are every
    second of them. The result is the dilated network's, at about a quarter of its work::

        dilation 4    o               o               o     kernel 2, three blocks
        dilation 2    o       o       o       o       o
        dilation 1    o   o   o   o   o   o   o   o   o
        hours         . . . . . . . . . . . . . . . . .
                                                   last
    """

    filters: Width = 32
    kernel: Annotated[int, Field(ge=2, le=64)] = 3
    blocks: Annotated[int, Field(ge=1, le=12)] = 5  # dilations 1, 2, 4, ...
    dropout: Dropout = 0.0  # of whole channels, after each convolution
    layer_normalisation: bool = True

    @property
    def receptive_hours(self) -> int:
        """How many rows, the last one counted, the forecast depends on."""
        return 1 + 2 * (self.kernel - 1) * ((1 << self.blocks) - 1)

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless the last row sees the whole context."""
        super().require_task(task)
        if self.receptive_hours < (rows := self.hours_read(task)):
            self.refuse(
                f"kernel {self.kernel} and blocks {self.blocks} see {self.receptive_hours} hours, the context has {rows}; "
                f"use more blocks, a longer kernel, or set context_hours to {self.receptive_hours} or fewer"
            )

    @model_validator(mode="after")
    def _one_normalisation(self) -> Self:
        if self.batch_normalisation and self.layer_normalisation:
            msg = "batch_normalisation and layer_normalisation: set at most one to true"
            raise ValueError(msg)
        return self

    def layers(self, series: Series, *, dropout: bool) -> Any:
        """One residual block for each dilation, then the last row."""
        from keras import layers

        x = series.x
        for _ in range(self.blocks):
            odd = (x.shape[1] - 1) % 2  # the row that is dropped in front, so that the last one stays
            kept = x[:, odd::2, :]
            if kept.shape[-1] != self.filters:
                kept = layers.Dense(self.filters, kernel_initializer=self.initialiser)(kept)
            x = self._convolution(x, stride=1, pad=self.kernel - 1, dropout=dropout)
            x = self._convolution(x, stride=2, pad=self.kernel - 1 - odd, dropout=dropout)
            x = layers.Activation(self.activation)(layers.Add()([x, kept]))
        return x[:, -1, :]

    def _convolution(self, x: Any, *, stride: int, pad: int, dropout: bool) -> Any:
        from keras import layers

        x = layers.ZeroPadding1D((pad, 0))(x)
        x = layers.Conv1D(self.filters, self.kernel, strides=stride, kernel_initializer=self.initialiser)(x)
        if self.layer_normalisation:
            x = layers.LayerNormalization()(x)
        if self.batch_normalisation:
            x = layers.BatchNormalization()(x)
        x = layers.Activation(self.activation)(x)
        return layers.SpatialDropout1D(self.dropout)(x) if dropout and self.dropout else x

    @property
    def epoch_effort(self) -> float:
        """About how many seconds an epoch takes."""
        return 13.0
