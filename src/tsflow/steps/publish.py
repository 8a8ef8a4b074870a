"""The last step of `retrain`: the run's best becomes champion."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tsflow.champion.bundle import write_bundle
from tsflow.champion.manifest import FORMAT, BundleFile, Manifest, check
from tsflow.champion.pointer import promote
from tsflow.errors import TrainingError
from tsflow.evaluation.leaderboard import Leaderboard
from tsflow.steps.ranking import latest_leaderboard
from tsflow.storage import keys
from tsflow.storage.objects import ObjectStore
from tsflow.windows.dataset import Dataset


def publish(objects: ObjectStore, run_id: str) -> dict[str, Any]:
    """Publish the best of the run's newest leaderboard and swap the pointer; return the pointer and its address.

    The version follows from the leaderboard, so that publishing it twice gives one bundle.
    """
    board = latest_leaderboard(objects, run_id)
    if board.champion is None:
        msg = f"run {run_id} has no entrant to publish"
        raise TrainingError(msg)
    key = keys.run(run_id, f"candidates/{board.champion}.json")
    facts = keys.from_json(objects.get(key), key)
    files = {
        name: check(objects.get(file["key"]), BundleFile(file["sha256"], file["size"]), file["key"])
        for name, file in facts["files"].items()
        if name.startswith("model.")
    }
    dataset = Dataset.load(objects, board.fingerprint)
    files["scaler.json"] = keys.to_json(dataset.scaler.to_dict())
    manifest_key, manifest_sha256 = write_bundle(objects, _manifest(board, facts, dataset), files)
    version = manifest_key.split("/")[-2]
    now = datetime.now(UTC).replace(microsecond=0)
    pointer = promote(objects, board.station, version, manifest_key, manifest_sha256, now=now)
    return {**asdict(pointer), "architecture": board.champion, "address": objects.address(keys.pointer(board.station))}


def _manifest(board: Leaderboard, facts: dict[str, Any], dataset: Dataset) -> Manifest:
    digest = keys.digest(keys.to_json(board.model_dump(mode="json")))
    made = datetime.fromisoformat(board.created_at)
    entrant = board.entrant(facts["architecture"])
    return Manifest(
        format=FORMAT,
        station=board.station,
        version=f"{made:%Y%m%dT%H%M%S}-{digest[:8]}",
        run=board.run,
        architecture=facts["architecture"],
        title=facts["title"],
        settings=facts["settings"],
        features=[{"name": name, "unit": unit} for name, unit in dataset.units.items()],
        target={"name": dataset.target, "unit": board.unit},
        context_hours=dataset.windows.context_hours,
        horizon_hours=dataset.windows.horizon_hours,
        hourly=dataset.hourly.model_dump(mode="json"),
        scaler=dataset.scaler.to_dict(),
        split={"name": board.split, "parts": board.parts},
        fingerprint=board.fingerprint,
        as_of=board.as_of,
        created_at=board.created_at,
        seed=board.seed,
        metrics={**entrant.model_dump(exclude={"curve", "title", "status", "reason"}), "naive": board.naive},
        libraries=facts["libraries"],
        git_commit=facts["git_commit"],
        files={},
    )
