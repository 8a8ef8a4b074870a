"""Training an ensemble: weighing the candidates of its run."""

import time
from collections.abc import Mapping

import numpy as np

from tsflow.architectures.ensembles import Ensemble, Weights
from tsflow.architectures.graphs import weighted_sum
from tsflow.errors import EntrantSkipped
from tsflow.records import found
from tsflow.records.candidate import StoredCandidate
from tsflow.records.dataset import Part
from tsflow.records.store import Records
from tsflow.training.candidate import Candidate
from tsflow.training.export import PARITY_DEGC
from tsflow.training.fit import check
from tsflow.training.storing import stored_forecasts
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
    onnx = joined_onnx({name: records.opened(trained[name].files[MODEL]) for name in chosen}, chosen, dataset)
    plain = weights.forecast(inputs["validation"][0], inputs["validation"][2])
    check(onnx, dataset, "validation", plain, at_most=ensemble_parity(len(chosen)))
    return Candidate(
        parameters=sum(trained[name].parameters for name in chosen) + len(chosen),
        epochs=0,
        best_epoch=0,
        train_seconds=time.perf_counter() - began,
        curve=[],
        forecasts={
            "train": np.full(len(dataset.starts("train")), np.nan),
            "validation": cross_fitted,
            "test": weights.forecast(inputs["test"][0], inputs["test"][2]),
        },
        files={MODEL: onnx},
        found=found.Weights(weights=chosen),
    )


def ensemble_parity(members: int) -> float:
    """Return by how many degC an ensemble's graph may differ from its members' forecasts: what each of them may, added up."""
    return PARITY_DEGC * members


def joined_onnx(models: Mapping[str, bytes], weights: Mapping[str, float], dataset: Dataset) -> bytes:
    """Return the graph of the members' weighted sum; what is left to 1 is the value at the origin."""
    now = Weights(np.array(list(weights.values()))).now
    shape = (dataset.task.context_hours, len(dataset.columns))
    return weighted_sum([models[name] for name in weights], list(weights.values()), shape, (now, dataset.target_index))
