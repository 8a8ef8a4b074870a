"""A tuning against a real object store, with real trainings of one to three epochs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from conftest import REPOSITORY
from tsflow import steps
from tsflow.architectures.registry import load_architecture
from tsflow.errors import SettingsError, TrainingError
from tsflow.settings import ObjectStoreSettings
from tsflow.stations.station import load_station
from tsflow.storage import keys
from tsflow.storage.codecs import from_json, from_parquet, to_json
from tsflow.storage.objects import ObjectStore
from tsflow.training.epochs import Epoch
from tsflow.tuning.report import Tuning
from tsflow.tuning.search import Trial
from tsflow.tuning.trials import TrialStore
from tsflow.windows.dataset import Dataset

AS_OF = "2026-10-01"
BUCKET = "tunings"
WORKER = """
import sys, time
from tsflow import steps
from tsflow.settings import settings
from tsflow.storage.objects import ObjectStore

def hang(trial, epoch):
    if [trial.number, epoch.epoch] == [int(part) for part in sys.argv[3:]]:
        print("hanging", flush=True)
        time.sleep(600)

objects = ObjectStore.from_settings(settings().object_store)
print(steps.tune_worker(objects, sys.argv[1], sys.argv[2], on_epoch=hang)["finished"], flush=True)
"""


@pytest.fixture(scope="module")
def objects(store_settings: ObjectStoreSettings) -> ObjectStore:
    """A bucket with 45 days of the simulator; each test's tuning has a name of its own."""
    store = ObjectStore.from_settings(store_settings.model_copy(update={"bucket": BUCKET}))
    store.ensure_bucket()
    wanted = steps.IngestRequest.of({"station": "demo", "as_of": AS_OF, "history_days": 45})
    steps.store_batch(store, steps.validate_batch(store, steps.fetch_batch(store, wanted, "i1")))
    return store


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


def start(objects: ObjectStore, tuning_id: str, **request: Any) -> dict[str, Any]:
    wanted = {"station": "demo", "as_of": AS_OF, "profile": "smoke", "architecture": "dense", "trials": 3, **request}
    return steps.start_tuning(objects, steps.TuneRequest.of(wanted), tuning_id)


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


def snapshot(objects: ObjectStore, tuning_id: str) -> dict[str, bytes]:
    return {key: objects.get(key) for key in objects.keys(f"tunings/{tuning_id}/")}


def trials_of(objects: ObjectStore, tuning_id: str) -> list[Trial]:
    return TrialStore(objects, tuning_id).trials()


def test_the_best_recipe_loads_and_a_run_trains_it_to_the_very_figures_of_the_tuning(objects: ObjectStore, dense: Path):
    start(objects, "whole", trials=4)
    assert steps.tune_worker(objects, "whole", "w")["finished"] == 4
    found = steps.finish_tuning(objects, "whole")
    assert found["trials"] == 4
    assert found["after"] <= found["before"]
    text = objects.get(found["recipe"]).decode()
    assert "tuning whole" in text
    assert f"after {found['after']:.4f} degC" in text
    assert "4 trials (4 complete)" in text
    (dense.parent / "dense_tuned.yaml").write_text(text)
    recipe = load_architecture("dense_tuned")
    assert recipe.search is None
    wanted = {"station": "demo", "as_of": AS_OF, "profile": "smoke", "architectures": ["dense", "dense_tuned"]}
    steps.build_dataset(objects, steps.RetrainRequest.of(wanted), "r1")
    errors = [steps.train_entrant(objects, "r1", name)["errors"]["val_mae"] for name in wanted["architectures"]]
    assert errors == pytest.approx([found["before"], found["after"]], abs=1e-6)


