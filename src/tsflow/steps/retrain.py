"""The steps of `retrain`: dataset, one training an architecture, leaderboard."""

import logging
import platform
import subprocess
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd

from tsflow.architectures.registry import load_architecture
from tsflow.errors import DataValidationError, IntegrityError, SettingsError, StorageUnavailable
from tsflow.evaluation import report
from tsflow.evaluation.leaderboard import Entrant, Leaderboard, naive_errors, part_errors, rank, with_skill
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.store import ObservationStore, to_parquet
from tsflow.settings import home, settings
from tsflow.stations.station import load_station
from tsflow.steps.requests import RetrainRequest, profile_settings
from tsflow.storage import keys
from tsflow.storage.objects import ObjectStore
from tsflow.training.epochs import Epoch, EpochStore
from tsflow.training.fit import Candidate, set_up_tensorflow, train
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import PARTS, split_settings

log = logging.getLogger(__name__)


def build_dataset(objects: ObjectStore, request: RetrainRequest, run_id: str) -> dict[str, Any]:
    """Cut the station's record into windows; return the run: its dataset's fingerprint and its entrants.

    Raises
    ------
    DataValidationError
        If the hourly frame fails its expectations.
    NotEnoughData
        If a part of the split has no window.
    """
    key = keys.run(run_id, "run.json")
    if (done := objects.find(key)) is not None:
        run: dict[str, Any] = keys.from_json(done, key)
        return run
    from tsflow.observations.validation import data_docs, validate_hourly

    request = request.checked()
    station, profile, chosen = load_station(request.station), profile_settings(request.profile), settings()
    as_of = request.moment(station)
    start = request.start
    if profile.history_days:
        start = max(filter(None, [start, as_of - timedelta(days=profile.history_days)]))
    observations = ObservationStore(objects, station.station).read(start=start, end=as_of)
    hourly = hourly_frame(observations, station, chosen.hourly)
    validation = validate_hourly(hourly.frame, station, list(station.variables))
    pages = data_docs(validation)
    for name, page in pages.items():
        objects.put_new(keys.run(run_id, f"validation/{name}"), page, "text/html")
    docs = keys.run(run_id, f"validation/{next(iter(pages))}")
    if not validation.success:
        raise DataValidationError(f"hourly frame: {validation.summary()}; Data Docs: {objects.address(docs)}")
    dataset = Dataset(
        station=station.station,
        target=station.target,
        units={name: variable.unit for name, variable in station.variables.items()},
        frame=hourly.frame,
        windows=chosen.windows,
        split=split_settings(chosen.splits, request.split),
        split_name=request.split,
        hourly=chosen.hourly,
        report=hourly.report,
    )
    run = {
        "run": run_id,
        "station": station.station,
        "as_of": as_of.isoformat(),
        "fingerprint": dataset.save(objects),
        "entrants": request.architectures,
        "profile": request.profile,
        "split": request.split,
        "seed": request.seed,
        "docs": docs,
    }
    if not objects.put_new(key, keys.to_json(run), "application/json"):
        run = keys.from_json(objects.get(key), key)
    return run


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
    try:
        set_up_tensorflow(threads)
        dataset = Dataset.load(objects, run["fingerprint"])
        recipe = load_architecture(architecture)
        candidate = train(
            recipe,
            dataset,
            EpochStore(objects, run_id, architecture),
            seed=run["seed"],
            max_epochs=profile_settings(run["profile"]).max_epochs,
            on_epoch=on_epoch,
        )
    except StorageUnavailable:
        raise  # says nothing of the entrant; the task tries again
    except Exception as error:
        record_failure(objects, run_id, architecture, error)
        raise
    facts = {
        "architecture": architecture,
        "title": recipe.title,
        "settings": recipe.model_dump(mode="json"),
        "parameters": candidate.parameters,
        "epochs": candidate.epochs,
        "best_epoch": candidate.best_epoch,
        "train_seconds": round(candidate.train_seconds, 3),
        "curve": [epoch.to_dict() for epoch in candidate.curve],
        "errors": part_errors(dataset, candidate.forecasts),
        "libraries": _libraries(),
        "git_commit": _git_commit(),
    }
    facts["files"] = _store_files(objects, run_id, architecture, candidate, dataset)
    if not objects.put_new(key, keys.to_json(facts), "application/json"):
        facts = keys.from_json(objects.get(key), key)  # another attempt was first; its files count
    return facts


def record_failure(objects: ObjectStore, run_id: str, architecture: str, error: BaseException) -> None:
    """Keep why an entrant failed, for the leaderboard."""
    reason = f"{type(error).__name__}: {error}".strip()
    body = {"reason": reason, "traceback": "".join(traceback.format_exception(error))}
    name = keys.stamp(datetime.now(UTC))
    objects.put_new(keys.run(run_id, f"failures/{architecture}/{name}.json"), keys.to_json(body), "application/json")


