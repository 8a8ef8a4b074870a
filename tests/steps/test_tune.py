"""A tuning against a real object store, with real trainings of one to three epochs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from conftest import REPOSITORY
from tsflow.architectures.registry import load_architecture
from tsflow.errors import SettingsError, TrainingError
from tsflow.pages.report import standalone
from tsflow.pages.tuning import tuning_view
from tsflow.records.candidate import Epoch
from tsflow.records.files import TUNED_FILE
from tsflow.records.store import Records
from tsflow.records.tuning import Asked, End, Start, Trial
from tsflow.settings import ObjectStoreSettings
from tsflow.stations.station import load_station
from tsflow.storage.codecs import from_parquet, to_json
from tsflow.tuning.finals import finalists
from tsflow.tuning.trials import TrialStore
from tsflow.windows.dataset import Dataset
from workflow import build, finish, ingest, rank, retrain, start_tuning, tune

BUCKET = "tunings"
WORKER = """
import sys, time
from tsflow import steps
from tsflow.records.store import Records
from tsflow.settings import settings
from tsflow.storage.objects import ObjectStore

def hang(trial, epoch):
    if [trial.number, epoch.epoch] == [int(part) for part in sys.argv[3:]]:
        print("hanging", flush=True)
        time.sleep(600)

objects = settings().object_store.open()
print(steps.tune_worker(Records(objects), settings(), sys.argv[1], sys.argv[2], on_epoch=hang), flush=True)
"""


@pytest.fixture(scope="module")
def records(store_settings: ObjectStoreSettings) -> Records:
    """A bucket with 45 days of the simulator; each test's tuning has a name of its own."""
    store = store_settings.model_copy(update={"bucket": BUCKET}).open()
    store.ensure_bucket()
    ingest(Records(store), history_days=45)
    return Records(store)


@pytest.fixture
def dense(home: Path) -> Path:
    """A recipe of three epochs at most, small and quick."""
    path = home / "include" / "architectures" / "dense.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "architecture": "dense",
                "title": "Dense",
                "builder": "dense",
                "units": [4],
                "fit": {"epochs": 3},
                "search": {
                    "units": {"choices": [[4], [8], [16, 8]]},
                    "fit.learning_rate": {"low": 1e-3, "high": 1e-2, "log": True},
                    "target": {"choices": ["absolute", "change"]},
                },
            }
        )
    )
    return path


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Workers in processes of their own; none outlives its test."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def worker(store: ObjectStoreSettings, home: Path, tuning_id: str, name: str, *hang_at: int) -> subprocess.Popen[str]:
    assert store.access_key_id is not None
    assert store.secret_access_key is not None
    environment = os.environ | {
        "TSFLOW_HOME": str(home),
        "PYTHONPATH": str(REPOSITORY / "src"),
        "TSFLOW_OBJECT_STORE__ENDPOINT_URL": str(store.endpoint_url),
        "TSFLOW_OBJECT_STORE__BUCKET": BUCKET,
        "TSFLOW_OBJECT_STORE__ACCESS_KEY_ID": store.access_key_id.get_secret_value(),
        "TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY": store.secret_access_key.get_secret_value(),
    }
    arguments = [sys.executable, "-c", WORKER, tuning_id, name, *map(str, hang_at)]
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)


def snapshot(records: Records, tuning_id: str) -> dict[str, bytes]:
    objects = records.objects
    return {key: objects.get(key) for key in objects.keys(f"tunings/{tuning_id}/")}


def written(records: Records, tuning: str, number: int, name: str) -> bytes:
    return records.objects.get(TUNED_FILE.key(tuning=tuning, number=number, name=name))


def page_of(records: Records, tuning: str) -> str:
    finish(records, tuning)
    view = tuning_view(records, tuning, most=1)
    return standalone("tuning", view, None).decode()


def trials_of(records: Records, tuning_id: str) -> list[Trial]:
    return TrialStore(records, tuning_id).trials()


def test_the_best_recipe_loads_and_a_run_trains_it_to_the_very_figures_of_the_tuning(records: Records, dense: Path):
    start_tuning(records, "whole", trials=4)
    assert tune(records, "whole", "w") == 4
    found = finish(records, "whole")
    assert len(found.trials) == 4
    assert found.after <= found.before
    text = written(records, "whole", 4, "dense_tuned.yaml").decode()
    assert "tuning whole" in text
    assert f"after {found.after:.4f} degC" in text
    assert "4 trials (4 complete)" in text
    (dense.parent / "dense_tuned.yaml").write_text(text)
    recipe = load_architecture("dense_tuned")
    assert recipe.search is None
    retrain(records, "r1", architectures=["dense", "dense_tuned"])
    board = rank(records, "r1")
    errors = [board.entrant(name).val_mae for name in ("dense", "dense_tuned")]
    assert errors == pytest.approx([found.before, found.after], abs=1e-6)


