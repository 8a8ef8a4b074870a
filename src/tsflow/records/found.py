"""What validation decided of a fit: typed, so that a refit knows what to hold fixed."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from tsflow.model import Strict


class Nothing(Strict):
    """Nothing was chosen."""

    kind: Literal["nothing"] = "nothing"


class Epochs(Strict):
    """Of a network: after how many epochs validation was best."""

    kind: Literal["epochs"] = "epochs"
    epochs: int


class Rounds(Strict):
    """Of boosted trees: after how many rounds."""

    kind: Literal["rounds"] = "rounds"
    rounds: int
    quantiles: list[int] = []  # after how many rounds each quantile beside the median, by rising level


class Penalty(Strict):
    """Of a ridge regression: which penalty."""

    kind: Literal["penalty"] = "penalty"
    alpha: float


class Weights(Strict):
    """Of an ensemble: which members, with which weights; what is left to 1 is the weight of the value at the origin."""

    kind: Literal["weights"] = "weights"
    weights: dict[str, float]


Found = Annotated[Nothing | Epochs | Rounds | Penalty | Weights, Field(discriminator="kind")]


def read_found(content: Mapping[str, object]) -> Mapping[str, object]:
    """Return what a candidate of commit 49384e5 found, which was told apart by its keys, as one of these."""
    if "kind" in content:
        return content
    if "alphas" in content:
        (alpha,) = content["alphas"] if isinstance(content["alphas"], list) else [content["alphas"]]
        return {"kind": "penalty", "alpha": alpha}
    for kind in ("epochs", "rounds", "weights"):
        if kind in content:
            return {"kind": kind, kind: content[kind]}
    return {"kind": "nothing"}
