"""Resume, early stopping and failures of a training."""

import os
import subprocess
import sys

import numpy as np
import pytest

from conftest import hourly_rows, result_of
from tsflow.architectures.baselines import Persistence
from tsflow.architectures.graphs import outputs, sorted_quantiles
from tsflow.architectures.network_graph import NetworkInputs
from tsflow.architectures.recurrent import Recurrent
from tsflow.architectures.registry import load_architecture
from tsflow.architectures.seeds import member_seeds
from tsflow.errors import IntegrityError, TrainingError
from tsflow.records.dataset import HourlyReport
from tsflow.records.store import Records
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.training.batches import Batches
from tsflow.training.candidate import Candidate
from tsflow.training.compiling import compile_network
from tsflow.training.epochs import Epoch, EpochStore
from tsflow.training.fit import check, train
from tsflow.training.members import Member, train_members
from tsflow.windows.dataset import Dataset

WINDOWS = Task(target="T", context_hours=24, horizon_hours=6)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    frame = hourly_rows(800, features=3).assign(segment=0)
    return Dataset(
        "small", WINDOWS, {"T": "degC", "f1": "", "f2": ""}, frame, FractionSplit(), "book", HourlySettings(), HourlyReport()
    )


def network(**fit: object) -> Recurrent:
    return Recurrent.model_validate(
        {
            "architecture": "small",
            "title": "Small",
            "builder": "recurrent",
            "cell": "gru",
            "units": [4],
            "recurrent_dropout": 0.3,
            "dropout": 0.3,
            "fit": {"epochs": 4, "batch_size": 64, "patience": None, **fit},
        }
    )


class Crash(Exception):
    """A worker that dies."""


@pytest.mark.parametrize(
    "fit",
    [
        {},
        {"optimiser": "adamw", "weight_decay": 0.1, "decay": "cosine", "warmup": 0.4, "loss": "pinball", "quantile": 0.6},
    ],
    ids=["adam", "adamw, warm-up, cosine, pinball"],
)
def test_a_training_that_was_cut_off_goes_on_as_if_it_had_not_been(records: Records, dataset: Dataset, fit: dict):
    assert_resumes(records, dataset, network(**fit))


@pytest.mark.parametrize("leads", [None, {"hours": [2, 4]}], ids=["alone", "with leads"])
def test_a_network_of_quantiles_resumes_too_and_is_exported_with_them(records: Records, dataset: Dataset, leads: dict | None):
    quantiles = network().changed(quantiles=[0.1, 0.5, 0.9], leads=leads, seeds=2)
    candidate = assert_resumes(records, dataset, quantiles)
    assert candidate.quantile_levels == (0.1, 0.5, 0.9)
    for part in ("train", "validation", "test"):
        found = candidate.quantiles[part]
        assert (np.diff(found, axis=1) >= 0).all()
        np.testing.assert_array_equal(found[:, 1], candidate.forecasts[part])
    assert set(outputs(candidate.files["model.onnx"])) == {"forecast", "quantiles", *(["leads"] if leads else [])}
    assert len(candidate.memory) == 24


def test_a_further_seed_gives_the_weights_that_it_gives_alone(records: Records, dataset: Dataset):
    several = network(optimiser="adamw", decay="cosine").changed(seeds=2, batch_normalisation=True)
    inputs = NetworkInputs.of(several, dataset)

    def members(recipe: Recurrent, seed: int) -> list[Member]:
        epochs = EpochStore(records, f"of-{recipe.seeds}", "small", "t")
        return train_members(recipe, inputs, Batches.of(inputs, dataset), epochs, seed=seed, max_epochs=2)[1]

    _, second = members(several, 7)
    (alone,) = members(several.changed(seeds=1), member_seeds(7, 2)[1])
    for weight, expected in zip(second.weights, alone.weights, strict=True):
        np.testing.assert_array_equal(weight, expected)


