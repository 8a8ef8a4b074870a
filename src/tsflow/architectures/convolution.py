"""One-dimensional convolution: every segment is treated alike and pooling destroys order."""

from typing import Annotated, Any

from pydantic import Field

from tsflow.architectures.network import Dropout, Network, Series, Width
from tsflow.architectures.registry import register
from tsflow.model import Strict
from tsflow.task import Task


class ConvolutionLayer(Strict):
    """One convolution, and the pooling after it (1: none)."""

    filters: Width
    kernel: Width
    stride: Annotated[int, Field(ge=1)] = 1
    pool: Annotated[int, Field(ge=1)] = 1


@register("convolution")
class Convolution(Network):
    """Conv1D layers with max-pooling between them, averaged over time."""

    convolutions: Annotated[list[ConvolutionLayer], Field(min_length=1)]
    dropout: Dropout = 0.0  # before the head

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless every layer leaves a row."""
        super().require_task(task)
        rows = self.hours_read(task)
        for number, layer in enumerate(self.convolutions, 1):
            rows = ((rows - layer.kernel) // layer.stride + 1) // layer.pool
            if rows < 1:
                self.refuse(f"convolutions: no row is left after layer {number}; use smaller kernels or pools")

    def layers(self, series: Series, *, dropout: bool) -> Any:
        """(Conv1D, normalisation, pooling) per layer -> average over time."""
        from keras import layers

        x = series.x
        for layer in self.convolutions:
            x = layers.Conv1D(
                layer.filters, layer.kernel, strides=layer.stride, activation=self.activation, kernel_initializer=self.initialiser
            )(x)
            if self.batch_normalisation:
                x = layers.BatchNormalization()(x)
            if layer.pool > 1:
                x = layers.MaxPooling1D(layer.pool)(x)
        x = layers.GlobalAveragePooling1D()(x)
        return layers.Dropout(self.dropout)(x) if dropout and self.dropout else x
