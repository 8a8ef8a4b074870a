"""The steps that train an entrant of a run, and the best once more on all that selection has seen."""

import logging
import platform
import subprocess
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd

from tsflow import __version__, architectures, features, training, windows
from tsflow.architectures.ensembles import Ensemble
from tsflow.architectures.registry import Architecture, families, load_architecture
from tsflow.errors import EntrantSkipped, IntegrityError, StorageUnavailable
from tsflow.evaluation.leaderboard import part_errors
from tsflow.evaluation.leads import lead_errors
from tsflow.folders import home
from tsflow.steps.candidates import candidate_facts
from tsflow.steps.combine import combine
from tsflow.steps.ranking import latest_leaderboard
from tsflow.steps.requests import profile_settings
from tsflow.steps.run import first_result, read_run, stored_result
from tsflow.storage import keys
from tsflow.storage.codecs import digest, stamp, to_json, to_parquet
from tsflow.storage.objects import ObjectStore
from tsflow.training.candidate import Candidate
from tsflow.training.epochs import Epoch, EpochStore
from tsflow.training.fit import set_up_tensorflow, train
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
    """Train one entrant of a run, or weigh an ensemble; return its candidate. A failure or a skip is recorded and raised again."""
    run, folder, recipe = read_run(objects, run_id), keys.run_folder(run_id), load_architecture(architecture)

    def load() -> Dataset:
        return Dataset.load(objects, run["fingerprint"])

    if not isinstance(recipe, Ensemble):
        return train_once(objects, folder, run, recipe, load, threads=threads, on_epoch=on_epoch)
    key = keys.candidate(folder, architecture)
    if (done := stored_result(objects, key)) is not None:
        return done
    with _recorded(objects, folder, architecture):
        dataset = load()
        candidate = combine(objects, run_id, recipe, dataset)
    return first_result(objects, key, _stored(objects, folder, run["run"], recipe, candidate, dataset=dataset))


def plan_refit(objects: ObjectStore, run_id: str) -> list[str]:
    """Return which candidates of a run are to be trained once more on train and validation: the best, or its members."""
    run = read_run(objects, run_id)
    if not profile_settings(run["profile"]).refit:
        return []
    best = candidate_facts(objects, keys.run_folder(run_id), latest_leaderboard(objects, run_id).champion)
    return list(best["found"]["weights"]) if "weights" in best["found"] else [best["architecture"]]


