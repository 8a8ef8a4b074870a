"""Ensembles and the refit, from a run's candidates to what a consumer reads."""

from typing import Any

import numpy as np
import onnxruntime
import pytest

from tsflow import steps
from tsflow.client import load_champion
from tsflow.errors import EntrantSkipped, TrainingError
from tsflow.steps.candidates import candidate_facts, candidate_file, candidate_predictions
from tsflow.storage import keys
from tsflow.storage.objects import ObjectStore
from tsflow.windows.dataset import Dataset

AS_OF = "2026-10-01"
SINGLES = ["autoregression_direct", "climatology", "naive"]


def run(objects: ObjectStore, run_id: str = "r1", *, days: int = 150, **request: Any) -> dict[str, Any]:
    ingest = steps.IngestRequest.of({"station": "demo", "as_of": AS_OF, "history_days": days})
    steps.store_batch(objects, steps.validate_batch(objects, steps.fetch_batch(objects, ingest, "i1")))
    wanted = {"station": "demo", "as_of": AS_OF, "profile": "quick", "architectures": ["mean_of_best", *SINGLES], **request}
    return steps.build_dataset(objects, steps.RetrainRequest.of(wanted).checked(), run_id)


def test_an_ensemble_is_ranked_refitted_and_published(objects: ObjectStore):
    built = run(objects)
    assert built["entrants"] == [*SINGLES, "mean_of_best"]  # ensembles come last
    assert steps.singles_of(built) == SINGLES
    assert steps.ensembles_of(objects, "r1") == ["mean_of_best"]
    for name in built["entrants"]:
        steps.train_entrant(objects, "r1", name)
    folder = keys.run_folder("r1")
    ensemble = candidate_facts(objects, folder, "mean_of_best")
    assert ensemble["found"]["weights"] == pytest.approx(dict.fromkeys(SINGLES, 1 / 3))
    tables = [candidate_predictions(objects, candidate_facts(objects, folder, name)) for name in SINGLES]
    mean = np.mean([table["forecast"] for table in tables], axis=0)
    np.testing.assert_allclose(candidate_predictions(objects, ensemble)["forecast"], mean, atol=1e-9)

    steps.rank_entrants(objects, "r1")
    board = steps.latest_leaderboard(objects, "r1")
    assert board.entrant("mean_of_best").weights == ensemble["found"]["weights"]
    assert all(len(entrant.intervals) == 2 and entrant.crps for entrant in board.entrants)
    expected = SINGLES if board.champion == "mean_of_best" else [board.champion]
    assert steps.plan_refit(objects, "r1") == expected

    for name in expected:
        steps.refit_entrant(objects, "r1", name)
    pointer = steps.publish(objects, "r1")
    champion = load_champion("demo", objects)
    assert champion.manifest.architecture == board.champion
    joined = Dataset.load(objects, built["fingerprint"]).joined()
    forecasts = champion.forecast_many(joined.contexts(joined.starts("test")))
    error = float(np.abs(forecasts - joined.targets("test")).mean())
    assert champion.manifest.metrics["refit"]["test_mae"] == pytest.approx(error, abs=1e-3)
    assert "trained once more, on train and validation" in champion.files["card.md"].decode()
    assert steps.publish(objects, "r1") == pointer


def test_a_refit_sees_train_and_validation_and_nothing_of_the_test_part(objects: ObjectStore):
    built = run(objects, architectures=["autoregression_direct"])
    steps.train_entrant(objects, "r1", "autoregression_direct")
    refit = steps.refit_entrant(objects, "r1", "autoregression_direct")
    once = candidate_facts(objects, keys.run_folder("r1"), "autoregression_direct")
    assert refit["errors"]["val_mae"] is None
    assert refit["errors"]["test_mae"] != once["errors"]["test_mae"]
    joined = Dataset.load(objects, built["fingerprint"]).joined()
    frame = joined.frame.copy()
    frame.loc[joined.bounds.b :, joined.features] += 30
    changed = Dataset(**{**vars_of(joined), "frame": frame})
    from tsflow.architectures.registry import Estimator, load_architecture

    recipe = load_architecture("autoregression_direct")
    assert isinstance(recipe, Estimator)
    contexts = joined.contexts(joined.starts("test"))
    session = onnxruntime.InferenceSession(candidate_file(objects, refit, "model.onnx"))
    found = session.run(["forecast"], {"observations": contexts})[0][:, 0]
    np.testing.assert_allclose(recipe.fit(changed, seed=1).predict(contexts), found, atol=1e-3)


def test_an_entrant_with_leads_is_refitted_too(objects: ObjectStore):
    run(objects, architectures=["autoregression_path"])
    steps.train_entrant(objects, "r1", "autoregression_path")
    steps.rank_entrants(objects, "r1")
    refit = steps.refit_entrant(objects, "r1", "autoregression_path")
    table = candidate_predictions(objects, refit)
    assert set(table["part"]) == {"test"}
    assert {"lead_1", "lead_23"} <= set(table)
    assert steps.publish(objects, "r1")["architecture"] == "autoregression_path"


def vars_of(dataset: Dataset) -> dict[str, Any]:
    names = ("station", "task", "units", "split", "split_name", "hourly", "report", "location", "utc_offset_hours")
    return {name: getattr(dataset, name) for name in names}


def test_an_ensemble_of_one_fails_with_its_reason_and_too_short_a_validation_skips(objects: ObjectStore):
    run(objects, architectures=["naive", "mean_of_best"])
    steps.train_entrant(objects, "r1", "naive")
    with pytest.raises(TrainingError, match="an ensemble needs two members or more, this run trained naive"):
        steps.train_entrant(objects, "r1", "mean_of_best")
    run(objects, "r2", profile="smoke")
    for name in SINGLES:
        steps.train_entrant(objects, "r2", name)
    with pytest.raises(EntrantSkipped, match="validation windows are too few to weigh 3 members"):
        steps.train_entrant(objects, "r2", "mean_of_best")
    steps.rank_entrants(objects, "r2")
    assert steps.latest_leaderboard(objects, "r2").entrant("mean_of_best").status == "skipped"


def test_a_stacking_to_which_no_member_adds_anything_is_skipped(objects: ObjectStore):
    run(objects, architectures=["naive", "exponential_smoothing", "stacking"])
    for name in ("naive", "exponential_smoothing"):
        steps.train_entrant(objects, "r1", name)
    with pytest.raises(EntrantSkipped, match="no member gets a weight; on validation none of naive, exponential_smoothing adds"):
        steps.train_entrant(objects, "r1", "stacking")


def test_a_profile_says_which_architectures_train_if_none_is_named():
    smoke = steps.RetrainRequest.of({"station": "demo", "profile": "smoke"}).checked()
    full = steps.RetrainRequest.of({"station": "demo", "profile": "full"}).checked()
    assert len(smoke.architectures) == 8
    assert set(smoke.architectures) < set(full.architectures)
    assert full.architectures[-2:] == ["mean_of_best", "stacking"]