def test_the_best_few_are_trained_again_with_other_seeds_and_the_best_by_those_is_named(records: Records, dense: Path):
    start_tuning(records, "fair", trials=4, repeats=2)
    assert tune(records, "fair", "w") == 4 + 2 * len(finalists(trials_of(records, "fair")))
    found = finish(records, "fair")
    again = [trial for trial in found.trials if trial.repeats is not None]
    assert {trial.seed for trial in again} == set(found.finalists[0].errors)
    assert found.seed not in found.finalists[0].errors
    assert [each.number for each in found.finalists] == sorted(
        (each.number for each in found.finalists), key=lambda n: np.mean([trial.val_mae for trial in again if trial.repeats == n])
    )
    assert (found.best, found.after) == (found.finalists[0].number, found.finalists[0].val_mae)
    assert found.before == next(each.val_mae for each in found.finalists if each.number == 0)
    recipe = yaml.safe_load(found.recipe)
    chosen = next(trial.values for trial in found.trials if trial.number == found.best)
    assert recipe["units"] == chosen.get("units", [4])
    assert "recipes trained with 2 other seeds" in found.recipe
    page = page_of(records, "fair")
    assert page.count(" again, seed ") == len(again)
    assert found.gain.told("degC") in page
    (dense.parent / "dense_tuned.yaml").write_text(found.recipe)
    retrain(records, "r3", architectures=["dense", "dense_tuned"])
    (warning,) = [told for told in rank(records, "r3").warnings if "tuned" in told]
    (tuned_on,) = load_architecture("dense_tuned").tuned_on
    assert warning == (
        f"dense_tuned was tuned on {tuned_on.first} to {tuned_on.last}, which the validation part here overlaps: "
        "its validation error flatters."
    )
    again = yaml.safe_load(found.recipe) | {"search": {"units": {"choices": [[4], [8]]}}}
    (dense.parent / "dense_tuned.yaml").write_text(yaml.safe_dump(again))
    start_tuning(records, "fair_again", architecture="dense_tuned", trials=1)
    tune(records, "fair_again", "w")
    assert [each["tuning"] for each in yaml.safe_load(finish(records, "fair_again").recipe)["tuned_on"]] == ["fair", "fair_again"]


def test_a_tuning_cannot_see_the_test_part(records: Records, dense: Path):
    tuning = start_tuning(records, "blind")
    run = build(records, "r2", architectures=["naive"])
    whole, seen = Dataset.load(records, run.fingerprint), Dataset.load(records, tuning.fingerprint)
    assert len(whole.starts("test")) > 0
    assert len(seen.starts("test")) == 0
    assert seen.times[-1] == whole.times[whole.bounds.b - 1]
    for part in ("train", "validation"):
        np.testing.assert_array_equal(seen.starts(part), whole.starts(part))
        np.testing.assert_array_equal(seen.targets(part), whole.targets(part))
    np.testing.assert_array_equal(seen.scaler.mean, whole.scaler.mean)
    np.testing.assert_array_equal(seen.scaler.deviation, whole.scaler.deviation)


def test_what_a_tuning_leaves(records: Records, dense: Path):
    start_tuning(records, "leaves", trials=3)
    tune(records, "leaves", "w")
    found = finish(records, "leaves")
    before = snapshot(records, "leaves")
    assert finish(records, "leaves") == found
    assert snapshot(records, "leaves") == before
    table = from_parquet(written(records, "leaves", 3, "trials.parquet"), "table")
    assert len(table) == 3
    assert table["val_mae"].is_monotonic_increasing
    assert set(table.columns) >= {"number", "state", "worker", "units", "fit.learning_rate", "target"}
    assert page_of(records, "leaves").count("the recipe as it is") == 1
    assert found.after == min(trial.val_mae or 99 for trial in found.trials)
    assert found.naive > 0
    assert found.recipe == written(records, "leaves", 3, "dense_tuned.yaml").decode()


def test_a_killed_worker_loses_nothing_that_was_complete(
    records: Records, dense: Path, store_settings: ObjectStoreSettings, started: list[subprocess.Popen[str]]
):
    start_tuning(records, "killed", profile="full", trials=3)
    process = worker(store_settings, dense.parents[2], "killed", "doomed", 1, 2)
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "hanging\n"
    process.kill()
    process.wait()
    before = snapshot(records, "killed")
    assert [trial.state for trial in trials_of(records, "killed")] == ["complete", "running"]
    seen: list[tuple[int, int]] = []
    tune(records, "killed", "next", on_epoch=lambda trial, epoch: seen.append((trial.number, epoch.epoch)))
    assert seen[:2] == [(1, 3), (2, 1)]
    after = snapshot(records, "killed")
    lost = {key for key, body in before.items() if after.get(key) != body}
    assert lost, "checkpoints of trials that have ended"
    assert all(key.startswith("tunings/killed/epochs/") for key in lost)
    trials = trials_of(records, "killed")
    assert [trial.state for trial in trials] == ["complete"] * 3
    assert [trial.worker for trial in trials] == ["doomed", "next", "next"]
    assert len(trials[1].curve) == 3
    assert "tunings/killed/trials/0001/claim-001.json" in after


