"""The model that goes out: the chosen candidate, or the candidate trained once more on train and validation."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tsflow.architectures.ensembles import Weights
from tsflow.bundle.manifest import TestErrors
from tsflow.evaluation.scores import PartErrors
from tsflow.records import found
from tsflow.records.candidate import StoredCandidate
from tsflow.records.store import Records
from tsflow.training.combining import MODEL, ensemble_parity, joined_onnx
from tsflow.training.fit import check
from tsflow.training.storing import stored_forecasts
from tsflow.windows.dataset import Dataset


@dataclass(frozen=True)
class Outgoing:
    """The files of a model, and its errors on the test part, which it has not seen; None: it is the candidate itself."""

    files: dict[str, bytes]
    errors: TestErrors | None


def members_of(candidate: StoredCandidate) -> list[str]:
    """Return which entrants are to be trained once more for a candidate: itself, or its members."""
    chosen = candidate.found
    return list(chosen.weights) if isinstance(chosen, found.Weights) else [candidate.architecture]


def model_files(records: Records, candidate: StoredCandidate) -> dict[str, bytes]:
    """Return a candidate's model in all its forms, by file name."""
    return {name: records.opened(file) for name, file in candidate.files.items() if name.startswith("model.")}


def outgoing(records: Records, candidate: StoredCandidate, refits: Mapping[str, StoredCandidate], dataset: Dataset) -> Outgoing:
    """Return the model to publish. `refits`: the trainings on train and validation, by architecture; none: no refit."""
    if not refits:
        return Outgoing(model_files(records, candidate), None)
    if not isinstance(candidate.found, found.Weights):
        only = refits[candidate.architecture]
        rows = stored_forecasts(records, only).query("part == 'test'")
        errors = PartErrors.of(rows["truth"].to_numpy(dtype=np.float64), rows["forecast"].to_numpy(dtype=np.float64))
        return Outgoing(model_files(records, only), _as_published(errors))
    return _joined(records, candidate.found.weights, refits, dataset)


def _joined(records: Records, weights: Mapping[str, float], refits: Mapping[str, StoredCandidate], dataset: Dataset) -> Outgoing:
    """Return the weighted sum of refitted members."""
    onnx = joined_onnx({name: records.opened(refits[name].files[MODEL]) for name in weights}, weights, dataset)
    joined = dataset.joined()
    tables = [stored_forecasts(records, refits[name]) for name in weights]
    members = np.stack([table.loc[table["part"] == "test", "forecast"].to_numpy(dtype=np.float64) for table in tables], axis=-1)
    now = dataset.values[joined.origins("test"), dataset.target_index]
    forecasts = Weights(np.array(list(weights.values()))).forecast(members, now)  # [n_windows]
    if len(forecasts):
        check(onnx, joined, "test", forecasts, at_most=ensemble_parity(len(weights)))
    return Outgoing({MODEL: onnx}, _as_published(PartErrors.of(joined.targets("test"), forecasts)))


def _as_published(errors: PartErrors | None) -> TestErrors:
    return TestErrors(errors.mae, errors.rmse, errors.bias) if errors else TestErrors()
