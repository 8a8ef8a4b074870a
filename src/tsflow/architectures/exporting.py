"""From Keras to ONNX."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tsflow.architectures.graphs import OPSET

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

_CATCHES = "TF2ONNX_CATCH_ERRORS"


def export(model: keras.Model, reads: str = "observations") -> bytes:
    """Return a Keras model as ONNX; its input is called as `reads` says, its output `forecast`, or several as its dict says."""
    import tensorflow as tf
    import tf2onnx
    from onnx import helper

    (entry,) = model.inputs
    signature = (tf.TensorSpec(entry.shape, tf.float32, name=reads),)
    # Keras's own export looks for lookup tables in all layers, for which TensorFlow traces the model three times more.
    forward = tf.function(partial(model, training=False), input_signature=signature, autograph=False)
    convert = partial(tf2onnx.convert.from_function, forward, signature, opset=OPSET)
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # it reports erfc, which is mended below; parity is checked anyway
    try:
        with _optimised_in_place():
            exported, _ = convert()
    except Exception:  # most likely one of its optimisers failed; with copies it goes on without that one
        log.warning("%s: exported once more, with copies", model.name, exc_info=True)
        exported, _ = convert()
    _without_erfc(exported.graph)
    if not isinstance(model.output, dict):  # a dict's names are kept
        (output,) = exported.graph.output
        exported.graph.node.append(helper.make_node("Identity", [output.name], ["forecast"]))
        output.name = "forecast"
    return bytes(exported.SerializeToString())


@contextmanager
def _optimised_in_place() -> Iterator[None]:
    """Keep tf2onnx from copying the graph before each pass over it.

    It copies so that it can go on if a pass fails, and the copies take a quarter of an export's time. What counts is that the
    variable is there, whatever its value.
    """
    os.environ[_CATCHES] = "FALSE"
    try:
        yield
    finally:
        os.environ.pop(_CATCHES, None)


def _without_erfc(graph: Any) -> None:
    """Write erfc(x), which gelu needs and ONNX lacks, as 1 - erf(x), also within loops."""
    from onnx import TensorProto, helper

    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _without_erfc(attribute.g)
    found = [place for place, node in enumerate(graph.node) if node.op_type == "Erfc"]
    for place in reversed(found):
        node = graph.node[place]
        erf = f"{node.output[0]}_erf"
        instead = [
            helper.make_node("Erf", list(node.input), [erf]),
            helper.make_node("Sub", ["one_of_erfc", erf], list(node.output)),
        ]
        del graph.node[place]
        for offset, new in enumerate(instead):
            graph.node.insert(place + offset, new)
    if found:
        graph.initializer.append(helper.make_tensor("one_of_erfc", TensorProto.FLOAT, [], [1.0]))
