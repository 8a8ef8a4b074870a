"""Quantiles of a recipe: which levels it may ask for, and that sorted and pooled ones in a graph are those in numbers."""

import numpy as np
import pytest
from pydantic import ValidationError

from tsflow.architectures.baselines import Persistence
from tsflow.architectures.boosting import Boosting
from tsflow.architectures.graphs import outputs, sorted_quantiles, weighted_sum
from tsflow.architectures.quantiles import common, places, pooled
from tsflow.architectures.registry import load_architecture
from tsflow.bundle.session import open_model
from tsflow.records.found import Rounds

SHAPE = (6, 3)
CONTEXTS = np.random.default_rng(1).normal(size=(40, *SHAPE)).astype(np.float32)
LAST = CONTEXTS[:, -1].astype(np.float64)


def column(number: int) -> bytes:
    """A model that forecasts the last value of a column."""
    return Persistence(*SHAPE, number).to_onnx()


def run(onnx: bytes) -> dict[str, np.ndarray]:
    session = open_model(onnx)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"observations": CONTEXTS}), strict=True))


def test_quantiles_that_cross_are_sorted_in_the_graph_and_the_forecast_stays_what_it_was():
    found = run(sorted_quantiles(column(0), [column(1), column(2)], SHAPE))
    np.testing.assert_array_equal(found["forecast"][:, 0], LAST[:, 0].astype(np.float32))
    assert (np.diff(LAST, axis=1) < 0).any()
    np.testing.assert_array_equal(found["quantiles"], np.sort(CONTEXTS[:, -1], axis=1))


def test_a_weighted_sum_has_the_quantiles_that_its_members_have_on_average_around_its_forecast():
    first, second = sorted_quantiles(column(0), [column(1), column(2)], SHAPE), sorted_quantiles(column(1), [column(2)], SHAPE)
    joined = weighted_sum([first, column(2), second], [0.5, 0.3, 0.1], SHAPE, (0.1, 2), [[0, 2], [], [0, 1]])
    assert outputs(joined) == ["forecast", "quantiles"]
    found = run(joined)
    forecast = 0.5 * LAST[:, 0] + 0.3 * LAST[:, 2] + 0.1 * LAST[:, 1] + 0.1 * LAST[:, 2]
    np.testing.assert_allclose(found["forecast"][:, 0], forecast, atol=1e-6)
    members = [(LAST[:, 0], np.sort(LAST, axis=1)[:, [0, 2]]), (LAST[:, 1], np.sort(LAST[:, 1:], axis=1))]
    slow = [
        [f + sum(w * (q[row, k] - m[row]) for w, (m, q) in zip((0.5, 0.1), members, strict=True)) / 0.6 for k in (0, 1)]
        for row, f in enumerate(forecast)
    ]
    np.testing.assert_allclose(pooled(forecast, members, [0.5, 0.1]), slow, atol=1e-9)
    np.testing.assert_allclose(found["quantiles"], slow, atol=1e-5)
    assert outputs(weighted_sum([column(0)], [1.0], SHAPE, (0.0, 0))) == ["forecast"]


def test_members_with_other_levels_pool_those_that_all_have():
    levels = {"network": [0.025, 0.1, 0.5, 0.9, 0.975], "trees": [0.1, 0.5, 0.9], "ridge": []}
    assert common(levels) == [0.1, 0.5, 0.9]
    assert places(levels["network"], [0.1, 0.5, 0.9]) == [1, 2, 3]
    assert common({"ridge": []}) == []
    assert common({"a": [0.1, 0.5, 0.9], "b": [0.2, 0.5, 0.8]}) == [], "a median alone is no spread"


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        ([0.9, 0.5, 0.1], "give rising levels"),
        ([0.1, 0.9], "0.5 among them"),
        ([0.5, 0.9, 0.95], "none on one side"),
        ([0.0, 0.5, 0.9], "greater than 0"),
    ],
)
def test_levels_that_make_no_spread_are_refused_with_the_remedy(levels: list[float], told: str):
    with pytest.raises(ValidationError, match=told):
        load_architecture("lightgbm").changed(quantiles=levels)
    with pytest.raises(ValidationError, match=told):
        load_architecture("conv_gru").changed(quantiles=levels)


def test_a_network_does_not_learn_one_quantile_and_several():
    network = load_architecture("conv_gru")
    with pytest.raises(ValidationError, match=r"learnt by pinball already; remove fit\.quantile"):
        network.changed(fit=network.fit.changed(loss="pinball", quantile=0.9))  # type: ignore[attr-defined]


def test_a_refit_grows_each_quantile_as_long_as_validation_found_times_the_growth():
    recipe = load_architecture("lightgbm").settled(Rounds(rounds=100, quantiles=[40, 60]), growth=1.5)
    assert isinstance(recipe, Boosting)
    assert (recipe.rounds, recipe.quantile_rounds, recipe.patience) == (150, [60, 90], None)
    before = load_architecture("lightgbm").settled(Rounds(rounds=100), growth=1.5)  # found by an older tsflow
    assert isinstance(before, Boosting)
    assert before.quantile_rounds == []
