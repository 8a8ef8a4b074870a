"""ONNX graphs of boosted trees."""

from collections.abc import Sequence
from typing import Any


def mean_of_trees(models: Sequence[Any]) -> Any:
    """Return one model of boosted trees whose output is the mean of several, which read the same columns."""
    if len(models) == 1:
        return models[0]
    joint = type(models[0])()
    joint.CopyFrom(models[0])
    node = joint.graph.node[0]
    attributes = {attribute.name: attribute for attribute in node.attribute}
    for model in models[1:]:
        after = max(attributes["nodes_treeids"].ints) + 1
        for further in model.graph.node[0].attribute:
            if further.name.endswith("_treeids"):
                attributes[further.name].ints.extend(after + tree for tree in further.ints)
            else:
                attributes[further.name].ints.extend(further.ints)
                attributes[further.name].floats.extend(further.floats)
                attributes[further.name].strings.extend(further.strings)
    weights = [weight / len(models) for weight in attributes["target_weights"].floats]
    del attributes["target_weights"].floats[:]
    attributes["target_weights"].floats.extend(weights)
    return joint
