"""What each output of a network learns, and how much that counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tsflow.architectures.network import Network
from tsflow.architectures.network_graph import BESIDE, NetworkInputs
from tsflow.training.losses import pinball

if TYPE_CHECKING:
    import tensorflow as tf

_PINBALL_SHARE = 0.3  # the mean pinball loss of quantiles from 0.025 to 0.975 is about so much of the absolute error


@dataclass(frozen=True)
class Objectives:
    """Loss, weights and metrics as Keras' `compile` takes them: by output, where there are several."""

    loss: Any
    weights: dict[str, float] | None
    metrics: dict[str, list[str]] | list[str]


def objectives(network: Network, inputs: NetworkInputs, loss: Any) -> Objectives:
    """Return what a network's outputs learn; `loss`: of the forecast, of each lead, and of each quantity beside it.

    With quantiles the forecast is one of them and learns with them; others then count less, as the loss of quantiles is smaller.
    """
    # Keras takes the mean over leads, the recipe weighs each of them
    ahead = {"leads": network.leads.weight * len(inputs.lead_hours)} if network.leads and inputs.lead_hours else {}
    if network.beside and inputs.beside:
        ahead[BESIDE] = network.beside.weight * len(inputs.beside)
    if network.quantiles:
        weights = {"quantiles": 1.0, **{name: weight * _PINBALL_SHARE for name, weight in ahead.items()}}
        losses = {**dict.fromkeys(ahead, loss), "quantiles": pinball(network.quantiles)}
    elif ahead:
        weights = {"forecast": 1.0, **ahead}
        losses = dict.fromkeys(weights, loss)
    else:
        return Objectives(loss, None, ["mae"])
    return Objectives(losses, weights, {"forecast": ["mae"]})


def taught(network: Network, batches: tf.data.Dataset) -> tf.data.Dataset:
    """Return batches in which the quantiles, too, have the forecast's target."""
    if not network.quantiles:
        return batches

    def twice(contexts: Any, targets: Any) -> tuple[Any, Any]:
        named = targets if isinstance(targets, dict) else {"forecast": targets}
        return contexts, {**named, "quantiles": named["forecast"]}

    return batches.map(twice)