def rank_entrants(objects: ObjectStore, run_id: str) -> dict[str, Any]:
    """Write the run's leaderboard as JSON, Parquet and HTML; return where it lies and who leads it.

    Ranking again after a failed entrant was trained after all writes a further leaderboard.
    """
    run = read_run(objects, run_id)
    dataset = Dataset.load(objects, run["fingerprint"])
    naive = naive_errors(dataset)
    entrants = rank(run["entrants"], [_entrant(objects, run_id, name, naive) for name in run["entrants"]])
    board = Leaderboard(
        station=run["station"],
        run=run_id,
        split=run["split"],
        profile=run["profile"],
        seed=run["seed"],
        fingerprint=run["fingerprint"],
        as_of=run["as_of"],
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        horizon_hours=dataset.windows.horizon_hours,
        target=dataset.target,
        unit=dataset.units[dataset.target],
        parts=dataset.summary()["parts"],
        naive=naive,
        champion=entrants[0].architecture,
        entrants=entrants,
    )
    folder = _write_board(objects, board)
    written = _read_board(objects, folder)
    links = {"Data Docs": "../../validation/" + run["docs"].rpartition("/")[2]}
    objects.put_new(f"{folder}leaderboard.html", report.html(written, links), "text/html")
    objects.put_new(f"{folder}leaderboard.parquet", to_parquet(written.table()))
    return {"run": run_id, "leaderboard": f"{folder}leaderboard.json", "champion": written.champion}


def latest_leaderboard(objects: ObjectStore, run_id: str) -> Leaderboard:
    """Return a run's newest leaderboard; `SettingsError` if it has none."""
    folders = _boards(objects, run_id)
    if not folders:
        read_run(objects, run_id)
        msg = f"run {run_id!r} has no leaderboard; see `tsflow status` for whether it is still under way"
        raise SettingsError(msg)
    return _read_board(objects, folders[-1])


def runs_of(objects: ObjectStore, station: str | None) -> list[str]:
    """Return the runs that have a leaderboard, oldest first; of one station, or of all."""
    found = []
    for key in objects.keys("runs/"):
        parts = key.split("/")
        if key.endswith("/leaderboard.json") and (station is None or read_run(objects, parts[1])["station"] == station):
            found.append((_read_board(objects, key.rpartition("/")[0] + "/").created_at, parts[1]))
    return list(dict.fromkeys(run for _, run in sorted(found)))


def read_run(objects: ObjectStore, run_id: str) -> dict[str, Any]:
    """Return what a run was asked for; `SettingsError` if there is no such run."""
    key = keys.run(run_id, "run.json")
    body = objects.find(key)
    if body is None:
        msg = f"no run {run_id!r} in {objects.address('runs/')}; `tsflow leaderboard` shows the newest"
        raise SettingsError(msg)
    run: dict[str, Any] = keys.from_json(body, key)
    return run


def _boards(objects: ObjectStore, run_id: str) -> list[str]:
    found = objects.keys(keys.run(run_id, "leaderboard/"))
    return [key.removesuffix("leaderboard.json") for key in found if key.endswith("/leaderboard.json")]


def _read_board(objects: ObjectStore, folder: str) -> Leaderboard:
    key = f"{folder}leaderboard.json"
    return Leaderboard.model_validate(keys.from_json(objects.get(key), key))


def _write_board(objects: ObjectStore, board: Leaderboard) -> str:
    """Write the board under the next number unless the newest one says the same; return its folder."""
    while True:
        folders = _boards(objects, board.run)
        if folders and _read_board(objects, folders[-1]).entrants == board.entrants:
            return folders[-1]
        folder = keys.run(board.run, f"leaderboard/{len(folders) + 1:03d}/")
        body = keys.to_json(board.model_dump(mode="json"))
        if objects.put_new(f"{folder}leaderboard.json", body, "application/json"):
            return folder


def _entrant(objects: ObjectStore, run_id: str, architecture: str, naive: dict[str, float]) -> Entrant:
    key = keys.run(run_id, f"candidates/{architecture}.json")
    if (body := objects.find(key)) is not None:
        facts = keys.from_json(body, key)
        taken = ("architecture", "title", "parameters", "epochs", "best_epoch", "train_seconds", "curve")
        return Entrant(status="ok", **{name: facts[name] for name in taken}, **with_skill(facts["errors"], naive))
    reasons = objects.keys(keys.run(run_id, f"failures/{architecture}/"))
    reason = "left no result: its task was killed, or never ran; see its log in Airflow"
    if reasons:
        reason = keys.from_json(objects.get(reasons[-1]), reasons[-1])["reason"]
    return Entrant(architecture=architecture, title=load_architecture(architecture).title, status="failed", reason=reason)


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
    names = ("tsflow", "keras", "numpy", "pandas", "onnx", "onnxruntime", "tf2onnx")
    return {"python": platform.python_version(), **{name: version(name) for name in names}, "tensorflow": _tensorflow()}


def _tensorflow() -> str:
    import tensorflow as tf

    return str(tf.__version__)


def _git_commit() -> str | None:
    """Return the commit of the clone that trained, or None where there is no clone or no git."""
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=home(), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return asked.stdout.strip() or None