def refit_entrant(
    objects: ObjectStore,
    run_id: str,
    architecture: str,
    *,
    threads: int = 0,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> dict[str, Any]:
    """Train a candidate once more on train and validation, with the epochs, rounds or penalty that validation found."""
    run, facts = read_run(objects, run_id), candidate_facts(objects, keys.run_folder(run_id), architecture)
    recipe = families()[facts["settings"]["builder"]].model_validate(facts["settings"]).settled(facts["found"])
    dataset = Dataset.load(objects, run["fingerprint"]).joined()
    decides = run | {"fingerprint": dataset.fingerprint}
    folder = keys.refit_folder(run_id)
    return train_once(objects, folder, decides, recipe, lambda: dataset, threads=threads, on_epoch=on_epoch)


def train_once(
    objects: ObjectStore,
    folder: str,
    run: dict[str, Any],
    recipe: Architecture,
    load: Callable[[], Dataset],
    *,
    threads: int,
    on_epoch: Callable[[Epoch], None],
) -> dict[str, Any]:
    """Train an entrant unless it was trained before; return its candidate, kept in `folder`.

    `run` says what decides the training: run, fingerprint, profile, seed; `load` gives the data of that fingerprint.
    """
    key = keys.candidate(folder, recipe.architecture)
    if (done := stored_result(objects, key)) is not None:
        return done
    max_epochs = profile_settings(run["profile"]).max_epochs
    training_id = _training_id(recipe, run, max_epochs)
    trained = keys.training(training_id)
    if (same := stored_result(objects, trained)) is not None:  # the same data, recipe, seed, code and libraries
        return first_result(objects, key, same)
    with _recorded(objects, folder, recipe.architecture):
        set_up_tensorflow(threads)
        dataset, epochs = load(), EpochStore(objects, folder, recipe.architecture, training_id)
        candidate = train(recipe, dataset, epochs, seed=run["seed"], max_epochs=max_epochs, on_epoch=on_epoch)
    facts = first_result(objects, key, _stored(objects, folder, run["run"], recipe, candidate, dataset=dataset))
    objects.put_new(trained, to_json(facts), "application/json")
    return facts


@contextmanager
def _recorded(objects: ObjectStore, folder: str, architecture: str) -> Iterator[None]:
    """Record why a training failed, and let the error go on."""
    try:
        yield
    except StorageUnavailable:
        raise  # says nothing of the entrant; the task tries again
    except Exception as error:
        record_failure(objects, folder, architecture, error)
        raise


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
    return digest(to_json(decides))[:24]


def _stored(
    objects: ObjectStore, folder: str, run_id: str, recipe: Architecture, candidate: Candidate, *, dataset: Dataset
) -> dict[str, Any]:
    """Store a candidate's files and return its facts."""
    return {
        "run": run_id,
        "architecture": recipe.architecture,
        "title": recipe.title,
        "published_mae": recipe.published_mae,
        "settings": recipe.identity(),
        "parameters": candidate.parameters,
        "epochs": candidate.epochs,
        "best_epoch": candidate.best_epoch,
        "train_seconds": round(candidate.train_seconds, 3),
        "curve": [epoch.to_dict() for epoch in candidate.curve],
        "errors": part_errors(dataset, candidate.forecasts),
        "found": candidate.found,
        "lead_errors": lead_errors(dataset, candidate.lead_hours, candidate.leads, candidate.forecasts),
        "memory": candidate.memory,
        "libraries": _libraries(),
        "git_commit": _git_commit(),
        "files": _store_files(objects, folder, recipe.architecture, candidate, dataset),
    }


def record_failure(objects: ObjectStore, folder: str, architecture: str, error: BaseException) -> None:
    """Keep why an entrant of a run or of a fold failed or was skipped."""
    skipped = isinstance(error, EntrantSkipped)
    reason = str(error) if skipped else f"{type(error).__name__}: {error}".strip()
    status = "skipped" if skipped else "failed"
    body = {"status": status, "reason": reason, "traceback": "".join(traceback.format_exception(error))}
    name = stamp(datetime.now(UTC))
    objects.put_new(f"{keys.failures(folder, architecture)}{name}.json", to_json(body), "application/json")


def _store_files(
    objects: ObjectStore, folder: str, architecture: str, candidate: Candidate, dataset: Dataset
) -> dict[str, dict[str, Any]]:
    """Put a candidate's files into a folder of this attempt's own; return key, hash and size of each."""
    attempt = uuid4().hex[:12]
    files = dict(candidate.files)
    files["predictions.parquet"] = to_parquet(predictions(dataset, candidate))
    named = {}
    for name, body in files.items():
        key = keys.candidate_file(folder, architecture, attempt, name)
        if not objects.put_new(key, body):
            msg = f"{objects.address(key)} is taken, though its folder is new"
            raise IntegrityError(msg)
        named[name] = {"key": key, "sha256": digest(body), "size": len(body)}
    return named


def predictions(dataset: Dataset, candidate: Candidate) -> pd.DataFrame:
    """Return every forecast of validation and test: part, origin, target time; truth, forecast and leads in degC."""
    frames = []
    for part in PARTS[1:]:
        origins = dataset.origins(part)
        leads = {f"lead_{hours}": place for place, hours in enumerate(candidate.lead_hours) if len(origins)}
        frames.append(
            pd.DataFrame(
                {
                    "part": np.full(len(origins), part),
                    "origin": dataset.times[origins],
                    "target_time": dataset.times[origins + dataset.task.horizon_hours],
                    "truth": dataset.targets(part),
                    "forecast": candidate.forecasts[part],
                    **{name: candidate.leads[part][:, place] for name, place in leads.items()},
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _libraries() -> dict[str, str]:
    names = ["keras", "lightgbm", "numpy", "pandas", "onnx", "onnxruntime", "pvlib", "scipy", "statsmodels", "tf2onnx"]
    names += [name for name in ("prophet",) if _installed(name)]  # extras
    tensorflow = next(name for name in ("tensorflow-cpu", "tensorflow") if _installed(name))
    return {"python": platform.python_version(), "tsflow": __version__, **{name: version(name) for name in [*names, tensorflow]}}


@cache
def _code_digest() -> str:
    """Return a hash of the source that decides what a training gives."""
    sources = (path for package in (architectures, features, training, windows) for path in Path(package.__path__[0]).glob("*.py"))
    return digest(b"".join(path.read_bytes() for path in sorted(sources)))


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