def assert_resumes(records: Records, dataset: Dataset, recipe: Recurrent) -> Candidate:
    """Train once whole, only to be judged, and once cut off; return the candidate."""
    whole = train(recipe, dataset, EpochStore(records, "whole", "small", "t"), seed=5, served=False, parts=("validation",))
    assert (whole.files, whole.memory, set(whole.forecasts)) == ({}, [], {"validation"})

    def die(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise Crash

    with pytest.raises(Crash):
        train(recipe, dataset, EpochStore(records, "cut", "small", "t"), seed=5, on_epoch=die)
    seen: list[int] = []
    resumed = train(
        recipe, dataset, EpochStore(records, "cut", "small", "t"), seed=5, on_epoch=lambda epoch: seen.append(epoch.epoch)
    )
    assert sorted({*seen}) == ([1, 2, 3, 4] if recipe.seeds > 1 else [3, 4])  # the second seed had not begun
    assert [epoch.epoch for epoch in resumed.curve] == [1, 2, 3, 4]
    np.testing.assert_allclose([e.val_mae for e in resumed.curve], [e.val_mae for e in whole.curve], rtol=1e-5)
    np.testing.assert_allclose(resumed.forecasts["validation"], whole.forecasts["validation"], atol=1e-4)
    return resumed


def test_an_estimator_that_is_only_judged_forecasts_the_same_of_validation_and_is_not_exported(records: Records, dataset: Dataset):
    recipe = load_architecture("autoregression_path").changed(lags=12).on(dataset)
    epochs = EpochStore(records, "r", "path", "t")
    served = train(recipe, dataset, epochs, seed=1)
    judged = train(recipe, dataset, epochs, seed=1, served=False, parts=("validation",))
    np.testing.assert_array_equal(judged.forecasts["validation"], served.forecasts["validation"])
    assert set(served.forecasts) == {"train", "validation", "test"}
    assert (judged.files, set(judged.forecasts), set(judged.leads)) == ({}, {"validation"}, {"validation"})


def test_of_two_attempts_at_one_epoch_the_first_counts_with_its_own_model(records: Records):
    store = EpochStore(records, "r", "small", "t")
    mine, theirs = (Epoch(epoch=1, of=2, loss=mae, mae=mae, val_mae=mae, seconds=1.0) for mae in (1.0, 2.0))
    assert store.save(mine, b"mine") == mine
    assert store.save(theirs, b"theirs") == mine
    assert (store.curve(), store.model(1)) == ([mine], b"mine")
    (key,) = [key for key in records.objects.keys("r/") if key.endswith(".keras") and records.objects.get(key) == b"mine"]
    body, etag = records.objects.get_tagged(key)
    records.objects.swap(key, body + b"?", etag)
    with pytest.raises(IntegrityError, match="was changed or damaged"):
        store.model(1)


def test_the_rate_rises_over_the_warm_up_and_falls_as_a_cosine(dataset: Dataset):
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    recipe = network(optimiser="adamw", learning_rate=0.2, weight_decay=0.01, decay="cosine", warmup=0.2)
    compile_network(model, recipe, NetworkInputs.of(recipe, dataset), steps=100)
    rate = model.optimizer._learning_rate
    steps = [0, 10, 20, 60, 100, 120]
    np.testing.assert_allclose([float(rate(step)) for step in steps], [0, 0.1, 0.2, 0.1, 0, 0], atol=1e-6)
    assert model.optimizer.weight_decay == 0.01


def test_the_step_of_a_training_is_traced_once(records: Records, dataset: Dataset, monkeypatch: pytest.MonkeyPatch):
    import keras

    traced, step = [], keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda model, data: traced.append(model) or step(model, data))
    kept = EpochStore(records, "r", "traced", "t")
    train(network(epochs=3), dataset, kept, seed=1, max_epochs=1)
    assert len(traced) == 1
    train(network(epochs=3), dataset, kept, seed=1)
    assert len(traced) == 2, "one that goes on from its archive is no other"


def test_the_weights_kept_are_those_of_the_best_epoch(records: Records, dataset: Dataset):
    candidate = train(
        network(learning_rate=0.5, epochs=5),
        dataset,
        EpochStore(records, "r", "small", "t"),
        seed=1,
        served=False,
        parts=("validation",),
    )
    best = min(candidate.curve, key=lambda epoch: epoch.val_mae)
    assert candidate.best_epoch == best.epoch
    error = np.abs(candidate.forecasts["validation"] - dataset.targets("validation")).mean()
    assert error == pytest.approx(best.val_mae, abs=1e-3)


