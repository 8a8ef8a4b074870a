"""Keras's Adam and AdamW with one fused operation a variable; the optimiser, its state and archives stay Keras's own.

Keras writes a variable's step as some seventy small operations, the learning rate of a schedule among them, and again for the next
variable. In a network of many small layers that is half of the graph, which TensorFlow traces and optimises before the first batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


@contextmanager
def fused(optimiser: keras.optimizers.Optimizer) -> Iterator[None]:
    """Let what is traced inside update by fused operations, if the optimiser is of the usual kind; the rest is Keras's matter."""
    if not _usual(optimiser):
        yield
        return
    optimiser._backend_apply_gradients = partial(_apply, optimiser)  # the instance's own comes before its class's
    try:
        yield
    finally:
        del optimiser._backend_apply_gradients


def _usual(optimiser: keras.optimizers.Optimizer) -> bool:
    """Whether an optimiser is what is written below."""
    from keras import optimizers

    further = ("amsgrad", "use_ema", "gradient_accumulation_steps", "global_clipnorm", "clipvalue")
    return type(optimiser) in (optimizers.Adam, optimizers.AdamW) and not any(getattr(optimiser, name) for name in further)


def _apply(optimiser: keras.optimizers.Adam, gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable]) -> None:
    """Clip, decay and update, as Keras's method of the base class does.

    References
    ----------
    Kingma and Ba (2015), Adam: a method for stochastic optimization, ICLR, arXiv:1412.6980, the form before its section 2.1.
    Loshchilov and Hutter (2019), Decoupled weight decay regularization, ICLR, arXiv:1711.05101.
    """
    import tensorflow as tf

    rate = tf.convert_to_tensor(optimiser.learning_rate, dtype=tf.float32)
    step = tf.cast(optimiser.iterations + 1, tf.float32)
    beta_1, beta_2, epsilon = (tf.constant(value) for value in (optimiser.beta_1, optimiser.beta_2, optimiser.epsilon))
    powers = tf.pow(beta_1, step), tf.pow(beta_2, step)
    if optimiser.clipnorm:
        gradients = _clipped(gradients, optimiser.clipnorm)
    decayed = rate * (optimiser.weight_decay or 0.0)
    for gradient, variable in zip(gradients, variables, strict=True):
        at = optimiser._get_variable_index(variable)
        if optimiser.weight_decay and optimiser._use_weight_decay(variable):
            variable.value.assign_sub(variable.value * decayed)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.value.handle,
            m=optimiser._momentums[at].value.handle,
            v=optimiser._velocities[at].value.handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=rate,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=epsilon,
            grad=gradient,
        )


def _clipped(gradients: Sequence[tf.Tensor], limit: float) -> list[tf.Tensor]:
    """Return each gradient with a norm of at most `limit`."""
    import tensorflow as tf

    norms = tf.sqrt(2 * tf.stack([tf.nn.l2_loss(gradient) for gradient in gradients]))  # [n_variables]
    scales = tf.unstack(limit / tf.maximum(norms, limit))
    return [gradient * scale for gradient, scale in zip(gradients, scales, strict=True)]
