"""Dense residual encoder beside a linear model of the whole context: what is linear need not be learned by depth."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from tsflow.architectures.network import Activation, Dropout, Network, Series, Width
from tsflow.architectures.registry import register
from tsflow.task import Task


@register("tide")
class Tide(Network):
    """The encoder of TiDE (Das et al. 2023, arXiv:2304.08424) for one lead, without known future inputs.

    ::

        x [n, hours, columns] -+-> means of `pool` hours -> projection of each -> flatten -> residual blocks -+-> head
                               +-> every `skip_every`-th hour, flattened -------------------------------------+

    The head is linear, so that what reaches it past the blocks is TiDE's linear skip; here it takes all columns,
    not the target's alone. Pooling the input is N-HiTS's way to fewer weights (Challu et al. 2023,
    arXiv:2201.12886); the oldest rows that do not fill a pool are left out of it.
    """

    pool: Width = 1  # hours that are averaged, counted back from the last; 1: none
    projection: Width = 8  # values that each pool is condensed to
    width: Width = 128
    blocks: Annotated[int, Field(ge=1, le=12)] = 2
    dropout: Dropout = 0.0  # in each residual block
    skip_every: Annotated[int, Field(ge=0, le=24)] = 1  # hours; counted back from the last; 0: no linear skip
    activation: Activation = "relu"

    @model_validator(mode="after")
    def _one_normalisation(self) -> Self:
        if self.batch_normalisation:
            msg = "batch_normalisation: TiDE normalises layers; leave it out"
            raise ValueError(msg)
        return self

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless the context fills a pool."""
        super().require_task(task)
        if self.pool > (rows := self.hours_read(task)):
            self.refuse(f"pool {self.pool} is longer than the context of {rows} rows; use a smaller pool")

    def layers(self, series: Series, *, dropout: bool) -> Any:
        """Pooling -> projection -> flatten -> residual blocks; beside them the context itself."""
        from keras import layers

        x = y = series.x
        if self.pool > 1:
            y = layers.AveragePooling1D(self.pool)(y[:, y.shape[1] % self.pool :, :])
        y = self._block(y, hidden=self.width // 2 or 1, units=self.projection, dropout=dropout)
        y = layers.Flatten()(y)
        for _ in range(self.blocks):
            y = self._block(y, hidden=self.width, units=self.width, dropout=dropout)
        if not self.skip_every:
            return y
        hours = x[:, (x.shape[1] - 1) % self.skip_every :: self.skip_every, :]
        return layers.Concatenate()([y, layers.Flatten()(hours)])

    def _block(self, x: Any, *, hidden: int, units: int, dropout: bool) -> Any:
        """Dense -> Dense -> dropout, a linear skip, layer normalisation: TiDE's residual block, on the last axis."""
        from keras import layers

        y = layers.Dense(hidden, activation=self.activation, kernel_initializer=self.initialiser)(x)
        y = layers.Dense(units, kernel_initializer=self.initialiser)(y)
        if dropout and self.dropout:
            y = layers.Dropout(self.dropout)(y)
        skip = x if x.shape[-1] == units else layers.Dense(units, kernel_initializer=self.initialiser)(x)
        return layers.LayerNormalization()(layers.Add()([y, skip]))

    @property
    def epoch_effort(self) -> float:
        """About how many seconds an epoch takes."""
        return 3.0
