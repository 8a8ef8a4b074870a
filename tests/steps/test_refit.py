"""Ensembles and the refit, from a run's candidates to what a consumer reads."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tsflow import steps
from tsflow.architectures.registry import Estimator, load_architecture
from tsflow.bundle.reading import read_champion
from tsflow.bundle.session import open_model
from tsflow.client import load_champion
from tsflow.errors import EntrantSkipped, TrainingError, UnknownName
from tsflow.evaluation.boards import board_of
from tsflow.records.candidate import Failure
from tsflow.records.files import RUN
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.requests import RetrainRequest, resolve
from tsflow.settings import override, settings
from tsflow.training.once import Assignment
from tsflow.training.storing import stored_forecasts
from tsflow.windows.dataset import Dataset
from tsflow.windows.refit import for_refit
from workflow import build, candidate, decide, force, forecasts, ingest, plan_refit, publish, rank, refit, train

SINGLES = ["autoregression_direct", "climatology", "naive"]


def run(records: Records, run_id: str = "r1", *, days: int = 150, **request: Any) -> Run:
    ingest(records, history_days=days)
    return build(records, run_id, **{"profile": "quick", "architectures": ["mean_of_best", *SINGLES], **request})


def test_an_ensemble_is_ranked_refitted_and_published(records: Records):
    built = run(records)
    assert built.entrants == [*SINGLES, "mean_of_best"]  # ensembles come last
    assert steps.singles_of(built) == SINGLES
    assert steps.ensembles_of(built) == ["mean_of_best"]
    for name in built.entrants:
        train(records, "r1", name)
    ensemble = candidate(records, "r1", "mean_of_best")
    assert ensemble.found.weights == pytest.approx(dict.fromkeys(SINGLES, 1 / 3))
    tables = [forecasts(records, candidate(records, "r1", name)) for name in SINGLES]
    mean = np.mean([table["forecast"] for table in tables], axis=0)
    np.testing.assert_allclose(forecasts(records, ensemble)["forecast"], mean, atol=1e-9)

    board = rank(records, "r1")
    assert board.entrant("mean_of_best").weights == ensemble.found.weights
    assert all(len(entrant.intervals) == 2 and entrant.crps for entrant in board.entrants)
    goes_out = decide(records, "r1").outgoing
    expected = SINGLES if goes_out == "mean_of_best" else [goes_out]
    assert plan_refit(records, "r1") == expected

    pointer = force(records, "r1")
    champion = load_champion("demo", records.objects)
    dataset = Dataset.load(records, built.fingerprint)
    whole = for_refit(dataset)
    assert champion.manifest.architecture == goes_out
    newest = datetime.fromisoformat(champion.manifest.metrics.fit.last)
    assert newest == whole.times[-1].astype("datetime64[s]").item() == dataset.times[-1].astype("datetime64[s]").item()
    assert champion.manifest.metrics.test_mae == board.entrant(goes_out).test_mae, "the error of a fit that had not seen the rows"
    assert champion.manifest.metrics.refit is None
    assert "fitted once more on all rows" in read_champion(records.objects, "demo").files["card.md"].decode()
    assert force(records, "r1") == pointer


def test_the_split_of_the_book_keeps_its_test_part_unseen(records: Records):
    built = run(records, days=500, architectures=["autoregression_direct"], split="book")
    train(records, "r1", "autoregression_direct")
    rank(records, "r1")
    override(["gate.probability=0.501"])  # on so short a record nobody is sure to be better than naive
    refitted = refit(records, "r1", "autoregression_direct")
    once = candidate(records, "r1", "autoregression_direct")
    assert set(stored_forecasts(records, refitted)["part"]) == {"test"}, "nobody reads more of it"
    assert not forecasts(records, refitted, "test").reset_index().equals(forecasts(records, once, "test").reset_index())
    joined = for_refit(Dataset.load(records, built.fingerprint))
    frame = joined.frame.copy()
    frame.loc[joined.bounds.b :, joined.features] += 30
    changed = replace(joined, frame=frame)
    recipe = load_architecture("autoregression_direct")
    assert isinstance(recipe, Estimator)
    contexts = joined.contexts(joined.starts("test"))
    session = open_model(records.opened(refitted.files["model.onnx"]))
    found = session.run(["forecast"], {"observations": contexts})[0][:, 0]
    np.testing.assert_allclose(recipe.fit(changed, seed=1).predict(contexts), found, atol=1e-3)
    assert publish(records, "r1").outcome == "promoted"
    champion = load_champion("demo", records.objects)
    error = float(np.abs(champion.forecast_many(contexts) - joined.targets("test")).mean())
    assert champion.manifest.metrics.refit.test_mae == pytest.approx(error, abs=1e-3)


def test_a_training_that_forecast_other_parts_is_another_training():
    recipe = load_architecture("naive")
    whole = Assignment(run="r1", folder="runs/r1", fingerprint="f", seed=1, max_epochs=None)
    assert whole.training_id(recipe) != replace(whole, parts=("test",)).training_id(recipe)
    assert whole.training_id(recipe) == replace(whole, run="r2").training_id(recipe)


def test_an_entrant_with_leads_is_refitted_too(records: Records):
    run(records, architectures=["autoregression_path"])
    train(records, "r1", "autoregression_path")
    rank(records, "r1")
    stored = stored_forecasts(records, refit(records, "r1", "autoregression_path"))
    assert set(stored["part"]) == {"train"}
    assert force(records, "r1").architecture == "autoregression_path"


def test_an_ensemble_of_one_fails_with_its_reason_and_too_short_a_validation_skips(records: Records):
    run(records, architectures=["naive", "mean_of_best"])
    train(records, "r1", "naive")
    with pytest.raises(TrainingError, match="an ensemble needs two members or more, this run trained naive"):
        train(records, "r1", "mean_of_best")
    run(records, "r2", profile="smoke")
    for name in SINGLES:
        train(records, "r2", name)
    with pytest.raises(EntrantSkipped, match="validation windows are too few to weigh 3 members"):
        train(records, "r2", "mean_of_best")
    rank(records, "r2")
    assert board_of(records, "r2").entrant("mean_of_best").status == "skipped"


def pair_of(home: Path, *names: str) -> None:
    """Put a mean of named members into a home."""
    content = {"architecture": "pair", "title": "A pair", "builder": "ensemble", "method": "mean", "of": list(names)}
    (home / "include" / "architectures" / "pair.yaml").write_text(yaml.safe_dump(content))


def test_a_mean_of_named_members_brings_them_along_and_goes_out_as_their_mean(records: Records, home: Path):
    pair_of(home, "climatology", "autoregression_direct")
    built = run(records, architectures=["pair"])
    assert set(built.entrants) == {"climatology", "autoregression_direct", "pair"}
    for name in built.entrants:
        train(records, "r1", name)
    members = [forecasts(records, candidate(records, "r1", name)) for name in built.entrants[:2]]
    mean = np.mean([table["forecast"] for table in members], axis=0)
    np.testing.assert_allclose(forecasts(records, candidate(records, "r1", "pair"))["forecast"], mean, atol=1e-9)
    override(["gate.probability=0.501", "profiles.quick.favourite=pair"])
    assert rank(records, "r1").entrant("pair").weights == {"climatology": 0.5, "autoregression_direct": 0.5}


def test_a_mean_of_named_members_fails_with_one_and_is_skipped_with_one(records: Records, home: Path):
    pair_of(home, "climatology", "naive")
    run(records, architectures=["pair"])
    train(records, "r1", "naive")
    with pytest.raises(TrainingError, match="pair: it is made of climatology, naive, and this run has no result of climatology"):
        train(records, "r1", "pair")
    skipped = Failure(status="skipped", reason="needs T")
    records.first(skipped, folder=RUN.key(run="r1"), architecture="climatology", at="20260101T000000")
    with pytest.raises(EntrantSkipped, match="pair: its member climatology was skipped: needs T"):
        train(records, "r1", "pair")
    assert rank(records, "r1").entrant("pair").status == "skipped"


def test_the_favourite_of_the_profile_goes_out_first_whoever_leads(records: Records, home: Path):
    pair_of(home, "autoregression_path", "autoregression_direct")
    override(["gate.probability=0.9999", "profiles.quick.favourite=pair"])  # nobody is so sure
    built = run(records, days=400, architectures=["naive", "pair"], as_of="2026-10-01")
    for name in built.entrants:
        train(records, "r1", name)
    board, decided = rank(records, "r1"), decide(records, "r1")
    assert (board.challenger, decided.challenger) == ("naive", "pair")
    assert "naive against pair, the profile's favourite" in decided.reason


def test_a_favourite_that_there_is_not_is_refused(records: Records):
    override(["profiles.quick.favourite=mean_of_tow"])
    with pytest.raises(UnknownName, match="favourite of profile quick 'mean_of_tow'"):
        run(records)


def test_networks_learn_the_last_days_and_are_judged_on_the_same_origins(records: Records):
    override(["profiles.quick.networks_history_days=30", "profiles.quick.max_epochs=1"])
    built = run(records, architectures=["dense", "autoregression_direct"])
    network, cheap = (train(records, "r1", name) for name in ("dense", "autoregression_direct"))
    dataset = Dataset.load(records, built.fingerprint)
    assert cheap.learnt.windows == len(dataset.starts("train"))
    assert network.learnt.windows == 30 * 24
    assert network.learnt.last == cheap.learnt.last
    assert len(forecasts(records, network, "train")) == 30 * 24
    for part in ("validation", "test"):
        assert forecasts(records, network, part)["origin"].tolist() == forecasts(records, cheap, part)["origin"].tolist()
    board = rank(records, "r1")
    assert board.entrant("dense").learnt == network.learnt


def test_a_mean_goes_out_of_a_network_that_learns_the_last_days_and_of_one_that_learns_all(records: Records, home: Path):
    pair_of(home, "dlinear", "autoregression_direct", "autoregression_path")
    override(["profiles.quick.networks_history_days=200", "profiles.quick.max_epochs=2", "profiles.quick.favourite=pair"])
    override(["gate.probability=0.93"])  # so sure is the mean to be better than naive, and nobody to be better than the mean
    built = run(records, days=500, architectures=["pair"])
    for name in built.entrants:
        train(records, "r1", name)
    rank(records, "r1")
    decide(records, "r1")
    made = [len(forecasts(records, refit(records, "r1", name), "train")) for name in plan_refit(records, "r1")]
    assert min(made) <= 200 * 24 < max(made)
    assert publish(records).outcome == "promoted"
    assert load_champion("demo", records.objects).manifest.architecture == "pair"


def test_other_days_for_networks_train_networks_anew_and_nobody_else(records: Records):
    override(["profiles.quick.max_epochs=1"])
    for number, days in enumerate((30, 30, 40)):
        override([f"profiles.quick.networks_history_days={days}"])
        run(records, f"r{number}", architectures=["dense", "autoregression_direct"])
        for name in ("dense", "autoregression_direct"):
            train(records, f"r{number}", name)
    by = {name: [candidate(records, f"r{n}", name).run for n in range(3)] for name in ("dense", "autoregression_direct")}
    assert by == {"dense": ["r0", "r0", "r2"], "autoregression_direct": ["r0", "r0", "r0"]}


def test_a_stacking_to_which_no_member_adds_anything_is_skipped(records: Records):
    run(records, architectures=["naive", "exponential_smoothing", "stacking"])
    for name in ("naive", "exponential_smoothing"):
        train(records, "r1", name)
    with pytest.raises(EntrantSkipped, match="no member gets a weight; on validation none of naive, exponential_smoothing adds"):
        train(records, "r1", "stacking")


def test_a_profile_says_which_architectures_train_if_none_is_named():
    smoke, full = (resolve(RetrainRequest.of({"station": "demo", "profile": name}), settings()) for name in ("smoke", "full"))
    assert len(smoke.entrants) == 8
    assert set(smoke.entrants) < set(full.entrants)
    assert full.entrants[-4:] == ("mean_of_best", "mean_of_tables", "mean_of_three", "stacking")
