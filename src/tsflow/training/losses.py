"""Losses that Keras lacks, known to Keras by name, so that an archive that holds one loads in safe mode."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def pinball(quantile: float | list[float]) -> keras.losses.Loss:
    """Return the loss whose least expectation is the `quantile` of the target; of several, an output each, their mean.

    With e = target - forecast it is `quantile` e where e >= 0 and (`quantile` - 1) e below; half the absolute error
    at 0.5 (Koenker and Bassett 1978, Regression Quantiles).
    """
    return register_losses()(quantile=quantile)


@cache
def register_losses() -> type[keras.losses.Loss]:
    """Make the losses known to Keras, once a process; needed before an archive is read."""
    # The class stands inside the function, since keras is not imported with a module.
    import keras

    @keras.saving.register_keras_serializable(package="tsflow")
    class Pinball(keras.losses.Loss):  # type: ignore[misc]  # keras has no types
        def __init__(self, quantile: float | list[float], name: str = "pinball", **options: Any) -> None:
            super().__init__(name=name, **options)
            self.quantile = quantile

        def call(self, y_true: Any, y_pred: Any) -> Any:
            """Return the mean over the last axis."""
            error = keras.ops.convert_to_tensor(y_true, dtype=y_pred.dtype) - y_pred
            share = keras.ops.convert_to_tensor(self.quantile, dtype=y_pred.dtype)
            return keras.ops.mean(keras.ops.maximum(share * error, (share - 1) * error), axis=-1)

        def get_config(self) -> dict[str, Any]:
            """Return what `from_config` takes."""
            return {**super().get_config(), "quantile": self.quantile}

    return Pinball
