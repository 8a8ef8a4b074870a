"""The last step of `retrain`: the run's best becomes champion."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.ensembles import Weights
from tsflow.bundle.manifest import FORMAT, Manifest
from tsflow.champion.bundle import write_bundle
from tsflow.champion.pointer import promote
from tsflow.evaluation.leaderboard import Leaderboard
from tsflow.evaluation.metrics import bias, mae, rmse
from tsflow.steps.candidates import candidate_facts, candidate_file, candidate_predictions
from tsflow.steps.combine import ensemble_parity, joined_onnx
from tsflow.steps.ranking import latest_leaderboard
from tsflow.steps.train import plan_refit
from tsflow.storage import keys
from tsflow.storage.codecs import digest, to_json
from tsflow.storage.objects import ObjectStore
from tsflow.training.fit import check
from tsflow.uncertainty.conformal import conformal
from tsflow.windows.dataset import Dataset


def publish(objects: ObjectStore, run_id: str) -> dict[str, Any]:
    """Publish the best of the run's newest leaderboard and swap the pointer; return the pointer and its address.

    The version follows from the leaderboard, so that publishing it twice gives one bundle.
    """
    board = latest_leaderboard(objects, run_id)
    facts = candidate_facts(objects, keys.run_folder(run_id), board.champion)
    dataset = Dataset.load(objects, board.fingerprint)
    refit = _refit(objects, run_id, facts, dataset)
    files = refit.files if refit else _model_files(objects, facts)
    intervals, scores = conformal(candidate_predictions(objects, facts))
    if intervals is not None:
        files["intervals.json"] = to_json(intervals.to_dict())
    files["scaler.json"] = to_json(dataset.scaler.to_dict())
    scores["refit"] = refit.errors if refit else None
    manifest_key, manifest_sha256 = write_bundle(objects, _manifest(board, facts, dataset, scores), files)
    version = manifest_key.split("/")[-2]
    now = datetime.now(UTC).replace(microsecond=0)
    pointer = promote(objects, board.station, version, manifest_key, manifest_sha256, now=now)
    return {**asdict(pointer), "architecture": board.champion, "address": objects.address(keys.pointer(board.station))}


@dataclass(frozen=True)
class Refit:
    """The champion trained once more on train and validation."""

    files: dict[str, bytes]
    errors: dict[str, float | None]  # of the test part, which neither fit has seen


def _refit(objects: ObjectStore, run_id: str, facts: dict[str, Any], dataset: Dataset) -> Refit | None:
    names = plan_refit(objects, run_id)
    if not names:
        return None
    refits = {name: candidate_facts(objects, keys.refit_folder(run_id), name) for name in names}
    weights = facts["found"].get("weights")
    if not weights:
        (only,) = refits.values()
        errors = {name: value for name, value in only["errors"].items() if name.startswith("test_")}
        return Refit(_model_files(objects, only), errors)
    onnx = joined_onnx({name: candidate_file(objects, refits[name], "model.onnx") for name in weights}, weights, dataset)
    joined = dataset.joined()
    members = np.stack([_test_forecasts(objects, refits[name]) for name in weights], axis=-1)  # [n_windows, n_members]
    now = dataset.values[joined.origins("test"), dataset.target_index]
    forecasts = Weights(np.array(list(weights.values()))).forecast(members, now)
    if not len(forecasts):
        return Refit({"model.onnx": onnx}, {})
    check(onnx, joined, "test", forecasts, at_most=ensemble_parity(len(weights)))
    truth = joined.targets("test")
    errors = {"test_mae": mae(truth, forecasts), "test_rmse": rmse(truth, forecasts), "test_bias": bias(truth, forecasts)}
    return Refit({"model.onnx": onnx}, errors)


def _test_forecasts(objects: ObjectStore, facts: dict[str, Any]) -> NDArray[np.float64]:
    table = candidate_predictions(objects, facts)
    return table.loc[table["part"] == "test", "forecast"].to_numpy(dtype=np.float64)


def _model_files(objects: ObjectStore, facts: dict[str, Any]) -> dict[str, bytes]:
    return {name: candidate_file(objects, facts, name) for name in facts["files"] if name.startswith("model.")}


def _manifest(board: Leaderboard, facts: dict[str, Any], dataset: Dataset, scores: dict[str, Any]) -> Manifest:
    board_hash = digest(to_json(board.model_dump(mode="json")))
    made = datetime.fromisoformat(board.created_at)
    entrant = board.entrant(facts["architecture"])
    return Manifest(
        format=FORMAT,
        station=board.station,
        version=f"{made:%Y%m%dT%H%M%S}-{board_hash[:8]}",
        run=board.run,
        architecture=facts["architecture"],
        title=facts["title"],
        settings=facts["settings"],
        features=[{"name": name, "unit": unit} for name, unit in dataset.columns.items()],
        target={"name": dataset.target, "unit": board.unit},
        context_hours=dataset.task.context_hours,
        horizon_hours=dataset.task.horizon_hours,
        hourly=dataset.hourly.model_dump(mode="json"),
        scaler=dataset.scaler.to_dict(),
        split={"name": board.split, "parts": board.parts},
        fingerprint=board.fingerprint,
        as_of=board.as_of,
        created_at=board.created_at,
        seed=board.seed,
        metrics={**entrant.model_dump(exclude={"curve", "title", "status", "reason", "memory"}), "naive": board.naive, **scores},
        libraries=facts["libraries"],
        git_commit=facts["git_commit"],
        files={},
    )
