"""Training an ensemble: weighing the candidates of its run."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tsflow.architectures.ensembles import Ensemble, Weights
from tsflow.architectures.graphs import weighted_sum
from tsflow.architectures.registry import load_architecture
from tsflow.errors import EntrantSkipped
from tsflow.steps.candidates import candidate_facts, candidate_file, candidate_predictions, is_trained
from tsflow.steps.run import read_run
from tsflow.storage import keys
from tsflow.storage.objects import ObjectStore
from tsflow.training.candidate import Candidate
from tsflow.training.export import PARITY_DEGC
from tsflow.training.fit import check
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import Part


def singles_of(run: dict[str, Any]) -> list[str]:
    """Return a run's entrants that learn from the dataset."""
    return [name for name in run["entrants"] if not isinstance(load_architecture(name), Ensemble)]


def ensembles_of(objects: ObjectStore, run_id: str) -> list[str]:
    """Return a run's entrants that are made of the others."""
    run = read_run(objects, run_id)
    singles = singles_of(run)
    return [name for name in run["entrants"] if name not in singles]


def combine(objects: ObjectStore, run_id: str, ensemble: Ensemble, dataset: Dataset) -> Candidate:
    """Weigh the run's candidates on validation; forecasts of the training part are not made, as candidates do not keep them.

    Raises
    ------
    TrainingError
        If the run has fewer than two members for it.
    EntrantSkipped
        If there are too few validation windows, or no member gets a weight.
    """
    began, folder = time.perf_counter(), keys.run_folder(run_id)
    members = ensemble.members([name for name in singles_of(read_run(objects, run_id)) if is_trained(objects, folder, name)])
    tables = [candidate_predictions(objects, candidate_facts(objects, folder, name)) for name in members]
    forecasts: dict[Part, Any] = {"train": np.full(len(dataset.starts("train")), np.nan)}
    inputs = {}
    parts: tuple[Part, Part] = ("validation", "test")
    for part in parts:
        given = np.stack([table.loc[table["part"] == part, "forecast"].to_numpy() for table in tables], axis=-1)
        inputs[part] = given, dataset.targets(part), dataset.values[dataset.origins(part), dataset.target_index]
    weights = ensemble.weigh(*inputs["validation"])
    forecasts["validation"] = ensemble.cross_fitted(*inputs["validation"], gap=dataset.task.span)
    forecasts["test"] = weights.forecast(inputs["test"][0], inputs["test"][2])
    chosen = {name: float(weight) for name, weight in zip(members, weights.members, strict=True) if weight > 0}
    if not chosen:
        msg = f"{ensemble.architecture}: no member gets a weight; on validation none of {', '.join(members)} adds anything to naive"
        raise EntrantSkipped(msg)
    facts = {name: candidate_facts(objects, folder, name) for name in chosen}
    onnx = joined_onnx({name: candidate_file(objects, facts[name], "model.onnx") for name in chosen}, chosen, dataset)
    plain = weights.forecast(inputs["validation"][0], inputs["validation"][2])
    check(onnx, dataset, "validation", plain, at_most=ensemble_parity(len(chosen)))
    return Candidate(
        parameters=sum(found["parameters"] for found in facts.values()) + len(chosen),
        epochs=0,
        best_epoch=0,
        train_seconds=time.perf_counter() - began,
        curve=[],
        forecasts=forecasts,
        files={"model.onnx": onnx},
        found={"weights": chosen},
    )


def ensemble_parity(members: int) -> float:
    """Return by how many degC an ensemble's graph may differ from its members' forecasts: what each of them may, added up."""
    return PARITY_DEGC * members


def joined_onnx(models: dict[str, bytes], weights: dict[str, float], dataset: Dataset) -> bytes:
    """Return the graph of the members' weighted sum; what is left to 1 is the value at the origin."""
    now = Weights(np.array(list(weights.values()))).now
    shape = (dataset.task.context_hours, len(dataset.columns))
    return weighted_sum([models[name] for name in weights], list(weights.values()), shape, (now, dataset.target_index))
