"""The loop of a GRU: its hour, and the hour's gradient (Cho et al. 2014, arXiv:1406.1078; reset after the product, as Keras has it).

::

    [z r a x] = gates([state; inputs; 1])        z, r: sigmoids; a reads the state alone, x the inputs alone
    new       = tanh(x + r a)
    state     = new + z (state - new)
"""

from __future__ import annotations

from typing import Any


def stacked(cell: Any) -> Any:
    """Return a Keras cell's weights as one matrix [units + columns + 1, 4 units], in the order z, r, a, x; 0 where nothing is read."""
    import tensorflow as tf

    units = cell.units
    recurrent, kernel, bias = (tf.convert_to_tensor(each) for each in (cell.recurrent_kernel, cell.kernel, cell.bias))
    both = tf.concat([recurrent, kernel, (bias[0] + bias[1])[None]], 0)[:, : 2 * units]
    of_state = tf.concat([recurrent[:, 2 * units :], tf.zeros_like(kernel[:, :units]), bias[1:, 2 * units :]], 0)
    of_inputs = tf.concat([tf.zeros_like(recurrent[:, :units]), kernel[:, 2 * units :], bias[:1, 2 * units :]], 0)
    return tf.concat([both, of_state, of_inputs], 1)


def states(inputs: Any, weights: Any, *, every: bool) -> Any:
    """Return the last state [units, n], or with `every` each hour's, [hours, units, n], of inputs [hours, columns, n]."""
    import tensorflow as tf

    units, hours, one = weights.shape[1] // 4, inputs.shape[0], tf.ones_like(inputs[0, :1])
    gates = _halved(weights, units)
    kept = tf.TensorArray(tf.float32, hours if every else 0, element_shape=(units, None))

    def step(hour: Any, state: Any, kept: Any) -> tuple[Any, ...]:
        *_, state = _hour(tf.concat([state, inputs[hour], one], 0), gates, state, units)
        return hour + 1, state, kept.write(hour, state) if every else kept

    _, last, kept = _loop(hours, step, (0, tf.zeros((units, tf.shape(inputs)[2])), kept))
    return kept.stack() if every else last


def trained(inputs: Any, weights: Any, mask: Any, *, every: bool) -> Any:
    """Return what `states` does, with a gradient of its own; `mask` [units, n] or None is laid over the state that is read."""
    import tensorflow as tf

    units, hours, one = weights.shape[1] // 4, inputs.shape[0], tf.ones_like(inputs[0, :1])
    nothing = tf.zeros((units, tf.shape(inputs)[2]))

    def array(rows: int) -> Any:
        return tf.TensorArray(tf.float32, hours, element_shape=(rows, None))

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(inputs: Any, weights: Any) -> tuple[Any, Any]:
        gates = _halved(weights, units)

        def step(hour: Any, state: Any, kept: tuple[Any, ...]) -> tuple[Any, ...]:
            read = tf.concat([state if mask is None else state * mask, inputs[hour], one], 0)
            tanh, of_state, new, after = _hour(read, gates, state, units)
            found = (read, tanh, of_state, new, state, after)
            return hour + 1, after, tuple(each.write(hour, value) for each, value in zip(kept, found, strict=True))

        rows = (weights.shape[0], 2 * units, units, units, units, units)
        _, last, (*kept, after) = _loop(hours, step, (0, nothing, tuple(map(array, rows))))

        def gradient(by_state: Any) -> tuple[Any, Any]:
            def back(to_go: Any, by_after: Any, by_weights: Any, by_inputs: Any) -> tuple[Any, ...]:
                hour = hours - 1 - to_go
                by_after = by_after + by_state[hour] if every else by_after
                read, *found = (each.read(hour) for each in kept)
                by_gates, directly = _back(*found, by_after)
                by_weights = by_weights + tf.matmul(read, by_gates, transpose_b=True)
                by_read = tf.matmul(gates, by_gates, transpose_a=True)
                by_before = directly + (by_read[:units] if mask is None else by_read[:units] * mask)
                return to_go + 1, by_before, by_weights, by_inputs.write(hour, by_read[units:-1])

            began = (nothing if every else by_state, tf.zeros_like(weights), array(inputs.shape[1]))
            *_, by_weights, by_inputs = _loop(hours, back, (0, *began))
            return by_inputs.stack(), tf.transpose(_halved(by_weights, units))

        return after.stack() if every else last, gradient

    return run(inputs, weights)


def _halved(weights: Any, units: int) -> Any:
    """Return the weights' transpose, those of the sigmoids halved, [4 units, units + columns + 1]."""
    import tensorflow as tf

    return tf.transpose(tf.concat([weights[:, : 2 * units] * 0.5, weights[:, 2 * units :]], 1))


def _loop(hours: int, step: Any, began: tuple[Any, ...]) -> Any:
    import tensorflow as tf

    return tf.while_loop(lambda done, *_: done < hours, step, began, parallel_iterations=1, maximum_iterations=hours)


def _hour(read: Any, gates: Any, state: Any, units: int) -> tuple[Any, Any, Any, Any]:
    """Return an hour's tanh of both gates [2 units, n], what is read of the state, the new one, and the state after it [units, n]."""
    import tensorflow as tf

    found = tf.matmul(gates, read)
    tanh, of_state = tf.tanh(found[: 2 * units]), found[2 * units : 3 * units]
    opened = tanh * 0.5 + 0.5
    new = tf.tanh(found[3 * units :] + opened[units:] * of_state)
    return tanh, of_state, new, new + opened[:units] * (state - new)


def _back(tanh: Any, of_state: Any, new: Any, before: Any, by_state: Any) -> tuple[Any, Any]:
    """Return the derivative by an hour's gates [4 units, n], the sigmoids' halved, and the direct one by the state before it."""
    import tensorflow as tf

    z, r = tf.split(tanh * 0.5 + 0.5, 2)
    directly = by_state * z
    by_new = (by_state - directly) * (1.0 - new * new)
    # A sigmoid's derivative is (1 - tanh^2) / 4, the half of that by the halved gate.
    by_opened = tf.concat([by_state * 0.5 * (before - new), by_new * 0.5 * of_state], 0) * (1.0 - tanh * tanh)
    return tf.concat([by_opened, by_new * r, by_new], 0), directly
