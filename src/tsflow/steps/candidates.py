"""Reading what trainings left, in the folder of a run, of its refits, or of a backtest's fold."""

from typing import Any, Literal, TypedDict

import pandas as pd

from tsflow.bundle.manifest import BundleFile, check
from tsflow.storage import keys
from tsflow.storage.codecs import from_json, from_parquet
from tsflow.storage.objects import ObjectStore


class Why(TypedDict):
    """Why an entrant has no candidate."""

    status: Literal["failed", "skipped"]
    reason: str


def is_trained(objects: ObjectStore, folder: str, architecture: str) -> bool:
    """Return whether an entrant left a candidate."""
    return objects.find(keys.candidate(folder, architecture)) is not None


def candidate_facts(objects: ObjectStore, folder: str, architecture: str) -> dict[str, Any]:
    """Return what training left of an entrant."""
    key = keys.candidate(folder, architecture)
    facts: dict[str, Any] = from_json(objects.get(key), key)
    return facts


def candidate_file(objects: ObjectStore, facts: dict[str, Any], name: str) -> bytes:
    """Return a file of a candidate; `IntegrityError` if it is not the one that was written."""
    file = facts["files"][name]
    return check(objects.get(file["key"]), BundleFile(file["sha256"], file["size"]), file["key"])


def candidate_predictions(objects: ObjectStore, facts: dict[str, Any]) -> pd.DataFrame:
    """Return a candidate's forecasts of validation and test: part, origin, target_time, truth, forecast, lead_{hours}."""
    name = "predictions.parquet"
    return from_parquet(candidate_file(objects, facts, name), facts["files"][name]["key"])


def why_failed(objects: ObjectStore, folder: str, architecture: str) -> Why:
    """Return why an entrant of a run or of a fold has no candidate."""
    reasons = objects.keys(keys.failures(folder, architecture))
    if not reasons:
        return {"status": "failed", "reason": "left no result: its task was killed, or never ran; see its log in Airflow"}
    found = from_json(objects.get(reasons[-1]), reasons[-1])
    return {"status": found["status"], "reason": found["reason"]}
