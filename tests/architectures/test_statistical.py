"""The statistical entrants: worked examples, maps against the libraries' own forecasts, no leak, failures."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import hourly_rows
from tsflow.architectures.affine import affine_map, last_unbroken
from tsflow.architectures.arima import Arima
from tsflow.architectures.baselines import Persistence
from tsflow.architectures.climatology import CalendarForecast, Climatology, Cycle
from tsflow.architectures.prophet import YEAR_SHIFT_DAYS, Prophet
from tsflow.architectures.registry import Estimator, load_architecture
from tsflow.architectures.seasonal import SeasonalNaive
from tsflow.architectures.smoothing import ExponentialSmoothing
from tsflow.errors import EntrantSkipped, IntegrityError, NotEnoughData, SettingsError, TrainingError
from tsflow.records.dataset import HourlyReport
from tsflow.records.store import Records
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.training.epochs import EpochStore
from tsflow.training.export import check_parity
from tsflow.training.fit import train
from tsflow.windows.dataset import Dataset

STATISTICAL = ["seasonal_naive", "climatology", "exponential_smoothing", "arima"]


def dataset_of(frame: pd.DataFrame, windows: Task | None = None) -> Dataset:
    frame = frame if "segment" in frame else frame.assign(segment=0)
    units = dict.fromkeys(frame.columns.drop(["time", "segment"]), "degC")
    return Dataset("small", windows or Task(target="T"), units, frame, FractionSplit(), "book", HourlySettings(), HourlyReport())


def in_pieces(hours: int) -> Dataset:
    """A record with a gap after every so many hours."""
    return dataset_of(hourly_rows(1200).assign(segment=np.arange(1200) // hours))


def recipe(kind: type[Estimator], **settings: Any) -> Any:
    return kind.model_validate({"architecture": "a", "title": "a", "builder": "b", **settings})


def three_years() -> pd.DataFrame:
    """Hours whose target is two harmonics of the year, one of the day, and a product of the two."""
    times = pd.date_range("2019-01-01", periods=3 * 8766, freq="h").astype("datetime64[us]")
    day_of_year = (times.day_of_year - 1 + times.hour / 24).to_numpy() * 2 * np.pi / 365.2425
    hour = times.hour.to_numpy() * 2 * np.pi / 24
    usual = 9 - 10 * np.cos(day_of_year) + np.sin(2 * day_of_year) + (4 - 2 * np.cos(day_of_year)) * np.sin(hour - 2)
    return pd.DataFrame({"time": times, "T": usual})


@pytest.fixture(scope="module")
def small() -> Dataset:
    """The target in the second column, to see that it is the one that is read."""
    frame = hourly_rows(1200, features=3)
    return dataset_of(frame[["time", "f1", "T", "f2"]])


# Seasonal naive.


def test_a_pressure_in_pascal_is_exported_as_well_as_one_in_hectopascal():
    """Steps of a float32 near 100,000 are 0.008: that much is no difference."""
    contexts = np.random.default_rng(0).normal(101_325, 500, size=(64, 120, 3)).astype(np.float32)
    onnx = Persistence(120, 3, 0).to_onnx()
    forecasts = contexts[:, -1, :1].astype(np.float64)
    check_parity(onnx, contexts, {"forecast": forecasts + 0.01})
    with pytest.raises(IntegrityError, match=r"differs from the trained model by 1 of the target's unit \(at most 0.09"):
        check_parity(onnx, contexts, {"forecast": forecasts + 1.0})
    with pytest.raises(IntegrityError, match=r"at most 0\.001"):
        check_parity(onnx, contexts / 10_000, {"forecast": forecasts / 10_000 + 0.01})


def test_seasonal_naive_averages_the_same_hour_of_the_last_days_by_hand():
    dataset = dataset_of(pd.DataFrame({"time": hourly_rows(1000)["time"], "T": np.arange(1000.0)}))
    context = dataset.contexts(np.array([0]))  # rows 0 to 119; the target is row 143
    assert recipe(SeasonalNaive, seasons=1).fit(dataset, seed=0).predict(context)[0] == 119  # as naive
    assert recipe(SeasonalNaive, seasons=5).fit(dataset, seed=0).predict(context)[0] == np.mean([119, 95, 71, 47, 23])


@pytest.mark.parametrize(
    ("horizon", "season", "ages"), [(6, 24, [18, 42]), (24, 24, [0, 24]), (30, 24, [18, 42]), (25, 24, [23, 47]), (1, 12, [11, 23])]
)
def test_seasonal_naive_takes_only_what_is_known_at_the_origin(horizon: int, season: int, ages: list[int]):
    found = recipe(SeasonalNaive, seasons=2, season_hours=season).ages(horizon)
    assert found == ages
    assert all((age + horizon) % season == 0 for age in found)


def test_seasonal_naive_says_how_long_a_context_it_needs():
    with pytest.raises(SettingsError, match="6 seasons of 24 h need a context of 121 h at a horizon of 24 h, found 120 h"):
        recipe(SeasonalNaive, seasons=6).require_task(Task(target="T"))
    recipe(SeasonalNaive, seasons=5, context_hours=97).require_task(Task(target="T"))
    with pytest.raises(SettingsError, match="found 96 h"):
        recipe(SeasonalNaive, seasons=5, context_hours=96).require_task(Task(target="T"))


# Climatology.


def test_harmonics_are_one_then_cosines_then_sines_and_look_ahead():
    hours = np.array([0.0, 3.0, 23.0])
    angle = 2 * np.pi * hours / 24
    by_hand = np.stack([np.ones(3), np.cos(angle), np.cos(2 * angle), np.sin(angle), np.sin(2 * angle)], axis=1)
    np.testing.assert_allclose(Cycle(2, 24.0).terms(hours), by_hand, atol=1e-12)
    np.testing.assert_allclose(Cycle(2, 24.0).terms(hours, 6.0), Cycle(2, 24.0).terms(hours + 6), atol=1e-12)


@pytest.mark.parametrize("horizon", [24, 7])
def test_climatology_finds_harmonics_and_their_products_again(horizon: int):
    dataset = dataset_of(three_years(), Task(target="T", horizon_hours=horizon))
    fitted = recipe(Climatology).fit(dataset, seed=0)
    assert fitted.parameters == 49
    starts = dataset.starts("validation")[::50]
    contexts = dataset.contexts(starts)
    truth = dataset.targets("validation")[::50]
    unlike = np.abs(fitted.predict(contexts) - truth)
    assert np.median(unlike) < 1e-4  # float32 calendar columns
    assert unlike.max() < 0.2  # over New Year the year's length is not 365.2425 days
    check_parity(fitted.to_onnx(), contexts, {"forecast": fitted.predict(contexts)[:, None]})


def test_climatology_is_the_mean_day_on_less_than_a_year(caplog: pytest.LogCaptureFixture):
    dataset = dataset_of(hourly_rows(1200))
    with caplog.at_level(logging.WARNING):
        fitted = recipe(Climatology, day_harmonics=11).fit(dataset, seed=0)
    assert "do not cover a year" in caplog.text
    days = dataset.values[: dataset.bounds.a, 0].reshape(-1, 24)
    contexts = dataset.contexts(np.arange(24))
    # Of 24 terms of the day all but one are there.
    np.testing.assert_allclose(fitted.predict(contexts), np.roll(days.mean(axis=0), -119), atol=0.05)


# ARIMA and exponential smoothing.


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (Arima, {}),
        (Arima, {"order": [2, 0, 1], "seasonal_order": [0, 0, 0], "constant": True}),
        (Arima, {"order": [0, 1, 1], "seasonal_order": [0, 1, 1]}),
        (ExponentialSmoothing, {}),
        (ExponentialSmoothing, {"damped_trend": True}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "-".join(value) or "default",
)
def test_the_affine_map_is_the_librarys_own_forecast(
    kind: type[Any], settings: dict, small: Dataset, monkeypatch: pytest.MonkeyPatch
):
    estimator, found = recipe(kind, fit_hours=500, **settings), []
    fit_parameters = kind.parameters_of
    monkeypatch.setattr(kind, "parameters_of", lambda *given: found.append(fit_parameters(*given)) or found[-1])
    fitted = estimator.fit(small, seed=0)
    assert fitted.parameters == len(found[0])
    starts = np.concatenate([small.starts("train")[:3], small.starts("validation")[::40], small.starts("test")[-3:]])
    contexts = small.contexts(starts)
    library = [estimator.library_forecast(found[0], context, 24) for context in contexts[:, :, 1].astype(np.float64)]
    np.testing.assert_allclose(fitted.predict(contexts), library, atol=1e-6)
    check_parity(fitted.to_onnx(), contexts, {"forecast": fitted.predict(contexts)[:, None]})


def test_the_map_on_real_contexts_is_the_librarys_forecast_from_an_applied_result(data: Path):
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    real = pd.read_csv(data / "jena_hourly_2009_2014.csv.gz", encoding="cp1252", nrows=3000)["T (degC)"]
    frame = hourly_rows(3000).assign(T=real.to_numpy())
    dataset = dataset_of(frame)
    estimator = recipe(Arima, fit_hours=700)
    fitted = estimator.fit(dataset, seed=0)
    # The way a user of statsmodels goes: fit once, apply the result to another record, forecast.
    train_rows = frame["T"].to_numpy()[dataset.bounds.a - 700 : dataset.bounds.a]
    result = SARIMAX(train_rows, order=(1, 0, 0), seasonal_order=(0, 1, 1, 24)).fit(disp=False, cov_type="none", maxiter=200)
    starts = dataset.starts("validation")[::100]
    contexts = dataset.contexts(starts)
    applied = [result.apply(context).forecast(24)[-1] for context in contexts[:, :, 0].astype(np.float64)]
    np.testing.assert_allclose(fitted.predict(contexts), applied, atol=1e-5)  # two searches for one maximum


def test_an_ar1_without_season_is_its_formula():
    random = np.random.default_rng(5)
    values = np.zeros(1000)
    for i in range(1, 1000):
        values[i] = 0.9 * values[i - 1] + random.normal()
    dataset = dataset_of(hourly_rows(1000).assign(T=values))
    fitted = recipe(Arima, order=[1, 0, 0], seasonal_order=[0, 0, 0]).fit(dataset, seed=0)
    phi = fitted.weights[-1] ** (1 / 24)
    assert phi == pytest.approx(0.9, abs=0.05)
    np.testing.assert_allclose(fitted.weights[:-1], 0, atol=1e-9)
    assert fitted.constant == pytest.approx(0, abs=1e-9)


def test_smoothing_is_its_recursion_by_a_slow_loop(small: Dataset):
    from statsmodels.tsa.exponential_smoothing.initialization import _initialization_heuristic

    alpha, gamma = 0.3, 0.2
    context = small.values[200:320, 1]
    level, _, season = _initialization_heuristic(context, seasonal="add", seasonal_periods=24)
    season = np.asarray(season, dtype=float).copy()
    for hour, value in enumerate(context):
        error = value - level - season[hour % 24]
        level, season[hour % 24] = level + alpha * error, season[hour % 24] + gamma * error
    library = recipe(ExponentialSmoothing).library_forecast(np.array([alpha, gamma]), context, 24)
    assert library == pytest.approx(level + season[143 % 24], abs=1e-9)


def test_a_shorter_context_leaves_the_older_rows_without_weight(small: Dataset):
    fitted = recipe(ExponentialSmoothing, context_hours=72, fit_hours=500).fit(small, seed=0)
    assert fitted.weights.shape == (120,)
    assert not fitted.weights[:48].any()


def test_a_forecast_that_is_not_affine_has_no_map():
    contexts = np.random.default_rng(0).normal(5, 2, size=(2, 10))
    with pytest.raises(TrainingError, match="the model is not linear in its context"):
        affine_map(lambda context: float(np.exp(context).sum()), *contexts)


def test_a_search_that_does_not_converge_says_what_to_do(records: Records, small: Dataset):
    epochs = EpochStore(records, "r", "arima", "t")
    with pytest.raises(TrainingError, match=r"not found in 1 of at most 1 iterations; raise max_iterations, change fit_hours"):
        train(recipe(Arima, max_iterations=1), small, epochs, seed=1)
    with pytest.raises(TrainingError, match=r"of at most 1 iterations on 600 h; raise max_iterations.*damped_trend to false"):
        train(recipe(ExponentialSmoothing, damped_trend=True, max_iterations=1), small, epochs, seed=1)


def test_a_warning_of_the_library_is_a_failure_with_its_words(small: Dataset, monkeypatch: pytest.MonkeyPatch):
    import warnings

    from statsmodels.tools.sm_exceptions import EstimationWarning
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    monkeypatch.setattr(SARIMAX, "fit", lambda *_, **__: warnings.warn("the data are odd", EstimationWarning, stacklevel=1))
    with pytest.raises(TrainingError, match=r"EstimationWarning: the data are odd; raise max_iterations"):
        recipe(Arima).fit(small, seed=0)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (lambda dataset: recipe(Arima, context_hours=24).fit(dataset, seed=0), "its orders reach over 49 h, the context has 24 h"),
        (lambda _: recipe(Arima).fit(in_pieces(200), seed=0), "has 200 hours, needed are 240"),
        (
            lambda dataset: recipe(ExponentialSmoothing, context_hours=48).require_task(dataset.task),
            "needs a context of 58 h, found 48 h",
        ),
    ],
)
def test_too_few_rows_say_how_many_are_needed(kind: Callable[[Dataset], object], says: str, small: Dataset):
    with pytest.raises((NotEnoughData, SettingsError), match=says):
        kind(small)


def test_an_arima_without_terms_is_refused():
    with pytest.raises(ValueError, match="nothing to fit"):
        recipe(Arima, order=[0, 1, 0], seasonal_order=[0, 1, 0])


def test_parameters_are_fitted_on_the_newest_stretch_that_is_long_enough():
    frame = hourly_rows(1200).assign(T=np.arange(1200.0), segment=np.repeat([0, 1, 2, 3], [100, 300, 100, 700]))
    dataset = dataset_of(frame)  # training rows end at 600, in segment 3, whose 100 training rows begin at 500
    assert dataset.bounds.a == 600
    np.testing.assert_array_equal(last_unbroken(dataset, 60, at_least=1), np.arange(540.0, 600))
    np.testing.assert_array_equal(last_unbroken(dataset, 100, at_least=1), np.arange(500.0, 600))
    np.testing.assert_array_equal(last_unbroken(dataset, 200, at_least=1), np.arange(200.0, 400))
    np.testing.assert_array_equal(last_unbroken(dataset, 5000, at_least=1), np.arange(100.0, 400))
    with pytest.raises(NotEnoughData, match="has 300 hours, needed are 301"):
        last_unbroken(dataset, 5000, at_least=301)


# What holds for all.


@pytest.mark.parametrize("name", STATISTICAL)
def test_rows_after_the_training_part_change_nothing_in_what_is_fitted(name: str, small: Dataset):
    later = small.frame.copy()
    later.loc[small.bounds.a :, ["f1", "T", "f2"]] += 100
    estimator = load_architecture(name)
    assert isinstance(estimator, Estimator)
    if "fit_hours" in type(estimator).model_fields:
        estimator = estimator.model_copy(update={"fit_hours": 300})
    before = estimator.fit(small, seed=0).to_onnx()
    assert estimator.fit(dataset_of(later), seed=0).to_onnx() == before
    earlier = small.frame.copy()
    earlier.loc[: small.bounds.a - 1, "T"] *= 1.5
    earlier.loc[small.bounds.a - 100 : small.bounds.a - 1, "T"] += 7
    if name != "seasonal_naive":  # in which nothing is fitted
        assert estimator.fit(dataset_of(earlier), seed=0).to_onnx() != before


# Prophet.


def test_without_prophet_the_entrant_is_skipped_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EntrantSkipped, match="prophet is not installed"):
        recipe(Prophet).require_libraries()


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # Prophet 1.5 on pandas 3
@pytest.mark.parametrize("year_round", [True, False])
def test_the_forecast_read_out_is_prophets_own(year_round: bool):
    pytest.importorskip("prophet", reason="the extra `prophet` is not installed")
    random = np.random.default_rng(1)
    frame = three_years() if year_round else hourly_rows(1200)
    frame = frame.assign(T=frame["T"] + random.normal(size=len(frame)))
    dataset = dataset_of(frame)
    estimator = recipe(Prophet)
    model = estimator.fitted(dataset, seed=1)
    found: CalendarForecast = estimator.read_out(model, dataset)
    assert found.parameters == (1 + 2 * (10 + 4) if year_round else 1 + 2 * 4)

    origins = dataset.origins("validation")[::37]
    contexts = dataset.contexts(origins - 119)
    targets = pd.to_datetime(dataset.times[origins]) + pd.Timedelta(hours=24)
    asked = model.predict(pd.DataFrame({"ds": targets}))
    # Prophet's 1 January wanders by up to 3/8 day from the one taken; at most 0.25 degC a day of the year.
    np.testing.assert_allclose(found.predict(contexts), asked["yhat"], atol=0.1 if year_round else 1e-4)
    # Exact, once each season is asked at the time that the read-out takes for it.
    days = contexts[:, -1, -1].astype(np.float64) + 1 + YEAR_SHIFT_DAYS
    expected = (asked["trend"] + asked["daily"]).to_numpy(copy=True)
    if year_round:
        in_order = np.argsort(days)  # as Prophet returns them
        times = pd.Timestamp("1970-01-01") + pd.to_timedelta(days[in_order], unit="D")
        expected[in_order] += model.predict(pd.DataFrame({"ds": times}))["yearly"].to_numpy()
    np.testing.assert_allclose(found.predict(contexts), expected, atol=1e-4)
    check_parity(found.to_onnx(), contexts, {"forecast": found.predict(contexts)[:, None]})
