"""Reading what trainings of a run left."""

from typing import Any

import pandas as pd

from tsflow.champion.manifest import BundleFile, check
from tsflow.observations.store import from_parquet
from tsflow.storage import keys
from tsflow.storage.objects import ObjectStore


def is_trained(objects: ObjectStore, run_id: str, architecture: str) -> bool:
    """Return whether an entrant of a run left a candidate."""
    return objects.find(keys.run(run_id, f"candidates/{architecture}.json")) is not None


def candidate_facts(objects: ObjectStore, run_id: str, architecture: str, folder: str = "candidates") -> dict[str, Any]:
    """Return what training, or with folder `refits` the refit, left of an entrant."""
    key = keys.run(run_id, f"{folder}/{architecture}.json")
    facts: dict[str, Any] = keys.from_json(objects.get(key), key)
    return facts


def candidate_file(objects: ObjectStore, facts: dict[str, Any], name: str) -> bytes:
    """Return a file of a candidate; `IntegrityError` if it is not the one that was written."""
    file = facts["files"][name]
    return check(objects.get(file["key"]), BundleFile(file["sha256"], file["size"]), file["key"])


def candidate_predictions(objects: ObjectStore, run_id: str, architecture: str) -> pd.DataFrame:
    """Return an entrant's forecasts of validation and test: part, origin, target_time, truth, forecast, and any leads."""
    return predictions_of(objects, candidate_facts(objects, run_id, architecture))


def predictions_of(objects: ObjectStore, facts: dict[str, Any]) -> pd.DataFrame:
    """Return the forecasts that go with a candidate's facts."""
    name = "predictions.parquet"
    return from_parquet(candidate_file(objects, facts, name), facts["files"][name]["key"])
