"""ONNX graphs: exporting Keras models, chaining a table with what reads it, adding up several forecasts."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsflow.errors import IntegrityError

if TYPE_CHECKING:
    import keras

OPSET = 15  # the newest that onnxmltools writes; all graphs share it, so that they can be joined
IR_VERSION = 10


def export(model: keras.Model) -> bytes:
    """Return a Keras model as ONNX; its input is called `observations`, its output `forecast`, or several as its dict says."""
    import keras
    from onnx import helper, load

    (entry,) = model.inputs
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="keras.src.export")  # keras probes np.object
        logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # it reports erfc, which is mended below; parity is checked anyway
        path = Path(folder) / "model.onnx"
        model.export(
            path,
            format="onnx",
            verbose=False,
            opset_version=OPSET,
            input_signature=[keras.InputSpec(shape=entry.shape, dtype="float32", name="observations")],
        )
        exported = load(path)
    _without_erfc(exported.graph)
    if not isinstance(model.output, dict):  # a dict's names are kept
        (output,) = exported.graph.output
        exported.graph.node.append(helper.make_node("Identity", [output.name], ["forecast"]))
        output.name = "forecast"
    return bytes(exported.SerializeToString())


def _without_erfc(graph: Any) -> None:
    """Write erfc(x), which gelu needs and ONNX lacks, as 1 - erf(x)."""
    from onnx import TensorProto, helper

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


def outputs(model: bytes) -> list[str]:
    """Return the names of a model's outputs."""
    from onnx import load_from_string

    return [output.name for output in load_from_string(model).graph.output]


def to_bytes(graph: Any) -> bytes:
    """Return a graph of one's own as a checked model."""
    from onnx import checker, helper

    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(model)
    return bytes(model.SerializeToString())


def chain(first: bytes, second: Any) -> bytes:
    """Return `second`, an ONNX model with one input, reading the one output of `first`."""
    from onnx import compose, load_from_string

    front = compose.add_prefix(load_from_string(first), "table_", rename_inputs=False, rename_outputs=False)
    back = compose.add_prefix(second, "model_", rename_inputs=False)
    front.ir_version = back.ir_version = IR_VERSION
    # The trees' converter declares the oldest opset that has its operators; they are the same in the newer one.
    del back.opset_import[:]
    back.opset_import.extend(front.opset_import)
    joint = (front.graph.output[0].name, back.graph.input[0].name)
    return bytes(compose.merge_models(front, back, io_map=[joint]).SerializeToString())


def weighted_sum(models: Sequence[bytes], weights: Sequence[float], shape: tuple[int, int], now: tuple[float, int]) -> bytes:
    """Return the ONNX graph of a weighted sum of forecasts.

    Parameters
    ----------
    models
        ONNX models `observations` -> a forecast [n, 1] as first output.
    shape
        Context and columns of the observations.
    now
        A weight, and the column whose last value it is for.
    """
    from onnx import TensorProto, checker, compose, helper, load_from_string

    nodes, initialisers, functions, opsets = [], [], [], {"": OPSET}
    terms = []
    for number, body in enumerate(models):
        part = compose.add_prefix(load_from_string(body), f"m{number}_")
        for domain in part.opset_import:
            if opsets.setdefault(domain.domain, domain.version) != domain.version:
                msg = f"model {number} uses opset {domain.version} of {domain.domain or 'ONNX'}, expected {opsets[domain.domain]}"
                raise IntegrityError(msg)
        nodes += [helper.make_node("Identity", ["observations"], [part.graph.input[0].name]), *part.graph.node]
        initialisers += part.graph.initializer
        functions += part.functions
        nodes.append(helper.make_node("Mul", [part.graph.output[0].name, f"weight_{number}"], [f"term_{number}"]))
        initialisers.append(helper.make_tensor(f"weight_{number}", TensorProto.FLOAT, [], [weights[number]]))
        terms.append(f"term_{number}")
    nodes += [
        helper.make_node("Gather", ["observations", "last_row"], ["row"], axis=1),
        helper.make_node("Gather", ["row", "column"], ["now"], axis=1),
        helper.make_node("Mul", ["now", "weight_now"], ["term_now"]),
        helper.make_node("Sum", [*terms, "term_now"], ["forecast"]),
    ]
    initialisers += [
        helper.make_tensor("last_row", TensorProto.INT64, [], [shape[0] - 1]),
        helper.make_tensor("column", TensorProto.INT64, [1], [now[1]]),
        helper.make_tensor("weight_now", TensorProto.FLOAT, [], [now[0]]),
    ]
    graph = helper.make_graph(
        nodes,
        "weighted_sum",
        [helper.make_tensor_value_info("observations", TensorProto.FLOAT, ["n", *shape])],
        [helper.make_tensor_value_info("forecast", TensorProto.FLOAT, ["n", 1])],
        initialisers,
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = helper.make_model(graph, opset_imports=imports, functions=functions, ir_version=IR_VERSION)
    checker.check_model(model)
    return bytes(model.SerializeToString())
