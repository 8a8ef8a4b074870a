"""The step that trains one entrant of a run."""

import logging
import platform
import subprocess
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd

from tsflow import architectures, training, windows
from tsflow.architectures.registry import Architecture, load_architecture
from tsflow.errors import IntegrityError, StorageUnavailable
from tsflow.evaluation.leaderboard import part_errors
from tsflow.observations.store import to_parquet
from tsflow.settings import home
from tsflow.steps.requests import profile_settings
from tsflow.steps.run import first_result, read_run
from tsflow.storage import keys
from tsflow.storage.objects import ObjectStore
from tsflow.training.epochs import Epoch, EpochStore
from tsflow.training.fit import Candidate, set_up_tensorflow, train
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import PARTS

log = logging.getLogger(__name__)


def train_entrant(
    objects: ObjectStore,
    run_id: str,
    architecture: str,
    *,
    threads: int = 0,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> dict[str, Any]:
    """Train one entrant of a run; return its candidate's reference. A failure is recorded and raised again."""
    key = keys.run(run_id, f"candidates/{architecture}.json")
    if (done := objects.find(key)) is not None:
        found: dict[str, Any] = keys.from_json(done, key)
        return found
    run = read_run(objects, run_id)
    recipe, max_epochs = load_architecture(architecture), profile_settings(run["profile"]).max_epochs
    training_id = _training_id(recipe, run, max_epochs)
    trained = keys.training(training_id)
    if (body := objects.find(trained)) is not None:  # the same data, recipe, seed, code and libraries: the same candidate
        return first_result(objects, key, keys.from_json(body, trained))
    try:
        set_up_tensorflow(threads)
        dataset = Dataset.load(objects, run["fingerprint"])
        epochs = EpochStore(objects, run_id, architecture, training_id)
        candidate = train(recipe, dataset, epochs, seed=run["seed"], max_epochs=max_epochs, on_epoch=on_epoch)
    except StorageUnavailable:
        raise  # says nothing of the entrant; the task tries again
    except Exception as error:
        record_failure(objects, run_id, architecture, error)
        raise
    facts = {
        "run": run_id,
        "architecture": architecture,
        "title": recipe.title,
        "settings": recipe.identity(),
        "parameters": candidate.parameters,
        "epochs": candidate.epochs,
        "best_epoch": candidate.best_epoch,
        "train_seconds": round(candidate.train_seconds, 3),
        "curve": [epoch.to_dict() for epoch in candidate.curve],
        "errors": part_errors(dataset, candidate.forecasts),
        "libraries": _libraries(),
        "git_commit": _git_commit(),
        "files": _store_files(objects, run_id, architecture, candidate, dataset),
    }
    facts = first_result(objects, key, facts)
    objects.put_new(trained, keys.to_json(facts), "application/json")
    return facts


def record_failure(objects: ObjectStore, run_id: str, architecture: str, error: BaseException) -> None:
    """Keep why an entrant failed, for the leaderboard."""
    reason = f"{type(error).__name__}: {error}".strip()
    body = {"reason": reason, "traceback": "".join(traceback.format_exception(error))}
    name = keys.stamp(datetime.now(UTC))
    objects.put_new(keys.run(run_id, f"failures/{architecture}/{name}.json"), keys.to_json(body), "application/json")


def _training_id(recipe: Architecture, run: dict[str, Any], max_epochs: int | None) -> str:
    """Return a hash of everything that decides a candidate."""
    decides = {
        "fingerprint": run["fingerprint"],
        "recipe": recipe.identity(),
        "seed": run["seed"],
        "max_epochs": max_epochs,
        "code": _code_digest(),
        "libraries": _libraries(),
    }
    return keys.digest(keys.to_json(decides))[:24]


def _store_files(
    objects: ObjectStore, run_id: str, architecture: str, candidate: Candidate, dataset: Dataset
) -> dict[str, dict[str, Any]]:
    """Put a candidate's files into a folder of this attempt's own; return key, hash and size of each."""
    attempt = uuid4().hex[:12]
    files = dict(candidate.files)
    files["predictions.parquet"] = to_parquet(predictions(dataset, candidate))
    named = {}
    for name, body in files.items():
        key = keys.run(run_id, f"candidates/{architecture}/{attempt}/{name}")
        if not objects.put_new(key, body):
            msg = f"{objects.address(key)} is taken, though its folder is new"
            raise IntegrityError(msg)
        named[name] = {"key": key, "sha256": keys.digest(body), "size": len(body)}
    return named


def predictions(dataset: Dataset, candidate: Candidate) -> pd.DataFrame:
    """Return every forecast of validation and test: part, origin, target time, truth and forecast in degC."""
    frames = []
    for part in PARTS[1:]:
        origins = dataset.origins(part)
        frames.append(
            pd.DataFrame(
                {
                    "part": np.full(len(origins), part),
                    "origin": dataset.times[origins],
                    "target_time": dataset.times[origins + dataset.windows.horizon_hours],
                    "truth": dataset.targets(part),
                    "forecast": candidate.forecasts[part],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _libraries() -> dict[str, str]:
    names = ["tsflow", "keras", "numpy", "pandas", "onnx", "onnxruntime", "tf2onnx"]
    tensorflow = next(name for name in ("tensorflow-cpu", "tensorflow") if _installed(name))
    return {"python": platform.python_version(), **{name: version(name) for name in [*names, tensorflow]}}


@cache
def _code_digest() -> str:
    """Return a hash of the source that decides what a training gives."""
    sources = (path for package in (architectures, training, windows) for path in Path(package.__path__[0]).glob("*.py"))
    return keys.digest(b"".join(path.read_bytes() for path in sorted(sources)))


def _installed(distribution: str) -> bool:
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False


def _git_commit() -> str | None:
    """Return the commit of the clone that trained, or None where there is no clone or no git."""
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=home(), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return asked.stdout.strip() or None
