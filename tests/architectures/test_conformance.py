"""The rules that every recipe under include/architectures keeps, whatever its family: one rule a test.

A recipe is trained once, for one epoch on a short record; the rules look at what came out. Which base class to take, and what
each rule is for, stands in `tsflow.architectures`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from conftest import hourly_rows
from tsflow.architectures.ensembles import Ensemble
from tsflow.architectures.network import Network
from tsflow.architectures.network_graph import NetworkInputs, build, forecasting, of_observations
from tsflow.architectures.registry import Architecture, Estimator, load_architecture
from tsflow.errors import EntrantSkipped, SettingsError
from tsflow.folders import names_in
from tsflow.records.dataset import PARTS, HourlyReport
from tsflow.records.store import Records
from tsflow.settings import HourlySettings, ObjectStoreSettings
from tsflow.splits import FractionSplit
from tsflow.stations.station import load_station
from tsflow.task import Task
from tsflow.training.batches import Batches
from tsflow.training.candidate import Candidate
from tsflow.training.epochs import EpochStore
from tsflow.training.export import check_parity, from_keras
from tsflow.training.fit import train
from tsflow.training.members import train_members
from tsflow.windows.dataset import Dataset

RECIPES = [name for name in names_in("architectures") if not isinstance(load_architecture(name), Ensemble)]
NETWORKS = [name for name in RECIPES if isinstance(load_architecture(name), Network)]
ESTIMATORS = [name for name in RECIPES if name not in NETWORKS]
ENSEMBLES = [name for name in names_in("architectures") if name not in RECIPES]
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
    "conv_gru": 4 * 34_094,
    "tcn": 31_080,
    "transformer": 21_320,
    "tide": 7_684,
    "autoregression_direct": 77,  # of the clock, the day's harmonics alone
    "autoregression_path": 24 * 77,
    "autoregression_recursive": 77,
}
EXACT = {"naive", "dense"}  # trained again they are the same to the last bit; sums of the others depend on threads
NAIVE_DEGC = 30.0  # far above any error in degC, far below any in unscaled units


@dataclass(frozen=True)
class Trained:
    """A recipe, what its training gave, and how to train it again."""

    recipe: Architecture
    candidate: Candidate
    again: Callable[[Dataset], Candidate]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """A short record of the classic 14 variables."""
    station = load_station("demo")
    names = ["T", *(name for name in station.variables if name != "T")]
    frame = hourly_rows(900, features=14).set_axis(["time", *names], axis=1).assign(segment=0)
    units = {name: variable.unit for name, variable in station.variables.items()}
    cut = (FractionSplit(), "book", HourlySettings(), HourlyReport())
    return Dataset("small", Task(target="T"), units, frame, *cut, station.location, utc_offset_hours=1.0)


def with_noise_from(dataset: Dataset, row: int) -> Dataset:
    """The same record, but from a row on all is noise."""
    frame = dataset.frame.copy()
    noise = np.random.default_rng(9).normal(5, 20, size=(len(frame) - row, len(dataset.features)))
    frame.loc[row:, dataset.features] += noise
    return replace(dataset, frame=frame)


@pytest.fixture(scope="module")
def bucket(store_settings: ObjectStoreSettings) -> Records:
    store = store_settings.model_copy(update={"bucket": "conformance"}).open()
    store.ensure_bucket()
    return Records(store)


@pytest.fixture(scope="module")
def trainings() -> dict[str, Trained]:
    return {}


@pytest.fixture
def trained(request: pytest.FixtureRequest, bucket: Records, dataset: Dataset, trainings: dict[str, Trained]) -> Trained:
    """The recipe of the test, trained once for all rules; one whose optional library is not here skips with its reason."""
    name = request.getfixturevalue("name")
    recipe = load_architecture(name)

    def train_on(data: Dataset) -> Candidate:
        epochs = EpochStore(bucket, f"r{len(bucket.objects.keys(''))}", name, "t")
        return train(recipe, data, epochs, seed=3, max_epochs=1)

    if name not in trainings:
        try:
            trainings[name] = Trained(recipe, train_on(dataset), train_on)
        except EntrantSkipped as reason:
            pytest.skip(str(reason))
    return trainings[name]


def test_the_lectures_architectures_are_all_there():
    assert set(PARAMETERS) <= set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_there_is_a_finite_forecast_in_degrees_for_every_window(name: str, dataset: Dataset, trained: Trained):
    for part in PARTS:
        forecasts = trained.candidate.forecasts[part]
        assert forecasts.shape == dataset.targets(part).shape, f"{part}: one forecast a window"
        assert np.isfinite(forecasts).all(), f"{part}: no NaN, no infinity"
        assert np.abs(forecasts - dataset.targets(part)).mean() < NAIVE_DEGC, "forecasts are degC, not scaled units"


@pytest.mark.parametrize("name", RECIPES)
def test_quantiles_rise_and_hold_the_forecast_as_their_median(name: str, dataset: Dataset, trained: Trained):
    levels = trained.candidate.quantile_levels
    assert list(levels) == list(getattr(trained.recipe, "quantiles", []))
    for part in PARTS if levels else ():
        quantiles = trained.candidate.quantiles[part]
        assert quantiles.shape == (len(dataset.starts(part)), len(levels))
        assert np.isfinite(quantiles).all()
        assert (np.diff(quantiles, axis=1) >= 0).all(), "they cross"
        medians = np.abs(quantiles[:, levels.index(0.5)] - trained.candidate.forecasts[part])
        assert np.quantile(medians, 0.9) < 1e-6, "where none cross, the forecast is the median"


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_it_has_as_many_parameters_as_are_published(name: str, trained: Trained):
    assert trained.candidate.parameters == PARAMETERS[name]


@pytest.mark.parametrize("name", RECIPES)
def test_its_onnx_model_forecasts_what_it_forecast(name: str, dataset: Dataset, trained: Trained):
    for part in ("validation", "test"):
        starts = dataset.starts(part)[:40]
        expected = {"forecast": trained.candidate.forecasts[part][: len(starts), None]}
        if trained.candidate.quantiles:
            expected["quantiles"] = trained.candidate.quantiles[part][: len(starts)]
        check_parity(trained.candidate.files["model.onnx"], dataset.contexts(starts), expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_its_keras_archive_loads_in_safe_mode_and_forecasts_the_same(name: str, dataset: Dataset, trained: Trained):
    loaded = from_keras(trained.candidate.files["model.keras"])
    assert not loaded.compiled, "who trains on says how"
    outputs = loaded.predict_on_batch(dataset.contexts(dataset.starts("validation")[:40]))
    given = outputs["forecast"] if isinstance(outputs, dict) else outputs
    np.testing.assert_allclose(given[:, 0], trained.candidate.forecasts["validation"][:40], atol=1e-5)
    assert len(trained.candidate.curve) == trained.candidate.epochs == 1


@pytest.mark.parametrize("name", ESTIMATORS)
def test_fitted_again_with_another_future_nothing_differs(name: str, dataset: Dataset, trained: Trained):
    """From the test part on all is noise: what was fitted or chosen must not have seen it, and must be repeatable."""
    again = trained.again(with_noise_from(dataset, dataset.bounds.b))
    for part in ("train", "validation"):
        exact = 0 if name in EXACT else 1e-3
        said = f"{part}: it saw rows after the validation part, or the same seed does not give the same training"
        np.testing.assert_allclose(again.forecasts[part], trained.candidate.forecasts[part], atol=exact, err_msg=said)
    expected = {"forecast": trained.candidate.forecasts["test"][:, None]}
    check_parity(again.files["model.onnx"], dataset.contexts(dataset.starts("test")), expected)
    assert again.found == trained.candidate.found, "what validation decided depends on the test part"


@pytest.mark.parametrize("name", NETWORKS)
def test_trained_again_with_another_future_no_weight_differs(name: str, dataset: Dataset, bucket: Records, trained: Trained):
    """As above; all that a network gives follows from its weights."""
    noisy, network = with_noise_from(dataset, dataset.bounds.b), load_architecture(name).on(dataset)
    assert isinstance(network, Network)
    epochs = EpochStore(bucket, "again", name, "t")
    inputs = NetworkInputs.of(network, noisy)
    batches = Batches.of(inputs, noisy)
    model, members = train_members(network, inputs, batches, epochs, seed=3, max_epochs=1)
    assert members[0].best_epoch == trained.candidate.best_epoch, "what validation decided differs"
    given = []
    for member in members:
        model.set_weights(member.weights)
        given += [weight.numpy() for weight in forecasting(model).trainable_weights]
    kept = from_keras(trained.candidate.files["model.keras"]).trainable_weights
    said = "it saw rows after the validation part, or the same seed does not give the same training"
    for first, second in zip(kept, given, strict=True):
        np.testing.assert_allclose(second, first.numpy(), atol=0 if name in EXACT else 1e-4, err_msg=said)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_an_estimator_fits_sees_only_the_training_part(name: str, dataset: Dataset, trained: Trained):
    assert isinstance(trained.recipe, Estimator)
    settled = trained.recipe.settled(trained.candidate.found).on(dataset)
    contexts = dataset.contexts(dataset.starts("validation"))
    records = dataset, with_noise_from(dataset, dataset.bounds.a)
    first, second = (settled.fit(data, seed=3).predict(contexts) for data in records)
    np.testing.assert_allclose(first, second, atol=1e-6, err_msg="`fit` saw rows of the validation or the test part")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_networks_scales_and_climatology_see_only_the_training_part(name: str, dataset: Dataset):
    network = load_architecture(name)
    assert isinstance(network, Network)
    first, second = (NetworkInputs.of(network, data) for data in (dataset, with_noise_from(dataset, dataset.bounds.a)))
    assert (first.mean, first.deviation) == (second.mean, second.deviation), "scales are those of the training part"
    for given, other in zip(first.reading.constants(), second.reading.constants(), strict=True):
        np.testing.assert_array_equal(given, other)


@pytest.mark.parametrize("name", NETWORKS)
def test_without_dropout_there_are_the_same_weights_in_the_same_order(name: str, dataset: Dataset):
    network = load_architecture(name)
    assert isinstance(network, Network)
    inputs = NetworkInputs.of(network, dataset)
    shapes = [[weight.shape for weight in build(network, inputs, dropout=dropout).get_weights()] for dropout in (True, False)]
    assert shapes[0] == shapes[1], "`layers(dropout=False)` leaves out dropout alone: the trained weights are put into that twin"


@pytest.mark.parametrize("name", NETWORKS)
def test_another_seed_gives_another_network(name: str, dataset: Dataset):
    import keras

    network = load_architecture(name)
    assert isinstance(network, Network)
    inputs = NetworkInputs.of(network, dataset)
    weights = []
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        weights.append(np.concatenate([w.ravel() for w in build(network, inputs).get_weights()]))
    assert not np.array_equal(*weights), (
        "the first weights are the same: with zeros alone a seed decides nothing; draw some of them"
    )


@pytest.mark.parametrize("name", RECIPES)
def test_settled_it_needs_no_validation(name: str, dataset: Dataset, trained: Trained):
    """A refit trains on train and validation, with what was found held fixed."""
    settled = trained.recipe.settled(trained.candidate.found)
    assert settled.settled(trained.candidate.found) == settled, "`settled` twice is `settled` once"
    assert type(settled).model_validate(settled.identity()) == settled.changed(search=None, published_mae=None)


TASKS = [(120, 12), (120, 6), (120, 1), (48, 6), (24, 24), (48, 120)]  # context, horizon


def refusal_of(recipe: Architecture, task: Task) -> str | None:
    try:
        recipe.require_task(task)
    except SettingsError as refusal:
        return str(refusal)
    return None


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task[0]}h-{task[1]}h")
@pytest.mark.parametrize("name", RECIPES)
def test_a_task_that_passes_the_check_before_can_be_built_after(name: str, task: tuple[int, int], dataset: Dataset):
    """What depends on context and horizon is refused by `require_task`, before anything is queued, and nowhere later."""
    recipe = load_architecture(name)
    other = replace(dataset, task=Task(target="T", context_hours=task[0], horizon_hours=task[1]))
    if refusal_of(recipe, other.task):
        return
    if isinstance(recipe, Network):
        inputs = NetworkInputs.of(recipe, other)
        outputs = of_observations(build(recipe, inputs), inputs)(other.contexts(other.starts("train")[:4]))
        forecast = outputs["forecast"] if isinstance(outputs, dict) else outputs
        assert forecast.shape == (4, 1)
    elif name not in {"arima", "exponential_smoothing", "prophet", "lightgbm"}:  # minutes of fitting; their reach is tested below
        assert isinstance(recipe, Estimator)
        forecasts = recipe.on(other).fit(other, seed=1).predict(other.contexts(other.starts("train")[:4]))
        assert forecasts.shape == (4,), "`predict` gives one number a context, shape [n]"


def test_every_network_of_the_lecture_and_the_best_ones_train_for_twelve_hours():
    for name in NETWORKS:
        load_architecture(name).require_task(Task(target="T", horizon_hours=12))


@pytest.mark.parametrize("name", ENSEMBLES)
def test_an_ensembles_weights_are_shares_that_come_from_what_it_is_given(name: str):
    ensemble = load_architecture(name)
    assert isinstance(ensemble, Ensemble)
    random = np.random.default_rng(4)
    truth, now = random.normal(size=400), random.normal(size=400)
    forecasts = truth[:, None] + random.normal(0, [0.5, 1.0, 2.0], size=(400, 3))
    weights = ensemble.weigh(forecasts, truth, now)
    assert (weights.members >= 0).all(), "no member is subtracted"
    assert weights.members.sum() <= 1 + 1e-9, "members are not stretched beyond what they forecast"
    assert weights.now == pytest.approx(1 - weights.members.sum())
    assert weights.members[0] >= weights.members[2]


@pytest.mark.parametrize("name", ENSEMBLES)
def test_an_ensemble_is_ranked_by_forecasts_that_did_not_give_its_weights(name: str):
    ensemble = load_architecture(name)
    assert isinstance(ensemble, Ensemble)
    random = np.random.default_rng(5)
    truth, now = random.normal(size=2000), random.normal(size=2000)
    forecasts = truth[:, None] + random.normal(0, 1, size=(2000, 4))
    before = ensemble.cross_fitted(forecasts, truth, now, gap=144)
    changed = truth.copy()
    changed[:300] += random.normal(0, 50, 300)  # of the first fold alone
    after = ensemble.cross_fitted(forecasts, changed, now, gap=144)
    np.testing.assert_array_equal(before[:300], after[:300])
