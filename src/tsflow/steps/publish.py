"""The last step of `retrain`: the run's best becomes champion."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.champion.bundle import write_bundle
from tsflow.champion.manifest import FORMAT, Manifest
from tsflow.champion.pointer import promote
from tsflow.errors import NotEnoughData
from tsflow.evaluation.intervals import Intervals, crps, fit_intervals, residuals_by_hour, score
from tsflow.evaluation.leaderboard import Leaderboard
from tsflow.steps.ranking import candidate_facts, candidate_file, candidate_predictions, latest_leaderboard
from tsflow.storage import keys
from tsflow.storage.objects import ObjectStore
from tsflow.windows.dataset import Dataset


def publish(objects: ObjectStore, run_id: str) -> dict[str, Any]:
    """Publish the best of the run's newest leaderboard and swap the pointer; return the pointer and its address.

    The version follows from the leaderboard, so that publishing it twice gives one bundle.
    """
    board = latest_leaderboard(objects, run_id)
    facts = candidate_facts(objects, run_id, board.champion)
    files = {name: candidate_file(objects, facts, name) for name in facts["files"] if name.startswith("model.")}
    dataset = Dataset.load(objects, board.fingerprint)
    intervals, scores = conformal(candidate_predictions(objects, facts))
    if intervals is not None:
        files["intervals.json"] = keys.to_json(intervals.to_dict())
    files["scaler.json"] = keys.to_json(dataset.scaler.to_dict())
    manifest_key, manifest_sha256 = write_bundle(objects, _manifest(board, facts, dataset, scores), files)
    version = manifest_key.split("/")[-2]
    now = datetime.now(UTC).replace(microsecond=0)
    pointer = promote(objects, board.station, version, manifest_key, manifest_sha256, now=now)
    return {**asdict(pointer), "architecture": board.champion, "address": objects.address(keys.pointer(board.station))}


def conformal(forecasts: pd.DataFrame) -> tuple[Intervals | None, dict[str, Any]]:
    """Return split conformal intervals from the validation part's residuals, and how they did on the test part.

    None if validation has too few origins; no scores where there is no test part.
    """
    validation, test = (forecasts[forecasts["part"] == part] for part in ("validation", "test"))
    groups = residuals_by_hour(_residuals(validation), validation["target_time"].to_numpy())
    try:
        intervals = fit_intervals(groups)
    except NotEnoughData:
        return None, {}
    if test.empty:
        return intervals, {}
    times = test["target_time"].to_numpy()
    scores = score(intervals, test["forecast"].to_numpy(), times, test["truth"].to_numpy())
    return intervals, {"intervals": [asdict(found) for found in scores], "crps": crps(groups, _residuals(test), times)}


def _residuals(part: pd.DataFrame) -> NDArray[np.float64]:
    return (part["truth"] - part["forecast"]).to_numpy(dtype=np.float64)


def _manifest(board: Leaderboard, facts: dict[str, Any], dataset: Dataset, scores: dict[str, Any]) -> Manifest:
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
        features=[{"name": name, "unit": unit} for name, unit in dataset.columns.items()],
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
        metrics={**entrant.model_dump(exclude={"curve", "title", "status", "reason"}), "naive": board.naive, **scores},
        libraries=facts["libraries"],
        git_commit=facts["git_commit"],
        files={},
    )
