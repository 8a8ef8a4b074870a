"""The step that ranks a run's entrants, and the reading of leaderboards."""

from datetime import UTC, datetime
from typing import Any

from tsflow.architectures.registry import load_architecture
from tsflow.errors import SettingsError
from tsflow.evaluation import report
from tsflow.evaluation.leaderboard import Entrant, Leaderboard, naive_errors, rank, with_skill
from tsflow.steps.candidates import candidate_facts, candidate_predictions, why_failed
from tsflow.steps.numbered import numbered, write_numbered
from tsflow.steps.run import read_run
from tsflow.storage import keys
from tsflow.storage.codecs import from_json, to_parquet
from tsflow.storage.objects import ObjectStore
from tsflow.uncertainty.conformal import conformal
from tsflow.uncertainty.verdicts import certainty_of
from tsflow.windows.dataset import Dataset

_BOARD = "leaderboard.json"


def rank_entrants(objects: ObjectStore, run_id: str) -> dict[str, Any]:
    """Write the run's leaderboard as JSON, Parquet and HTML; return where it lies and who leads it.

    Ranking again after a failed entrant was trained after all writes a further leaderboard.
    """
    run = read_run(objects, run_id)
    dataset = Dataset.load(objects, run["fingerprint"])
    naive = naive_errors(dataset)
    entrants = rank(run["entrants"], [_entrant(objects, run_id, name, naive) for name in run["entrants"]])
    trained = [entrant.architecture for entrant in entrants if entrant.status == "ok"]
    forecasts = {name: candidate_predictions(objects, candidate_facts(objects, keys.run_folder(run_id), name)) for name in trained}
    sure = certainty_of(forecasts, trained[0], horizon_hours=dataset.task.horizon_hours)
    bands = {name: conformal(frame)[1] for name, frame in forecasts.items()}
    entrants = [
        entrant.model_copy(update={**sure.get(entrant.architecture, {}), **bands.get(entrant.architecture, {})})
        for entrant in entrants
    ]
    board = Leaderboard(
        station=run["station"],
        run=run_id,
        split=run["split"],
        profile=run["profile"],
        seed=run["seed"],
        fingerprint=run["fingerprint"],
        as_of=run["as_of"],
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        horizon_hours=dataset.task.horizon_hours,
        target=dataset.target,
        unit=dataset.units[dataset.target],
        parts=dataset.summary()["parts"],
        naive=naive,
        champion=entrants[0].architecture,
        entrants=entrants,
    )
    folder = write_numbered(objects, keys.run(run_id, "leaderboard/"), _BOARD, board.model_dump(mode="json"))
    written = _read_board(objects, folder)
    links = {"Data Docs": "../../validation/" + run["docs"].rpartition("/")[2]}
    objects.put_new(f"{folder}leaderboard.html", report.html(written, links), "text/html")
    objects.put_new(f"{folder}leaderboard.parquet", to_parquet(written.table()))
    return {"run": run_id, "leaderboard": f"{folder}leaderboard.json", "champion": written.champion}


def latest_leaderboard(objects: ObjectStore, run_id: str) -> Leaderboard:
    """Return a run's newest leaderboard; `SettingsError` if it has none."""
    folders = numbered(objects, keys.run(run_id, "leaderboard/"), _BOARD)
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


def _read_board(objects: ObjectStore, folder: str) -> Leaderboard:
    key = f"{folder}{_BOARD}"
    return Leaderboard.model_validate(from_json(objects.get(key), key))


def _entrant(objects: ObjectStore, run_id: str, architecture: str, naive: dict[str, float]) -> Entrant:
    key = keys.candidate(keys.run_folder(run_id), architecture)
    if (body := objects.find(key)) is not None:
        facts = from_json(body, key)
        numbers = ("published_mae", "parameters", "epochs", "best_epoch", "train_seconds")
        taken = ("architecture", "title", *numbers, "curve", "lead_errors", "memory")
        reused = facts["run"] if facts["run"] != run_id else None
        weights = facts["found"].get("weights", {})
        taken_over = {name: facts[name] for name in taken}
        return Entrant(status="ok", reused_from=reused, weights=weights, **taken_over, **with_skill(facts["errors"], naive))
    title, why = load_architecture(architecture).title, why_failed(objects, keys.run_folder(run_id), architecture)
    return Entrant(architecture=architecture, title=title, **why)
