"""What the loops of both kinds of recurrent layers share."""

from __future__ import annotations

from typing import Any


def over(hours: int, step: Any, began: tuple[Any, ...]) -> Any:
    """Return the values after a step for each hour: `step(done, *values)` returns `done + 1` and the values of the next."""
    import tensorflow as tf

    return tf.while_loop(lambda done, *_: done < hours, step, (0, *began), parallel_iterations=1, maximum_iterations=hours)


def halved(weights: Any, columns: int) -> Any:
    """Return weights whose first columns, those of the sigmoids, are halved: a sigmoid is (1 + tanh(z / 2)) / 2."""
    import tensorflow as tf

    return tf.concat([weights[:, :columns] * 0.5, weights[:, columns:]], 1)


def arrays(hours: int, *rows: int) -> tuple[Any, ...]:
    """Return an array for each of `rows`, which takes [rows, n] of each hour."""
    import tensorflow as tf

    return tuple(tf.TensorArray(tf.float32, hours, element_shape=(each, None)) for each in rows)


def written(kept: tuple[Any, ...], hour: Any, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arrays with an hour's values in them."""
    return tuple(array.write(hour, value) for array, value in zip(kept, values, strict=True))