def test_a_tuning_cannot_see_the_test_part(objects: ObjectStore, dense: Path):
    tuning = start(objects, "blind")
    wanted = {"station": "demo", "as_of": AS_OF, "profile": "smoke", "architectures": ["naive"]}
    run = steps.build_dataset(objects, steps.RetrainRequest.of(wanted), "r2")
    whole, seen = Dataset.load(objects, run["fingerprint"]), Dataset.load(objects, tuning["fingerprint"])
    assert len(whole.starts("test")) > 0
    assert len(seen.starts("test")) == 0
    assert seen.times[-1] == whole.times[whole.bounds.b - 1]
    for part in ("train", "validation"):
        np.testing.assert_array_equal(seen.starts(part), whole.starts(part))
        np.testing.assert_array_equal(seen.targets(part), whole.targets(part))
    assert seen.scaler.to_dict() == whole.scaler.to_dict()


def test_what_a_tuning_leaves(objects: ObjectStore, dense: Path):
    start(objects, "leaves", trials=3)
    steps.tune_worker(objects, "leaves", "w")
    found = steps.finish_tuning(objects, "leaves")
    before = snapshot(objects, "leaves")
    assert steps.finish_tuning(objects, "leaves") == found
    assert snapshot(objects, "leaves") == before
    table = from_parquet(objects.get(found["table"]), "table")
    assert len(table) == 3
    assert table["val_mae"].is_monotonic_increasing
    assert set(table.columns) >= {"number", "state", "worker", "units", "fit.learning_rate", "target"}
    page = objects.get(found["report"]).decode()
    assert "<polyline" in page
    assert "http" not in page
    assert page.count("(as it is)") == 1
    stored = Tuning.model_validate(from_json(objects.get("tunings/leaves/results/0003/tuning.json"), "tuning.json"))
    assert stored.after == min(trial.val_mae or 99 for trial in stored.trials)
    assert stored.naive > 0
    assert stored.recipe in objects.get(found["recipe"]).decode()


def test_a_killed_worker_loses_nothing_that_was_complete(
    objects: ObjectStore, dense: Path, store_settings: ObjectStoreSettings, started: list[subprocess.Popen[str]]
):
    start(objects, "killed", profile="full", trials=3)
    process = worker(store_settings, dense.parents[2], "killed", "doomed", 1, 2)
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "hanging\n"
    process.kill()
    process.wait()
    before = snapshot(objects, "killed")
    assert [trial.state for trial in trials_of(objects, "killed")] == ["complete", "running"]
    seen: list[tuple[int, int]] = []
    steps.tune_worker(objects, "killed", "next", on_epoch=lambda trial, epoch: seen.append((trial.number, epoch.epoch)))
    assert seen[:2] == [(1, 3), (2, 1)]
    after = snapshot(objects, "killed")
    assert before.items() <= after.items()
    trials = trials_of(objects, "killed")
    assert [trial.state for trial in trials] == ["complete"] * 3
    assert [trial.worker for trial in trials] == ["doomed", "next", "next"]
    assert len(trials[1].curve) == 3
    assert keys.trial("killed", 1, "claim-001.json") in after


def test_a_trial_taken_over_ends_as_if_nobody_had_died(objects: ObjectStore, dense: Path):
    for tuning_id, die_at in (("dies", (0, 2)), ("lives", None)):
        start(objects, tuning_id, profile="full", trials=1)

        def die(trial: Trial, epoch: Epoch, at: tuple[int, int] | None = die_at) -> None:
            if (trial.number, epoch.epoch) == at:
                raise KeyboardInterrupt

        if die_at:
            with pytest.raises(KeyboardInterrupt):
                steps.tune_worker(objects, tuning_id, "w", on_epoch=die)
        steps.tune_worker(objects, tuning_id, "w")
    (died,), (lived,) = trials_of(objects, "dies"), trials_of(objects, "lives")
    assert died.curve == pytest.approx(lived.curve, rel=1e-5)
    assert died.val_mae == pytest.approx(lived.val_mae, rel=1e-5)


