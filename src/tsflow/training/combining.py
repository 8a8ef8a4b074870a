"""Training an ensemble: weighing the candidates of its run."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.architectures.ensembles import Ensemble, Weights
from tsflow.architectures.graphs import weighted_sum
from tsflow.architectures.quantiles import common, places, pooled
from tsflow.errors import EntrantSkipped
from tsflow.records import found
from tsflow.records.candidate import StoredCandidate
from tsflow.records.dataset import Part
from tsflow.records.store import Records
from tsflow.training.candidate import Candidate
from tsflow.training.export import PARITY_DEGC
from tsflow.training.fit import check
from tsflow.training.storing import quantile_columns, stored_forecasts
from tsflow.windows.dataset import Dataset

MODEL = "model.onnx"


def combine(records: Records, ensemble: Ensemble, trained: Mapping[str, StoredCandidate], dataset: Dataset) -> Candidate:
    """Weigh candidates on validation; forecasts of the training part are not made.

    Parameters
    ----------
    trained
        The run's candidates that learn from the dataset, by architecture.

    Raises
    ------
    TrainingError
        If there are fewer than two members for it.
    EntrantSkipped
        If there are too few validation windows, or no member gets a weight.
    """
    began = time.perf_counter()
    members = ensemble.members(list(trained))
    tables = [stored_forecasts(records, trained[name]) for name in members]
    inputs = {}
    parts: tuple[Part, Part] = ("validation", "test")
    for part in parts:
        given = np.stack([table.loc[table["part"] == part, "forecast"].to_numpy() for table in tables], axis=-1)
        inputs[part] = given, dataset.targets(part), dataset.values[dataset.origins(part), dataset.target_index]
    weights = ensemble.weigh(*inputs["validation"])
    cross_fitted = ensemble.cross_fitted(*inputs["validation"], gap=dataset.task.span)
    chosen = {name: float(weight) for name, weight in zip(members, weights.members, strict=True) if weight > 0}
    if not chosen:
        msg = f"{ensemble.architecture}: no member gets a weight; on validation none of {', '.join(members)} adds anything to naive"
        raise EntrantSkipped(msg)
    judged = {name: table[table["part"] != "train"] for name, table in zip(members, tables, strict=True) if name in chosen}
    spread = Spreads.of(judged)
    onnx = joined_onnx({name: records.opened(trained[name].files[MODEL]) for name in chosen}, chosen, dataset, spread)
    plain = {part: weights.forecast(inputs[part][0], inputs[part][2]) for part in parts}
    exported = spread.around(plain["validation"], judged, chosen, "validation")
    check(onnx, dataset, dataset.starts("validation"), plain["validation"], exported, at_most=ensemble_parity(len(chosen)))
    told: dict[Part, NDArray[np.float64]] = {"validation": cross_fitted, "test": plain["test"]}
    quantiles = {part: spread.around(told[part], judged, chosen, part) for part in parts}
    return Candidate(
        parameters=sum(trained[name].parameters for name in chosen) + len(chosen),
        epochs=0,
        best_epoch=0,
        train_seconds=time.perf_counter() - began,
        curve=[],
        forecasts={"train": np.full(len(dataset.starts("train")), np.nan), **told},
        quantile_levels=tuple(spread.levels),
        quantiles={part: found for part, found in quantiles.items() if found is not None},
        files={MODEL: onnx},
        found=found.Weights(weights=chosen),
    )


def ensemble_parity(members: int) -> float:
    """Return by how many degC an ensemble's graph may differ from its members' forecasts: what each of them may, added up."""
    return PARITY_DEGC * members


@dataclass(frozen=True)
class Spreads:
    """Which quantiles an ensemble forecasts: the levels that all of its members have who have any."""

    levels: list[float]  # none: no member has any, or they share fewer than two
    own: dict[str, list[float]]  # of each member

    @classmethod
    def of(cls, forecasts: Mapping[str, pd.DataFrame]) -> "Spreads":
        """Read it off the members' stored forecasts."""
        own = {name: list(quantile_columns(table)) for name, table in forecasts.items()}
        return cls(common(own), own)

    def columns(self, member: str) -> list[int]:
        """Return which of a member's quantiles count."""
        return places(self.own[member], self.levels) if self.own[member] else []

    def around(
        self, forecasts: NDArray[np.float64], members: Mapping[str, pd.DataFrame], weights: Mapping[str, float], part: Part
    ) -> NDArray[np.float64] | None:
        """Return the quantiles [n, n_levels] around an ensemble's forecasts [n] of a part (`pooled`); None without levels."""
        if not self.levels:
            return None
        having = [name for name in weights if self.own[name]]
        given = []
        for name in having:
            rows = members[name][members[name]["part"] == part]
            names = [quantile_columns(members[name])[level] for level in self.levels]
            given.append((rows["forecast"].to_numpy(dtype=np.float64), rows[names].to_numpy(dtype=np.float64)))
        return pooled(forecasts, given, [weights[name] for name in having])


def joined_onnx(models: Mapping[str, bytes], weights: Mapping[str, float], dataset: Dataset, spread: Spreads) -> bytes:
    """Return the graph of the members' weighted sum; what is left to 1 is the value at the origin."""
    now = Weights(np.array(list(weights.values()))).now
    shape = (dataset.task.context_hours, len(dataset.columns))
    columns = [spread.columns(name) for name in weights]
    return weighted_sum([models[name] for name in weights], list(weights.values()), shape, (now, dataset.target_index), columns)
