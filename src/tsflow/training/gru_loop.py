"""The loop of a GRU: its hour, and the hour's gradient (Cho et al. 2014, arXiv:1406.1078; reset after the product, as in Keras).

::

    [z r a x] = gates([state; inputs; 1])        z, r: sigmoids; a reads the state alone, x the inputs alone
    new       = tanh(x + r a)
    state     = new + z (state - new)
"""

from __future__ import annotations

from typing import Any

from tsflow.training.hours_loop import arrays, halved, over, written


def stacked(cell: Any) -> Any:
    """Return a Keras cell's weights as one matrix [units + columns + 1, 4 units], ordered z, r, a, x; 0 for what is not read."""
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
    gates, nothing = tf.transpose(halved(weights, 2 * units)), tf.zeros((units, tf.shape(inputs)[2]))

    def step(hour: Any, state: Any, kept: Any) -> tuple[Any, ...]:
        *_, state = _hour(tf.concat([state, inputs[hour], one], 0), gates, state)
        return hour + 1, state, kept.write(hour, state) if every else kept

    _, last, kept = over(hours, step, (nothing, *arrays(hours if every else 0, units)))
    return kept.stack() if every else last


def trained(inputs: Any, weights: Any, mask: Any, *, every: bool) -> Any:
    """Return what `states` does, with a gradient of its own; `mask` [units, n] or None is laid over the state that is read."""
    import tensorflow as tf

    units, hours, one = weights.shape[1] // 4, inputs.shape[0], tf.ones_like(inputs[0, :1])
    nothing = tf.zeros((units, tf.shape(inputs)[2]))

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(inputs: Any, weights: Any) -> tuple[Any, Any]:
        gates = tf.transpose(halved(weights, 2 * units))

        def step(hour: Any, state: Any, kept: tuple[Any, ...]) -> tuple[Any, ...]:
            read = tf.concat([state if mask is None else state * mask, inputs[hour], one], 0)
            tanh, of_state, new, after = _hour(read, gates, state)
            return hour + 1, after, written(kept, hour, (read, tanh, of_state, new, state, after))

        began = (nothing, arrays(hours, weights.shape[0], 2 * units, units, units, units, units))
        _, last, (reads, *kept, after) = over(hours, step, began)

        def gradient(by_state: Any) -> tuple[Any, Any]:
            def back(to_go: Any, by_after: Any, by_weights: Any, by_inputs: Any) -> tuple[Any, ...]:
                hour = hours - 1 - to_go
                by_after = by_after + by_state[hour] if every else by_after
                tanh, of_state, new, before = (each.read(hour) for each in kept)
                by_gates, directly = _back(tanh, of_state, new, before, by_after)
                by_read = tf.matmul(gates, by_gates, transpose_a=True)
                by_before = directly + (by_read[:units] if mask is None else by_read[:units] * mask)
                by_weights = by_weights + tf.matmul(reads.read(hour), by_gates, transpose_b=True)
                return to_go + 1, by_before, by_weights, by_inputs.write(hour, by_read[units:-1])

            began = (nothing if every else by_state, tf.zeros_like(weights), *arrays(hours, inputs.shape[1]))
            *_, by_weights, by_inputs = over(hours, back, began)
            return by_inputs.stack(), halved(by_weights, 2 * units)

        return after.stack() if every else last, gradient

    return run(inputs, weights)


def _hour(read: Any, gates: Any, state: Any) -> tuple[Any, Any, Any, Any]:
    """Return an hour's tanh of z and r [2 units, n]; a, the new state, and the state after it [units, n]."""
    import tensorflow as tf

    units, found = gates.shape[0] // 4, tf.matmul(gates, read)
    tanh, of_state = tf.tanh(found[: 2 * units]), found[2 * units : 3 * units]
    opened = tanh * 0.5 + 0.5
    new = tf.tanh(found[3 * units :] + opened[units:] * of_state)
    return tanh, of_state, new, new + opened[:units] * (state - new)


def _back(tanh: Any, of_state: Any, new: Any, before: Any, by_state: Any) -> tuple[Any, Any]:
    """Return the derivative by an hour's gates [4 units, n], z and r halved, and the direct one by the state before it."""
    import tensorflow as tf

    z, r = tf.split(tanh * 0.5 + 0.5, 2)
    directly = by_state * z
    by_new = (by_state - directly) * (1.0 - new * new)
    # A sigmoid's derivative is (1 - tanh^2) / 4, that by the halved gate twice as much.
    by_opened = tf.concat([by_state * 0.5 * (before - new), by_new * 0.5 * of_state], 0) * (1.0 - tanh * tanh)
    return tf.concat([by_opened, by_new * r, by_new], 0), directly
