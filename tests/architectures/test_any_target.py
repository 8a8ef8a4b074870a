"""Recipes that were made for temperature in degC forecast any target, in any unit of it, at stations that lack much."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tsflow.architectures.autoregression import Autoregression
from tsflow.architectures.boosting import _steps
from tsflow.architectures.ensembles import Ensemble
from tsflow.architectures.magnitude import degree
from tsflow.architectures.registry import load_architecture
from tsflow.architectures.ridge import Ridge
from tsflow.errors import EntrantSkipped
from tsflow.features.channels import TARGET
from tsflow.features.climate import Harmonics, fit_climatology
from tsflow.features.fitted_channels import FittedChannels
from tsflow.location import Location
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.windows.dataset import Dataset

CUT = (FractionSplit(), "book", HourlySettings(), HourlyReport())
WHERE = {"location": Location(latitude=50.9, longitude=11.6), "utc_offset_hours": 1.0}
CHANGING = ["ridge", "lightgbm", "mlp", "conv_gru", "tcn", "tide", "transformer"]


def made_up(hours: int = 1200, seed: int = 0) -> pd.DataFrame:
    """A level `x` that comes back to its mean within hours, beside weather that has nothing to do with it."""
    noise = np.random.default_rng(seed)
    times = pd.date_range("2021-01-01", periods=hours, freq="1h", unit="us")
    pull = [noise.normal()]
    for _ in range(hours - 1):
        pull.append(0.9 * pull[-1] + noise.normal())
    day = np.sin(2 * np.pi * np.arange(hours) / 24)
    weather = {"T": 9 + 4 * day + noise.normal(size=hours), "p": 990 + noise.normal(size=hours).cumsum() / 9}
    return pd.DataFrame({"time": times, "x": pull, **weather, "segment": 0})


def dataset_of(frame: pd.DataFrame, units: dict[str, str], target: str, **settings: object) -> Dataset:
    return Dataset("made-up", Task(target=target), units, frame, *CUT, **{**WHERE, **settings})


UNITS = {"x": "m", "T": "degC", "p": "hPa"}


@pytest.fixture(scope="module")
def level() -> Dataset:
    return dataset_of(made_up(), UNITS, "x")


@pytest.mark.parametrize("name", CHANGING)
def test_a_recipe_that_forecasts_a_change_reads_a_target_that_it_does_not_name(level: Dataset, name: str):
    recipe = load_architecture(name).on(level)
    assert TARGET in recipe.channels.measured
    assert FittedChannels.fit(recipe.channels, level).target == TARGET
    if hasattr(recipe, "table"):
        assert TARGET in recipe.table.now
        assert {6, 72} <= {*recipe.table.means[TARGET]}
    assert recipe.on(level) == recipe
    temperature = replace(level, task=Task(target="T"))
    assert TARGET not in load_architecture(name).on(temperature).channels.measured


@pytest.mark.parametrize("name", ["ridge", "lightgbm"])
def test_a_target_that_recipes_do_not_name_is_forecast_better_than_it_stays(name: str):
    level = dataset_of(made_up(6000), UNITS, "x")
    fitted = load_architecture(name).on(level).fit(level, seed=1)
    found = np.concatenate([fitted.predict(contexts) for contexts in level.batches("test")])
    assert np.abs(found - level.targets("test")).mean() < 0.9 * np.abs(level.changes("test")).mean()


@pytest.mark.parametrize("times", [0.25, 1024.0])
def test_ridge_and_autoregressions_are_the_same_in_any_unit(times: float):
    frame = made_up()
    one = dataset_of(frame, UNITS, "x")
    other = dataset_of(frame.assign(x=frame["x"] * times), UNITS, "x")
    recipes: list[Callable[[Dataset], object]] = []
    table = {"now": ["x"], "changes": {"x": [1, 2, 3, 6]}}
    for loss in ("mse", "mae"):
        content = {"architecture": "r", "title": "R", "builder": "ridge", "loss": loss, "table": table}
        recipes.append(Ridge.model_validate(content).fit)
    for strategy in ("direct", "recursive"):
        content = {"architecture": "a", "title": "A", "builder": "autoregression", "strategy": strategy}
        recipes.append(Autoregression.model_validate(content).fit)
    for fit in recipes:
        expected = fit(one, seed=1).predict(one.contexts(one.starts("test")))
        found = fit(other, seed=1).predict(other.contexts(other.starts("test")))
        np.testing.assert_allclose(found / times, expected, atol=2e-3)


def test_what_a_degree_is():
    change = np.array([2.0, -3.0, 2.5])
    assert [degree(change), degree(change * 100), degree(change / 1000), degree(change * 0), degree(change[:0])] == [
        1,
        128,
        2**-10,
        1,
        1,
    ]


def test_members_of_an_ensemble_are_as_alike_in_any_unit():
    noise = np.random.default_rng(0)
    truth, now = noise.normal(size=500) * 3, np.zeros(500)
    forecasts = truth[:, None] + noise.normal(size=(500, 3))
    for method in ("mean", "stacking"):
        ensemble = Ensemble.model_validate({"architecture": "e", "title": "E", "builder": "ensemble", "method": method, "best": 2})
        one, other = ensemble.weigh(forecasts, truth, now), ensemble.weigh(forecasts / 1024, truth / 1024, now)
        assert one.members.sum() > 0.5
        np.testing.assert_allclose(other.members, one.members, atol=1e-6)


def test_columns_of_trees_are_rounded_to_what_their_size_allows():
    noise = np.random.default_rng(0).normal(size=1000)
    columns = np.stack([5 * noise, 990 + 8 * noise, 0.98 + 0.008 * noise, 99000 + 800 * noise, np.zeros(1000)], axis=1)
    assert np.log2(_steps(columns)).tolist() == [-10, -10, -13, -4, -10]


def test_what_is_usual_does_not_depend_on_the_units_zero_where_months_lack():
    hours = np.arange(0, 24 * 120)
    clock = np.stack([hours % 24, 1 + hours / 24], axis=-1).astype(np.float64)
    values = 3 * np.cos(2 * np.pi * clock[:, 0] / 24) + np.random.default_rng(0).normal(size=len(hours))
    celsius, kelvin = (fit_climatology(values + zero, clock, Harmonics(year=3, day=2)) for zero in (0.0, 273.15))
    np.testing.assert_allclose(kelvin[1:], celsius[1:], atol=1e-6)


@pytest.mark.parametrize(("months", "covered"), [((1, 12), True), ((1, 4), False), ((1, 10), False)])
def test_a_year_is_covered_if_no_season_lacks(months: tuple[int, int], covered: bool):
    frame = made_up(hours=24 * 365 * 3)
    kept = frame["time"].dt.month.between(*months)
    frame = frame[kept].assign(segment=lambda rows: (rows["time"].diff() != pd.Timedelta("1h")).cumsum()).reset_index(drop=True)
    assert dataset_of(frame, UNITS, "T").covers_a_year == covered


def test_a_channel_that_stood_still_is_not_blown_up():
    frame = made_up().assign(rh=lambda rows: 55 + 1e-3 * np.sin(np.arange(len(rows))))
    still = dataset_of(frame, {**UNITS, "rh": "%"}, "x")
    channels = FittedChannels.fit(load_architecture("lstm").channels, still)
    assert channels.deviation[channels.names.index("rh")] == 1.0
    assert channels.deviation[channels.names.index("p")] != 1.0


def test_a_target_that_moves_little_above_its_zero_is_read():
    level = dataset_of(made_up().assign(x=lambda rows: 345.2 + 0.01 * rows["x"]), UNITS, "x")
    channels = FittedChannels.fit(load_architecture("lstm").channels, level)
    assert channels.deviation[channels.names.index("x")] < 0.1


TABLES = {"now": ["T", "wind_x"], "changes": {"T": [1, 3]}}


def test_columns_of_what_a_station_lacks_go_where_all_its_variables_are_read(level: Dataset):
    channels = {"wind": {"speed": "wv", "direction": "wd"}, "if_there": ["wv", "wd"]}
    content = {"architecture": "r", "title": "R", "builder": "ridge", "table": TABLES, "channels": channels}
    recipe = Ridge.model_validate(content).on(replace(level, task=Task(target="T")))
    assert recipe.table.now == ["T"]


def test_a_recipe_of_which_nothing_is_left_is_skipped(level: Dataset):
    channels = {"measured": ["CO2"], "if_there": ["CO2"]}
    content = {"architecture": "r", "title": "R", "builder": "ridge", "table": {"now": ["CO2"]}, "channels": channels}
    with pytest.raises(EntrantSkipped, match="station made-up has nothing that it reads"):
        Ridge.model_validate(content).on(level)
