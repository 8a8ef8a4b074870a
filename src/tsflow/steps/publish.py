"""The last step of `retrain`: the run's best becomes champion."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from tsflow.champion.bundle import write_bundle
from tsflow.champion.manifest import FORMAT, Manifest
from tsflow.champion.pointer import promote
from tsflow.errors import NotEnoughData, TrainingError
from tsflow.evaluation.intervals import Intervals, fit_intervals, residuals_by_hour, score
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
    if board.champion is None:
        msg = f"run {run_id} has no entrant to publish"
        raise TrainingError(msg)
    facts = candidate_facts(objects, run_id, board.champion)
    files = {name: candidate_file(objects, facts, name) for name in facts["files"] if name.startswith("model.")}
    dataset = Dataset.load(objects, board.fingerprint)
    forecasts = candidate_predictions(objects, run_id, board.champion)
    intervals = conformal_intervals(forecasts)
    if intervals is not None:
        files["intervals.json"] = keys.to_json(intervals.to_dict())
    files["scaler.json"] = keys.to_json(dataset.scaler.to_dict())
    manifest_key, manifest_sha256 = write_bundle(
        objects, _manifest(board, facts, dataset, interval_scores(intervals, forecasts)), files
    )
    version = manifest_key.split("/")[-2]
    now = datetime.now(UTC).replace(microsecond=0)
    pointer = promote(objects, board.station, version, manifest_key, manifest_sha256, now=now)
    return {**asdict(pointer), "architecture": board.champion, "address": objects.address(keys.pointer(board.station))}


def conformal_intervals(forecasts: pd.DataFrame) -> Intervals | None:
    """Return split conformal intervals from the validation part's residuals; None if it has too few."""
    part = forecasts[forecasts["part"] == "validation"]
    residuals = (part["truth"] - part["forecast"]).to_numpy()
    try:
        return fit_intervals(residuals_by_hour(residuals, part["target_time"].to_numpy()))
    except NotEnoughData:
        return None


def interval_scores(intervals: Intervals | None, forecasts: pd.DataFrame) -> list[dict[str, Any]]:
    """Return coverage, width and pinball loss on the test part, by level; nothing where there is no test part."""
    part = forecasts[forecasts["part"] == "test"]
    if intervals is None or part.empty:
        return []
    columns = (part[name].to_numpy() for name in ("forecast", "target_time", "truth"))
    return [asdict(found) for found in score(intervals, *columns)]


def _manifest(board: Leaderboard, facts: dict[str, Any], dataset: Dataset, intervals: list[dict[str, Any]]) -> Manifest:
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
        metrics={
            **entrant.model_dump(exclude={"curve", "title", "status", "reason"}),
            "naive": board.naive,
            "intervals": intervals,
        },
        libraries=facts["libraries"],
        git_commit=facts["git_commit"],
        files={},
    )