def test_a_training_stops_when_patience_is_over(records: Records, dataset: Dataset):
    kept = EpochStore(records, "r", "small", "t")
    candidate = train(network(learning_rate=1.0, epochs=40, patience=2), dataset, kept, seed=1, served=False, parts=("validation",))
    assert candidate.epochs == candidate.best_epoch + 2 < 40


def test_a_loss_that_is_not_finite_says_what_to_lower(records: Records, dataset: Dataset):
    broken = Dataset(
        "small", WINDOWS, dataset.units, dataset.frame.assign(f1=np.nan), FractionSplit(), "book", HourlySettings(), HourlyReport()
    )
    with pytest.raises(TrainingError, match=r"the loss is not finite in epoch 1; lower fit\.learning_rate"):
        train(network(), broken, EpochStore(records, "r", "small", "t"), seed=1)


def test_each_epoch_shows_every_window_once_in_an_order_of_its_own(dataset: Dataset):
    def shown(epoch: int) -> np.ndarray:
        return np.concatenate(
            [targets.numpy()[:, 0] for _, targets in Batches(dataset, dataset.rows).training(batch_size=64, seed=1, epoch=epoch)]
        )

    for epoch in (0, 1):
        np.testing.assert_allclose(np.sort(shown(epoch)), np.sort(dataset.targets("train").astype(np.float32)))
    assert not np.array_equal(shown(0), shown(1))
    np.testing.assert_array_equal(shown(1), shown(1))


def test_a_batch_holds_the_windows_of_its_targets(dataset: Dataset):
    contexts, targets = next(iter(Batches(dataset, dataset.rows).training(batch_size=8, seed=1, epoch=0)))
    starts = dataset.starts("train")
    every = dataset.contexts(starts)
    for context, target in zip(contexts.numpy(), targets.numpy(), strict=True):
        match = np.flatnonzero((every == context).all(axis=(1, 2)))
        assert dataset.targets("train")[match[0]].astype(np.float32) == target


def test_an_export_that_is_wrong_late_in_the_part_alone_is_refused(dataset: Dataset):
    onnx, starts = Persistence(24, 5, 0).to_onnx(), dataset.starts("test")
    forecasts = dataset.values[dataset.origins("test"), 0]
    check(onnx, dataset, starts, forecasts)
    later = np.where(np.arange(len(starts)) > 100, forecasts + 0.02, forecasts)  # as LightGBM's trees once were
    with pytest.raises(IntegrityError, match=r"differs from the trained model by 0\.02 of the target's unit"):
        check(onnx, dataset, starts, later)


def test_an_export_with_other_quantiles_is_refused(dataset: Dataset):
    onnx = sorted_quantiles(Persistence(24, 5, 0).to_onnx(), [Persistence(24, 5, 1).to_onnx()], (24, 5))
    forecasts, quantiles = dataset.values[dataset.origins("test"), 0], np.sort(dataset.values[dataset.origins("test"), :2], axis=1)
    check(onnx, dataset, dataset.starts("test"), forecasts, quantiles)
    with pytest.raises(IntegrityError, match="differs from the trained model"):
        check(onnx, dataset, dataset.starts("test"), forecasts, quantiles[:, ::-1])


SET_UP = """
import json
import scipy.linalg
from threadpoolctl import threadpool_info
from tsflow.training.fit import set_up_tensorflow

set_up_tensorflow(1)
"""
THREADS = """
print("RESULT" + json.dumps([each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]))
"""


ONEDNN = """
from tensorflow.python.util import _pywrap_util_port

print("RESULT" + ("true" if _pywrap_util_port.IsMklEnabled() else "false"))
"""


@pytest.mark.parametrize(("said", "taken"), [({}, True), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, False)])
def test_tensorflow_takes_onednn_on_any_processor_unless_somebody_says_otherwise(said: dict[str, str], taken: bool):
    inherited = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    assert result_of(SET_UP + ONEDNN, inherited | said) is taken


def test_tensorflow_is_loaded_without_a_word_and_what_comes_later_is_heard():
    program = 'import sys\nfrom tsflow.libraries import load_tensorflow\nload_tensorflow()\nprint("heard", file=sys.stderr)'
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "heard\n"


def test_linear_algebra_gets_the_threads_of_a_training():
    told = result_of(SET_UP + THREADS, {**os.environ, "OPENBLAS_NUM_THREADS": "2"})
    assert set(told) == {1}
