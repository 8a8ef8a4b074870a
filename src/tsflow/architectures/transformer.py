"""A transformer encoder over patches of a few hours, so that attention compares tens of tokens and not 120 rows."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tsflow.architectures.network import Activation, Dropout, Network, Series, Width
from tsflow.architectures.registry import register
from tsflow.task import Task


@register("transformer")
class Transformer(Network):
    """Patches, learned positions and pre-norm blocks of attention and a two-layer perceptron.

    Attention is that of Vaswani et al. (2017, arXiv:1706.03762), layer normalisation stands before each sub-layer
    (Xiong et al. 2020, arXiv:2002.04745), the patches are those of PatchTST (Nie et al. 2023, arXiv:2211.14730),
    here of all columns together. The oldest rows that do not fill a patch are left out.
    """

    patch_hours: Width = 4
    width: Width = 64
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    blocks: Annotated[int, Field(ge=1, le=12)] = 2
    expansion: Annotated[int, Field(ge=1, le=8)] = 2  # the perceptron's hidden units are so many times `width`
    dropout: Dropout = 0.0  # of attention's weights, and of what each sub-layer adds
    pooling: Literal["last", "mean", "flatten"] = "last"  # last: the token that holds the origin
    activation: Activation = "gelu"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.width % self.heads:
            msg = f"width {self.width} is not a multiple of heads {self.heads}"
            raise ValueError(msg)
        if self.batch_normalisation:
            msg = "batch_normalisation: a transformer normalises layers; leave it out"
            raise ValueError(msg)
        return self

    def require_task(self, task: Task) -> None:
        """Raise `SettingsError` unless the context fills a patch."""
        super().require_task(task)
        if self.patch_hours > (rows := self.hours_read(task)):
            self.refuse(f"patch_hours {self.patch_hours} is longer than the context of {rows} rows; use a smaller patch")

    def layers(self, series: Series, *, dropout: bool) -> Any:
        """Patches -> tokens with positions -> blocks -> normalisation -> pooling."""
        from keras import initializers, layers

        x = series.x
        hours, columns = x.shape[1:]
        tokens = hours // self.patch_hours
        if hours % self.patch_hours:
            x = layers.Cropping1D((hours % self.patch_hours, 0))(x)
        x = layers.Reshape((tokens, self.patch_hours * columns))(x)
        # A bias over token and width is a learned position embedding, without a layer of its own.
        x = layers.EinsumDense(
            "btc,cw->btw",
            output_shape=(tokens, self.width),
            bias_axes="tw",
            kernel_initializer=self.initialiser,
            bias_initializer=initializers.RandomNormal(stddev=0.02),
        )(x)
        share = self.dropout if dropout else 0.0
        for _ in range(self.blocks):
            y = layers.LayerNormalization()(x)
            # Flash attention needs a GPU; without it the layer converts to plain matrix products.
            attention = layers.MultiHeadAttention(
                self.heads, self.width // self.heads, dropout=share, flash_attention=False, kernel_initializer=self.initialiser
            )
            x = self._added(x, attention(y, y), share)
            y = layers.LayerNormalization()(x)
            y = layers.Dense(self.expansion * self.width, activation=self.activation, kernel_initializer=self.initialiser)(y)
            x = self._added(x, layers.Dense(self.width, kernel_initializer=self.initialiser)(y), share)
        x = layers.LayerNormalization()(x)
        if self.pooling == "last":
            return x[:, -1, :]
        return layers.GlobalAveragePooling1D()(x) if self.pooling == "mean" else layers.Flatten()(x)

    def _added(self, x: Any, y: Any, share: float) -> Any:
        from keras import layers

        return layers.Add()([x, layers.Dropout(share)(y) if share else y])

    @property
    def epoch_effort(self) -> float:
        """About how many seconds an epoch takes."""
        return 9.0