def test_two_workers_at_once_share_the_trials(
    objects: ObjectStore, dense: Path, store_settings: ObjectStoreSettings, started: list[subprocess.Popen[str]]
):
    start(objects, "shared", trials=6, workers=2)
    started += [worker(store_settings, dense.parents[2], "shared", name) for name in ("a", "b")]
    finished = [int(process.communicate(timeout=500)[0]) for process in started]
    assert sum(finished) == 6
    trials = trials_of(objects, "shared")
    assert [trial.number for trial in trials] == list(range(6))
    assert {trial.state for trial in trials} == {"complete"}
    asked = [to_json(trial.values) for trial in trials]
    assert len(set(asked)) == 6
    assert not [key for key in objects.keys("tunings/shared/trials/") if "claim" in key]


def finish_by_hand(objects: ObjectStore, tuning_id: str, trials: list[Trial]) -> None:
    for trial in trials:
        body = {"values": trial.values, "worker": "hand", "session": "hand"}
        assert objects.put_new(keys.trial(tuning_id, trial.number, "asked.json"), to_json(body))
        TrialStore(objects, tuning_id).finish(trial)


def perfect(number: int) -> Trial:
    values = {} if number == 0 else {"units": [8], "fit.learning_rate": 1e-3 + number * 1e-4, "target": "absolute"}
    return Trial(number=number, values=values, worker="hand", state="complete", val_mae=0.01, curve=[0.01] * 3, best_epoch=1)


def test_a_hopeless_trial_is_pruned_and_recorded(objects: ObjectStore, dense: Path):
    start(objects, "pruned", profile="full", trials=5)
    finish_by_hand(objects, "pruned", [perfect(number) for number in range(4)])
    steps.tune_worker(objects, "pruned", "w")
    last = trials_of(objects, "pruned")[-1]
    assert (last.number, last.state, last.val_mae) == (4, "pruned", None)
    assert len(last.curve) == 2
    assert last.reason == "after epoch 2 worse than the median of the complete trials"
    assert "pruned" in objects.get(steps.finish_tuning(objects, "pruned")["report"]).decode()


def test_settings_that_do_not_go_together_fail_their_trial_alone_and_a_small_space_ends_the_tuning(
    objects: ObjectStore, home: Path
):
    path = home / "include" / "architectures" / "conv1d.yaml"
    small = {"convolutions.0.kernel": {"choices": [24, 60]}, "convolutions.0.pool": {"choices": [2, 3]}}
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"search": small}))
    start(objects, "failing", architecture="conv1d", trials=None, minutes=60)
    assert steps.tune_worker(objects, "failing", "w")["finished"] == 4
    trials = trials_of(objects, "failing")
    assert sorted(trial.state for trial in trials) == ["complete"] * 3 + ["failed"]
    failed = next(trial for trial in trials if trial.state == "failed")
    assert failed.values == {"convolutions.0.kernel": 60, "convolutions.0.pool": 3}
    assert failed.reason is not None
    assert "SettingsError: conv1d: (whole): Value error, convolutions: no row is left after layer 3" in failed.reason
    assert "no row is left" in objects.get(steps.finish_tuning(objects, "failing")["report"]).decode()


def test_when_everything_fails_the_tuning_stops_and_says_why(objects: ObjectStore, dense: Path):
    start(objects, "broken", trials=None, minutes=60)
    failed = [
        Trial(number=number, values={"units": [number + 1]}, worker="hand", state="failed", reason="MemoryError: no room")
        for number in range(10)
    ]
    finish_by_hand(objects, "broken", failed)
    with pytest.raises(TrainingError, match="the last 10 trials failed, the newest with MemoryError: no room"):
        steps.tune_worker(objects, "broken", "w")
    with pytest.raises(TrainingError, match="no trial is complete: trial 0: MemoryError"):
        steps.finish_tuning(objects, "broken")