def test_a_trial_taken_over_ends_as_if_nobody_had_died(records: Records, dense: Path):
    for tuning_id, die_at in (("dies", (0, 2)), ("lives", None)):
        start_tuning(records, tuning_id, profile="full", trials=1)

        def die(trial: Trial, epoch: Epoch, at: tuple[int, int] | None = die_at) -> None:
            if (trial.number, epoch.epoch) == at:
                raise KeyboardInterrupt

        if die_at:
            with pytest.raises(KeyboardInterrupt):
                tune(records, tuning_id, "w", on_epoch=die)
        tune(records, tuning_id, "w")
    (died,), (lived,) = trials_of(records, "dies"), trials_of(records, "lives")
    assert died.curve == pytest.approx(lived.curve, rel=1e-5)
    assert died.val_mae == pytest.approx(lived.val_mae, rel=1e-5)


def test_two_workers_at_once_share_the_trials(
    records: Records, dense: Path, store_settings: ObjectStoreSettings, started: list[subprocess.Popen[str]]
):
    start_tuning(records, "shared", trials=6, workers=2)
    started += [worker(store_settings, dense.parents[2], "shared", name) for name in ("a", "b")]
    finished = [int(process.communicate(timeout=500)[0]) for process in started]
    assert sum(finished) == 6
    trials = trials_of(records, "shared")
    assert [trial.number for trial in trials] == list(range(6))
    assert {trial.state for trial in trials} == {"complete"}
    asked = [to_json(trial.values) for trial in trials]
    assert len(set(asked)) == 6
    assert not [key for key in records.objects.keys("tunings/shared/trials/") if "claim" in key]


def finish_by_hand(records: Records, tuning_id: str, trials: list[Trial]) -> None:
    for trial in trials:
        records.first(Asked(values=trial.values, worker="hand", session="hand"), tuning=tuning_id, trial=trial.number)
        TrialStore(records, tuning_id).finish(trial)


def perfect(number: int) -> Trial:
    values = {} if number == 0 else {"units": [8], "fit.learning_rate": 1e-3 + number * 1e-4, "target": "absolute"}
    return Trial(number=number, values=values, worker="hand", state="complete", val_mae=0.01, curve=[0.01] * 3, best_epoch=1)


def test_a_hopeless_trial_is_pruned_and_recorded(records: Records, dense: Path):
    start_tuning(records, "pruned", profile="full", trials=5)
    finish_by_hand(records, "pruned", [perfect(number) for number in range(4)])
    tune(records, "pruned", "w")
    last = trials_of(records, "pruned")[-1]
    assert (last.number, last.state, last.val_mae) == (4, "pruned", None)
    assert len(last.curve) == 2
    assert last.reason == "pruned after epoch 2: its least validation MAE is not among the best third of the trials so far"
    assert "pruned" in page_of(records, "pruned")


def test_settings_that_do_not_go_together_fail_their_trial_alone_and_a_small_space_ends_the_tuning(records: Records, home: Path):
    path = home / "include" / "architectures" / "conv1d.yaml"
    small = {"convolutions.0.kernel": {"choices": [24, 60]}, "convolutions.0.pool": {"choices": [2, 3]}}
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"search": small}))
    start_tuning(records, "failing", architecture="conv1d", trials=None, minutes=60)
    assert tune(records, "failing", "w") == 4
    trials = trials_of(records, "failing")
    assert sorted(trial.state for trial in trials) == ["complete"] * 3 + ["failed"]
    failed = next(trial for trial in trials if trial.state == "failed")
    assert failed.values == {"convolutions.0.kernel": 60, "convolutions.0.pool": 3}
    assert failed.reason is not None
    assert "SettingsError: include/architectures/conv1d.yaml: convolutions: no row is left after layer 3" in failed.reason
    assert "no row is left" in page_of(records, "failing")


