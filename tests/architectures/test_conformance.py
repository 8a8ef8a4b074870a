"""One suite that every architecture under include/architectures passes, whatever its family."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from conftest import hourly_rows
from tsflow.architectures.ensembles import Ensemble
from tsflow.architectures.network import Network, NetworkInputs, build
from tsflow.architectures.registry import Estimator, load_architecture
from tsflow.errors import EntrantSkipped
from tsflow.folders import names_in
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.stations.station import load_station
from tsflow.storage.objects import ObjectStore
from tsflow.task import Task
from tsflow.training.epochs import EpochStore
from tsflow.training.export import check_parity, from_keras
from tsflow.training.fit import Candidate, train
from tsflow.windows.dataset import Dataset

ARCHITECTURES = [name for name in names_in("architectures") if not isinstance(load_architecture(name), Ensemble)]
PARAMETERS = {
    "naive": 0,
    "seasonal_naive": 0,
    "exponential_smoothing": 2,
    "arima": 3,
    "climatology": 7,  # less than a year of rows: the mean day alone
    "dense": 26_913,
    "conv1d": 3_873,
    "simple_rnn": 513,
    "lstm": 2_001,
    "lstm_dropout": 6_049,
    "stacked_gru": 10_977,
    "bidirectional_lstm": 4_001,
    "conv_gru": 2 * 33_896,
    "tcn": 31_080,
    "transformer": 21_320,
    "tide": 7_684,
    "autoregression_direct": 77,  # of the clock, the day's harmonics alone
    "autoregression_path": 24 * 77,
    "autoregression_recursive": 77,
}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """A short record of the classic 14 variables."""
    station = load_station("demo")
    names = ["T", *(name for name in station.variables if name != "T")]
    frame = hourly_rows(900, features=14).set_axis(["time", *names], axis=1).assign(segment=0)
    units = {name: variable.unit for name, variable in station.variables.items()}
    location, settings = station.location, (FractionSplit(), "book", HourlySettings(), {})
    return Dataset("small", Task(target="T"), units, frame, *settings, location, utc_offset_hours=1.0)


def with_noise_from(dataset: Dataset, row: int) -> Dataset:
    """The same record, but from a row on all is noise."""
    frame = dataset.frame.copy()
    noise = np.random.default_rng(9).normal(5, 20, size=(len(frame) - row, len(dataset.features)))
    frame.loc[row:, dataset.features] += noise
    return replace(dataset, frame=frame)


@pytest.fixture
def trained(objects: ObjectStore, dataset: Dataset) -> Callable[..., Candidate]:
    """Train one epoch; an entrant whose optional library is not here skips with its reason."""

    def once(name: str, run: str = "r", seed: int = 3, on: Dataset = dataset) -> Candidate:
        try:
            return train(load_architecture(name), on, EpochStore(objects, run, name, "t"), seed=seed, max_epochs=1)
        except EntrantSkipped as reason:
            pytest.skip(str(reason))

    return once


def test_the_lectures_architectures_are_all_there():
    assert set(PARAMETERS) <= set(ARCHITECTURES)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_keeps_the_contract(name: str, dataset: Dataset, trained: Callable[..., Candidate]):
    candidate = trained(name)
    for part, forecasts in candidate.forecasts.items():
        assert forecasts.shape == dataset.targets(part).shape
        assert np.isfinite(forecasts).all()
        assert np.abs(forecasts - dataset.targets(part)).mean() < 30  # degC, not scaled units
    if name in PARAMETERS:
        assert candidate.parameters == PARAMETERS[name]

    starts = dataset.starts("validation")[:40]
    expected = candidate.forecasts["validation"][:40]
    check_parity(candidate.files["model.onnx"], dataset.contexts(starts), expected)
    if "model.keras" in candidate.files:
        loaded = from_keras(candidate.files["model.keras"])
        outputs = loaded.predict_on_batch(dataset.contexts(starts))
        found = outputs["forecast"] if isinstance(outputs, dict) else outputs
        np.testing.assert_allclose(found[:, 0], expected, atol=1e-5)
        assert len(candidate.curve) == candidate.epochs == 1

    # Trained again, and with another future: nothing that was fitted or chosen may differ, so the models are the same.
    again = trained(name, run="again", on=with_noise_from(dataset, dataset.bounds.b))
    exact = 0 if name in {"naive", "dense"} else 1e-3
    for part in ("train", "validation"):
        np.testing.assert_allclose(again.forecasts[part], candidate.forecasts[part], atol=exact)
    check_parity(again.files["model.onnx"], dataset.contexts(dataset.starts("test")), candidate.forecasts["test"])
    assert again.found == candidate.found


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if not isinstance(load_architecture(name), Network)])
def test_what_an_estimator_fits_sees_only_the_training_part(name: str, dataset: Dataset, trained: Callable[..., Candidate]):
    recipe = load_architecture(name)
    if recipe.builder == "prophet":
        pytest.importorskip("prophet", reason="prophet is not installed")
    assert isinstance(recipe, Estimator)
    found = trained(name).found
    noisy = with_noise_from(dataset, dataset.bounds.a)
    contexts = dataset.contexts(dataset.starts("validation"))
    first, second = (recipe.settled(found).fit(data, seed=3).predict(contexts) for data in (dataset, noisy))
    np.testing.assert_allclose(first, second, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if isinstance(load_architecture(name), Network)])
def test_a_networks_scales_and_climatology_see_only_the_training_part(name: str, dataset: Dataset):
    network = load_architecture(name)
    assert isinstance(network, Network)
    first, second = (NetworkInputs.of(network, data) for data in (dataset, with_noise_from(dataset, dataset.bounds.a)))
    assert (first.mean, first.deviation) == (second.mean, second.deviation)
    for given, other in zip(first.channels.constants(), second.channels.constants(), strict=True):
        np.testing.assert_array_equal(given, other)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if isinstance(load_architecture(name), Network)])
def test_another_seed_gives_another_network(name: str, dataset: Dataset):
    import keras

    network = load_architecture(name)
    assert isinstance(network, Network)
    inputs = NetworkInputs.of(network, dataset)
    weights = []
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        weights.append(np.concatenate([w.ravel() for w in build(network, inputs).get_weights()]))
    assert not np.array_equal(*weights)
