"""ONNX graphs: chaining a table with what reads it, adding up several forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tsflow.errors import IntegrityError

OPSET = 15  # the newest that onnxmltools writes; all graphs share it, so that they can be joined
IR_VERSION = 10


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


@dataclass(frozen=True)
class _Merged:
    """Several models that read the same observations, in one graph: what it is made of, and what each forecasts, by name."""

    nodes: list[Any]
    initialisers: list[Any]
    functions: list[Any]
    opsets: dict[str, int]
    outputs: list[dict[str, str]]  # of each model, the name in the graph by its own

    @classmethod
    def of(cls, models: Sequence[bytes]) -> _Merged:
        from onnx import compose, helper, load_from_string

        found = cls([], [], [], {"": OPSET}, [])
        for number, body in enumerate(models):
            own = load_from_string(body)
            part = compose.add_prefix(own, f"m{number}_")
            for domain in part.opset_import:
                if found.opsets.setdefault(domain.domain, domain.version) != domain.version:
                    expected = found.opsets[domain.domain]
                    msg = f"model {number} uses opset {domain.version} of {domain.domain or 'ONNX'}, expected {expected}"
                    raise IntegrityError(msg)
            found.nodes.extend([helper.make_node("Identity", ["observations"], [part.graph.input[0].name]), *part.graph.node])
            found.initialisers.extend(part.graph.initializer)
            found.functions.extend(part.functions)
            found.outputs.append({old.name: new.name for old, new in zip(own.graph.output, part.graph.output, strict=True)})
        return found

    def forecast_of(self, model: int) -> str:
        """Return the name of a model's forecast; the trees' converter calls it otherwise, but it comes first."""
        outputs = self.outputs[model]
        return outputs.get("forecast", next(iter(outputs.values())))

    def model(self, shape: tuple[int, int], levels: int) -> bytes:
        """Return the checked model; its outputs are `forecast`, and `quantiles` of so many levels if there are any."""
        from onnx import TensorProto, checker, helper

        outputs = [helper.make_tensor_value_info("forecast", TensorProto.FLOAT, ["n", 1])]
        if levels:
            outputs.append(helper.make_tensor_value_info("quantiles", TensorProto.FLOAT, ["n", levels]))
        entry = helper.make_tensor_value_info("observations", TensorProto.FLOAT, ["n", *shape])
        graph = helper.make_graph(self.nodes, "joined", [entry], outputs, self.initialisers)
        imports = [helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]
        model = helper.make_model(graph, opset_imports=imports, functions=self.functions, ir_version=IR_VERSION)
        checker.check_model(model)
        return bytes(model.SerializeToString())


def weighted_sum(
    models: Sequence[bytes],
    weights: Sequence[float],
    shape: tuple[int, int],
    now: tuple[float, int],
    quantiles: Sequence[Sequence[int]] = (),
) -> bytes:
    """Return the ONNX graph of a weighted sum of forecasts.

    Parameters
    ----------
    models
        ONNX models `observations` -> a forecast [n, 1] as first output.
    shape
        Context and columns of the observations.
    now
        A weight, and the column whose last value it is for.
    quantiles
        Of each model which columns of its output `quantiles` count, none of one that has no such output. The sum then has
        quantiles, too, as `tsflow.architectures.quantiles.pooled` says.
    """
    from onnx import TensorProto, helper

    whole = _Merged.of(models)
    for number, weight in enumerate(weights):
        whole.nodes.append(helper.make_node("Mul", [whole.forecast_of(number), f"weight_{number}"], [f"term_{number}"]))
        whole.initialisers.append(helper.make_tensor(f"weight_{number}", TensorProto.FLOAT, [], [weight]))
    whole.nodes.extend(
        [
            helper.make_node("Gather", ["observations", "last_row"], ["row"], axis=1),
            helper.make_node("Gather", ["row", "column"], ["now"], axis=1),
            helper.make_node("Mul", ["now", "weight_now"], ["term_now"]),
            helper.make_node("Sum", [*(f"term_{number}" for number in range(len(weights))), "term_now"], ["forecast"]),
        ]
    )
    whole.initialisers.extend(
        [
            helper.make_tensor("last_row", TensorProto.INT64, [], [shape[0] - 1]),
            helper.make_tensor("column", TensorProto.INT64, [1], [now[1]]),
            helper.make_tensor("weight_now", TensorProto.FLOAT, [], [now[0]]),
        ]
    )
    levels = max(map(len, quantiles), default=0)
    if levels:
        _pool(whole, weights, quantiles)
    return whole.model(shape, levels)


def _pool(whole: _Merged, weights: Sequence[float], quantiles: Sequence[Sequence[int]]) -> None:
    """Add the quantiles of a sum: its forecast, and the weighted mean of its members' distances from their own."""
    from onnx import TensorProto, helper

    having = [number for number, columns in enumerate(quantiles) if columns]
    total = sum(weights[number] for number in having)
    for number in having:
        names = [f"{what}_{number}" for what in ("levels", "taken", "distance", "share", "offset")]
        levels, taken, distance, share, offset = names
        whole.initialisers.extend(
            [
                helper.make_tensor(levels, TensorProto.INT64, [len(quantiles[number])], list(quantiles[number])),
                helper.make_tensor(share, TensorProto.FLOAT, [], [weights[number] / total]),
            ]
        )
        whole.nodes.extend(
            [
                helper.make_node("Gather", [whole.outputs[number]["quantiles"], levels], [taken], axis=1),
                helper.make_node("Sub", [taken, whole.forecast_of(number)], [distance]),
                helper.make_node("Mul", [distance, share], [offset]),
            ]
        )
    whole.nodes.append(helper.make_node("Sum", ["forecast", *(f"offset_{number}" for number in having)], ["quantiles"]))


def sorted_quantiles(forecast: bytes, others: Sequence[bytes], shape: tuple[int, int]) -> bytes:
    """Return a model's graph with `quantiles` [n, n_levels] beside its forecast: that and the others' forecasts, each row sorted.

    `others`: ONNX models `observations` -> another quantile [n, 1] as first output.
    """
    from onnx import TensorProto, helper

    whole = _Merged.of([forecast, *others])
    levels = 1 + len(others)
    whole.initialisers.append(helper.make_tensor("all_levels", TensorProto.INT64, [1], [levels]))
    whole.nodes.extend(
        [
            helper.make_node("Identity", [whole.forecast_of(0)], ["forecast"]),
            helper.make_node("Concat", [whole.forecast_of(number) for number in range(levels)], ["unsorted"], axis=1),
            helper.make_node("TopK", ["unsorted", "all_levels"], ["quantiles", "order"], axis=1, largest=0, sorted=1),
        ]
    )
    return whole.model(shape, levels)