def test_when_everything_fails_the_tuning_stops_and_says_why(records: Records, dense: Path):
    start_tuning(records, "broken", trials=None, minutes=60)
    failed = [
        Trial(number=number, values={"units": [number + 1]}, worker="hand", state="failed", reason="MemoryError: no room")
        for number in range(10)
    ]
    finish_by_hand(records, "broken", failed)
    with pytest.raises(TrainingError, match="the last 10 trials failed, the newest with MemoryError: no room"):
        tune(records, "broken", "w")
    with pytest.raises(TrainingError, match="no trial is complete: trial 0: MemoryError"):
        finish(records, "broken")


def spend(records: Records, tuning_id: str, seconds: float) -> None:
    """A session of a worker on another machine, that is over."""
    at = datetime(2026, 10, 1, tzinfo=UTC)
    start = Start(at=at, seconds=seconds, worker="x", host="x", pid=1, process_began=0)
    for moment in (start, End(at=at, seconds=seconds)):
        records.first(moment, tuning=tuning_id, session="other")


def test_a_tuning_uses_only_what_is_left_of_its_minutes(records: Records, dense: Path):
    start_tuning(records, "spent", trials=None, minutes=5)
    spend(records, "spent", 300)
    assert tune(records, "spent", "w") == 0
    assert trials_of(records, "spent") == []


def test_a_search_ends_while_there_is_time_to_repeat_the_best(records: Records, dense: Path):
    start_tuning(records, "kept_time", trials=None, minutes=10, repeats=1)
    finish_by_hand(records, "kept_time", [perfect(number).changed(train_seconds=100.0) for number in range(2)])
    spend(records, "kept_time", 450)  # of 600 s; two repeats of 100 s are to come
    assert tune(records, "kept_time", "w") == 2
    assert [trial.repeats for trial in trials_of(records, "kept_time")] == [None, None, 0, 1]


def test_a_trial_is_cut_off_when_the_minutes_are_over_but_never_the_recipe_as_it_is(records: Records, dense: Path):
    for tuning_id, number in (("over", 1), ("first", 0)):
        start_tuning(records, tuning_id, profile="full", trials=None, minutes=60)

        def over(trial: Trial, epoch: Epoch, at: tuple[str, int] = (tuning_id, number)) -> None:
            if (trial.number, epoch.epoch) == (at[1], 1):
                spend(records, at[0], 3600)

        tune(records, tuning_id, "w", on_epoch=over)
    first, second = trials_of(records, "over")
    assert first.state == "complete"
    assert (second.state, len(second.curve)) == ("pruned", 1)
    assert second.reason == "the tuning's 60 minutes were spent, or kept for repeats of the best; it was cut off after epoch 1"
    assert [(trial.state, len(trial.curve)) for trial in trials_of(records, "first")] == [("complete", 3)]
    assert finish(records, "first").before == finish(records, "first").after


def test_a_tuning_keeps_to_the_recipe_it_began_with(records: Records, dense: Path):
    first = start_tuning(records, "kept", trials=2)
    dense.write_text(dense.read_text().replace("- 4", "- 7"))
    assert load_architecture("dense").identity()["units"] == [7]
    assert start_tuning(records, "kept", trials=2) == first
    tune(records, "kept", "w")
    assert yaml.safe_load(finish(records, "kept").recipe)["units"] in ([4], [8], [16, 8])
    width = Dataset.load(records, first.fingerprint).task.context_hours * len(load_station("demo").variables)
    assert trials_of(records, "kept")[0].parameters == (width + 1) * 4 + 4 + 1


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"architecture": "naive"}, r"naive\.yaml has no search space; .* With one: bidirectional_lstm, conv1d, dense"),
        ({"architecture": "perceptron"}, "unknown architecture 'perceptron'"),
        ({"station": "atlantis"}, "unknown station 'atlantis'"),
        ({"minutes": 0}, "minutes: 0 is less than or equal to the minimum of 0"),
        ({"trials": 0}, "trials: 0 is less than the minimum of 1"),
        ({"workers": 0}, "workers: 0 is less than the minimum of 1"),
    ],
)
def test_what_cannot_be_tuned_is_said_before_anything_runs(records: Records, request_: dict[str, Any], says: str):
    with pytest.raises(SettingsError, match=says):
        start_tuning(records, "never", **request_)
    assert records.objects.keys("tunings/never/") == []


def test_a_context_in_the_space_must_fit_the_run(records: Records, dense: Path):
    content = yaml.safe_load(dense.read_text())
    dense.write_text(yaml.safe_dump(content | {"search": {"context_hours": {"choices": [None, 200]}}}))
    with pytest.raises(SettingsError, match="context_hours 200 is longer than the task's"):
        start_tuning(records, "long")


def test_an_unknown_tuning_lists_the_known_ones(records: Records, dense: Path):
    start_tuning(records, "there")
    with pytest.raises(SettingsError, match=r"no TuningPlan of tuning 'gone' in s3://tunings/tunings/; there are: .*there"):
        tune(records, "gone", "w")
