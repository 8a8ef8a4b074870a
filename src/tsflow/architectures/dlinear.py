"""DLinear: the context taken apart into a moving average and the rest, a linear map over time for each."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from tsflow.architectures.network import Network, Series
from tsflow.architectures.registry import register
from tsflow.task import Task


@register("dlinear")
class DLinear(Network):
    """Trend and remainder of every channel, each read by its own linear map; the head is that map, and their sum.

    References
    ----------
    Zeng, Chen, Zhang and Xu (2023), Are Transformers Effective for Time Series Forecasting?, AAAI 37. Instead of one map for
    all channels, each has its own, since here one of them is forecast.
    """

    trend_hours: Annotated[int, Field(ge=3)] = 25  # of the moving average, odd

    @model_validator(mode="after")
    def _linear(self) -> Self:
        for name in ("batch_normalisation", "activation", "initialiser"):
            if not self.is_default(name):
                msg = f"{name}: DLinear has no layer but its linear maps, which begin as `head_initialiser` says; leave it out"
                raise ValueError(msg)
        return self

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless the moving average is odd and fits into the hours that are read."""
        super().require_task(task)
        if self.trend_hours % 2 == 0:
            self.refuse(f"trend_hours {self.trend_hours} is even; give an odd number, so that an hour lies in the middle")
        if self.trend_hours > self.hours_read(task):
            self.refuse(f"trend_hours {self.trend_hours} is longer than the context of {self.hours_read(task)} rows; shorten it")

    def layers(self, series: Series, *, dropout: bool) -> Any:
        """Moving average with the first and last values repeated at the ends -> [trend, remainder] of each hour, side by side."""
        from keras import layers, ops

        x, beyond = series.x, self.trend_hours // 2
        padded = ops.concatenate([ops.repeat(x[:, :1], beyond, axis=1), x, ops.repeat(x[:, -1:], beyond, axis=1)], axis=1)
        trend = layers.AveragePooling1D(self.trend_hours, strides=1, padding="valid")(padded)
        return layers.Flatten()(layers.Concatenate()([trend, x - trend]))
