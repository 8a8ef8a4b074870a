"""The loop of an LSTM: its hour, and the hour's gradient (Hochreiter and Schmidhuber 1997, Long short-term memory).

::

    [i f o g] = gates([state; inputs; 1])        i, f, o: sigmoids; g: tanh
    memory    = f memory + i g
    state     = o tanh(memory)
"""

from __future__ import annotations

from typing import Any

from tsflow.training.hours_loop import arrays, halved, over, written


def stacked(cell: Any) -> Any:
    """Return a Keras cell's weights as one matrix [units + columns + 1, 4 units], the gates in the order i, f, o, g."""
    import tensorflow as tf

    weights = tf.concat([cell.recurrent_kernel, cell.kernel, cell.bias[None]], 0)
    i, f, g, o = tf.split(weights, 4, axis=1)
    return tf.concat([i, f, o, g], 1)


def states(inputs: Any, weights: Any, *, every: bool) -> Any:
    """Return the last state [units, n], or with `every` each hour's, [hours, units, n], of inputs [hours, columns, n]."""
    import tensorflow as tf

    units, hours, one = weights.shape[1] // 4, inputs.shape[0], tf.ones_like(inputs[0, :1])
    gates, nothing = tf.transpose(halved(weights, 3 * units)), tf.zeros((units, tf.shape(inputs)[2]))

    def step(hour: Any, state: Any, memory: Any, kept: Any) -> tuple[Any, ...]:
        _, state, memory = _hour(tf.concat([state, inputs[hour], one], 0), gates, memory)
        return hour + 1, state, memory, kept.write(hour, state) if every else kept

    _, last, _, kept = over(hours, step, (nothing, nothing, *arrays(hours if every else 0, units)))
    return kept.stack() if every else last


def trained(inputs: Any, weights: Any, mask: Any, *, every: bool) -> Any:
    """Return what `states` does, with a gradient of its own; `mask` [units, n] or None is laid over the state that is read."""
    import tensorflow as tf

    units, hours, one = weights.shape[1] // 4, inputs.shape[0], tf.ones_like(inputs[0, :1])
    nothing = tf.zeros((units, tf.shape(inputs)[2]))

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(inputs: Any, weights: Any) -> tuple[Any, Any]:
        gates = tf.transpose(halved(weights, 3 * units))

        def step(hour: Any, state: Any, memory: Any, kept: tuple[Any, ...]) -> tuple[Any, ...]:
            read = tf.concat([state if mask is None else state * mask, inputs[hour], one], 0)
            tanh, after, new = _hour(read, gates, memory)
            return hour + 1, after, new, written(kept, hour, (read, tanh, memory, after))

        began = (nothing, nothing, arrays(hours, weights.shape[0], 4 * units, units, units))
        _, last, memory, (reads, tanhs, memories, after) = over(hours, step, began)

        def gradient(by_state: Any) -> tuple[Any, Any]:
            def back(to_go: Any, memory: Any, by: tuple[Any, Any], by_weights: Any, by_inputs: Any) -> tuple[Any, ...]:
                hour = hours - 1 - to_go
                before, by_after = memories.read(hour), by[0] + by_state[hour] if every else by[0]
                by_gates, by_memory = _back(tanhs.read(hour), memory, before, (by_after, by[1]))
                by_read = tf.matmul(gates, by_gates, transpose_a=True)
                by_before = by_read[:units] if mask is None else by_read[:units] * mask
                by_weights = by_weights + tf.matmul(reads.read(hour), by_gates, transpose_b=True)
                return to_go + 1, before, (by_before, by_memory), by_weights, by_inputs.write(hour, by_read[units:-1])

            by = (nothing if every else by_state, nothing)
            *_, by_weights, by_inputs = over(hours, back, (memory, by, tf.zeros_like(weights), *arrays(hours, inputs.shape[1])))
            return by_inputs.stack(), halved(by_weights, 3 * units)

        return after.stack() if every else last, gradient

    return run(inputs, weights)


def _hour(read: Any, gates: Any, memory: Any) -> tuple[Any, Any, Any]:
    """Return an hour's tanh of all gates [4 units, n], state and memory [units, n]."""
    import tensorflow as tf

    units = gates.shape[0] // 4
    tanh = tf.tanh(tf.matmul(gates, read))
    opened = tanh[: 3 * units] * 0.5 + 0.5
    memory = opened[units : 2 * units] * memory + opened[:units] * tanh[3 * units :]
    return tanh, opened[2 * units :] * tf.tanh(memory), memory


def _back(tanh: Any, memory: Any, before: Any, by: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return the derivative by an hour's halved gates [4 units, n], and by the memory before it, from those by state and memory."""
    import tensorflow as tf

    units, (by_state, by_memory) = before.shape[0], by
    i, f, o = tf.split(tanh[: 3 * units] * 0.5 + 0.5, 3)
    candidate, known = tanh[3 * units :], tf.tanh(memory)
    by_memory = by_memory + by_state * o * (1.0 - known * known)
    half = by_memory * 0.5  # a sigmoid's derivative is (1 - tanh^2) / 4, that by the halved gate twice as much
    outer = tf.concat([half * candidate, half * before, by_state * 0.5 * known, by_memory * i], 0)
    return outer * (1.0 - tanh * tanh), by_memory * f