def spend(objects: ObjectStore, tuning_id: str, seconds: float) -> None:
    """A session of a worker on another machine, that is over."""
    body = {"at": "2026-10-01T00:00:00+00:00", "seconds": seconds, "worker": "x", "host": "x", "pid": 1, "process_began": 0}
    for name in ("start.json", "end.json"):
        assert objects.put_new(keys.session(tuning_id, "other", name), to_json(body))


def test_a_tuning_uses_only_what_is_left_of_its_minutes(objects: ObjectStore, dense: Path):
    start(objects, "spent", trials=None, minutes=5)
    spend(objects, "spent", 300)
    assert steps.tune_worker(objects, "spent", "w")["finished"] == 0
    assert trials_of(objects, "spent") == []


def test_a_trial_is_cut_off_when_the_minutes_are_over_but_never_the_recipe_as_it_is(objects: ObjectStore, dense: Path):
    for tuning_id, number in (("over", 1), ("first", 0)):
        start(objects, tuning_id, profile="full", trials=None, minutes=60)

        def over(trial: Trial, epoch: Epoch, at: tuple[str, int] = (tuning_id, number)) -> None:
            if (trial.number, epoch.epoch) == (at[1], 1):
                spend(objects, at[0], 3600)

        steps.tune_worker(objects, tuning_id, "w", on_epoch=over)
    first, second = trials_of(objects, "over")
    assert first.state == "complete"
    assert (second.state, len(second.curve)) == ("pruned", 1)
    assert second.reason == "the tuning's 60 minutes were spent after epoch 1"
    assert [(trial.state, len(trial.curve)) for trial in trials_of(objects, "first")] == [("complete", 3)]
    assert steps.finish_tuning(objects, "first")["before"] == steps.finish_tuning(objects, "first")["after"]


def test_a_tuning_keeps_to_the_recipe_it_began_with(objects: ObjectStore, dense: Path):
    first = start(objects, "kept", trials=2)
    dense.write_text(dense.read_text().replace("- 4", "- 7"))
    assert load_architecture("dense").identity()["units"] == [7]
    assert start(objects, "kept", trials=2) == first
    steps.tune_worker(objects, "kept", "w")
    stored = objects.get(steps.finish_tuning(objects, "kept")["recipe"])
    assert yaml.safe_load(stored)["units"] in ([4], [8], [16, 8])
    width = Dataset.load(objects, first["fingerprint"]).task.context_hours * len(load_station("demo").variables)
    assert trials_of(objects, "kept")[0].parameters == (width + 1) * 4 + 4 + 1


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"architecture": "naive"}, r"naive\.yaml has no search space; .* With one: bidirectional_lstm, conv1d, dense"),
        ({"architecture": "perceptron"}, "unknown architecture 'perceptron'"),
        ({"station": "atlantis"}, "unknown station 'atlantis'"),
        ({"minutes": 0}, "minutes: Input should be greater than 0"),
        ({"trials": 0}, "trials: Input should be greater than or equal to 1"),
        ({"workers": 0}, "workers: Input should be greater than or equal to 1"),
    ],
)
def test_what_cannot_be_tuned_is_said_before_anything_runs(objects: ObjectStore, request_: dict[str, Any], says: str):
    with pytest.raises(SettingsError, match=says):
        start(objects, "never", **request_)
    assert objects.keys("tunings/never/") == []


def test_a_context_in_the_space_must_fit_the_run(objects: ObjectStore, dense: Path):
    content = yaml.safe_load(dense.read_text())
    dense.write_text(yaml.safe_dump(content | {"search": {"context_hours": {"choices": [None, 200]}}}))
    with pytest.raises(SettingsError, match="context_hours 200 is longer than the task's"):
        start(objects, "long")


def test_an_unknown_tuning_lists_the_known_ones(objects: ObjectStore, dense: Path):
    start(objects, "there")
    with pytest.raises(SettingsError, match=r"no tuning 'gone' in s3://tunings/tunings/; there are: .*there"):
        steps.tune_worker(objects, "gone", "w")
