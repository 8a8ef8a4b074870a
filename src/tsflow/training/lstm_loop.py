"""The loop of an LSTM: its hour, and the hour's gradient (Hochreiter and Schmidhuber 1997, Long short-term memory).

::

    [i f o g] = gates([state; inputs; 1])        i, f, o: sigmoids; g: tanh
    memory    = f memory + i g
    state     = o tanh(memory)
"""

from __future__ import annotations

from typing import Any


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
    gates = _halved(weights, units)
    nothing = tf.zeros((units, tf.shape(inputs)[2]))
    kept = tf.TensorArray(tf.float32, hours if every else 0, element_shape=(units, None))

    def step(hour: Any, state: Any, memory: Any, kept: Any) -> tuple[Any, ...]:
        _, _, state, memory = _hour(tf.concat([state, inputs[hour], one], 0), gates, memory, units)
        return hour + 1, state, memory, kept.write(hour, state) if every else kept

    _, last, _, kept = _loop(hours, step, (0, nothing, nothing, kept))
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

        def step(hour: Any, state: Any, memory: Any, kept: tuple[Any, ...]) -> tuple[Any, ...]:
            read = tf.concat([state if mask is None else state * mask, inputs[hour], one], 0)
            tanh, _, after, memory_after = _hour(read, gates, memory, units)
            kept = tuple(each.write(hour, new) for each, new in zip(kept, (read, tanh, memory, after), strict=True))
            return hour + 1, after, memory_after, kept

        began = (0, nothing, nothing, tuple(map(array, (weights.shape[0], 4 * units, units, units))))
        _, last, memory, (reads, tanhs, memories, after) = _loop(hours, step, began)

        def gradient(by_state: Any) -> tuple[Any, Any]:
            def back(to_go: Any, by_after: Any, by_memory: Any, memory: Any, by_weights: Any, by_inputs: Any) -> tuple[Any, ...]:
                hour, before = hours - 1 - to_go, memories.read(hours - 1 - to_go)
                by_after = by_after + by_state[hour] if every else by_after
                by_gates, by_memory = _back(tanhs.read(hour), memory, before, by_after, by_memory)
                by_weights = by_weights + tf.matmul(reads.read(hour), by_gates, transpose_b=True)
                by_read = tf.matmul(gates, by_gates, transpose_a=True)
                by_before = by_read[:units] if mask is None else by_read[:units] * mask
                return to_go + 1, by_before, by_memory, before, by_weights, by_inputs.write(hour, by_read[units:-1])

            began = (nothing if every else by_state, nothing, memory, tf.zeros_like(weights), array(inputs.shape[1]))
            *_, by_weights, by_inputs = _loop(hours, back, (0, *began))
            return by_inputs.stack(), tf.transpose(_halved(by_weights, units))

        return after.stack() if every else last, gradient

    return run(inputs, weights)


def _halved(weights: Any, units: int) -> Any:
    """Return the weights' transpose, those of the sigmoids halved, [4 units, units + columns + 1]."""
    import tensorflow as tf

    return tf.transpose(tf.concat([weights[:, : 3 * units] * 0.5, weights[:, 3 * units :]], 1))


def _loop(hours: int, step: Any, began: tuple[Any, ...]) -> Any:
    import tensorflow as tf

    return tf.while_loop(lambda done, *_: done < hours, step, began, parallel_iterations=1, maximum_iterations=hours)


def _hour(read: Any, gates: Any, memory: Any, units: int) -> tuple[Any, Any, Any, Any]:
    """Return an hour's tanh of all gates [4 units, n], their sigmoids [3 units, n], state and memory [units, n]."""
    import tensorflow as tf

    tanh = tf.tanh(tf.matmul(gates, read))
    opened = tanh[: 3 * units] * 0.5 + 0.5
    memory = opened[units : 2 * units] * memory + opened[:units] * tanh[3 * units :]
    return tanh, opened, opened[2 * units :] * tf.tanh(memory), memory


def _back(tanh: Any, memory: Any, before: Any, by_state: Any, by_memory: Any) -> tuple[Any, Any]:
    """Return the derivative by an hour's halved gates [4 units, n], and by the memory before it [units, n]."""
    import tensorflow as tf

    units = before.shape[0]
    i, f, o = tf.split(tanh[: 3 * units] * 0.5 + 0.5, 3)
    candidate, known = tanh[3 * units :], tf.tanh(memory)
    by_memory = by_memory + by_state * o * (1.0 - known * known)
    half = by_memory * 0.5  # a sigmoid's derivative is (1 - tanh^2) / 4, the half of that by the halved gate
    outer = tf.concat([half * candidate, half * before, by_state * 0.5 * known, by_memory * i], 0)
    return outer * (1.0 - tanh * tanh), by_memory * f
