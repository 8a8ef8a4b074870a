import numpy as np
import pytest
from scipy.optimize import minimize

from tsflow.architectures.ensembles import FOLDS, Ensemble
from tsflow.errors import EntrantSkipped, TrainingError


def ensemble(method: str, **settings: object) -> Ensemble:
    return Ensemble.model_validate({"architecture": "e", "title": "E", "builder": "ensemble", "method": method, **settings})


@pytest.fixture
def origins() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Forecasts of four members, truth, value at the origin: two members know a part of the truth each, the others nothing."""
    random = np.random.default_rng(0)
    now, halves, noise = random.normal(10, 5, size=2000), random.normal(size=(2000, 2)), random.normal(size=(2000, 2))
    truth = now + halves @ [0.6, 0.3]
    return np.concatenate([now[:, None] + halves, now[:, None] + 3 * noise], axis=1), truth, now


def test_the_mean_takes_the_best(origins: tuple[np.ndarray, np.ndarray, np.ndarray]):
    weights = ensemble("mean", best=2).weigh(*origins)
    assert weights.members.tolist() == [0.5, 0.5, 0, 0]
    assert weights.now == 0


def test_stacking_finds_the_weights_that_make_the_truth(origins: tuple[np.ndarray, np.ndarray, np.ndarray]):
    weights = ensemble("stacking").weigh(*origins)
    np.testing.assert_allclose(weights.members, [0.6, 0.3, 0, 0], atol=1e-6)
    assert weights.now == pytest.approx(0.1)
    np.testing.assert_allclose(weights.forecast(origins[0], origins[2]), origins[1], atol=1e-5)


def test_stacking_gives_no_weight_to_a_member_that_never_moves(origins: tuple[np.ndarray, np.ndarray, np.ndarray]):
    forecasts, truth, now = origins
    still = now[:, None] + 1e-6 * np.random.default_rng(1).normal(size=(len(now), 1))
    weights = ensemble("stacking").weigh(np.concatenate([forecasts, still], axis=1), truth, now)
    np.testing.assert_allclose(weights.members, [0.6, 0.3, 0, 0, 0], atol=1e-6)


def test_stacking_stretches_no_member_beyond_what_it_forecasts(origins: tuple[np.ndarray, np.ndarray, np.ndarray]):
    forecasts, truth, now = origins
    changes, truth = forecasts - now[:, None], now + 3 * (truth - now)
    weights = ensemble("stacking").weigh(forecasts, truth, now).members

    def squared_error(w: np.ndarray) -> float:
        return float(((changes @ w - (truth - now)) ** 2).mean())

    together = {"type": "ineq", "fun": lambda w: 1 - w.sum()}
    oracle = minimize(squared_error, np.full(4, 0.1), bounds=[(0, 1)] * 4, constraints=together, tol=1e-12, method="SLSQP")
    np.testing.assert_allclose(weights, oracle.x, atol=1e-4)
    assert weights.sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("method", ["mean", "stacking"])
def test_what_an_ensemble_is_ranked_by_does_not_come_from_the_rows_that_weighed_it(
    method: str, origins: tuple[np.ndarray, np.ndarray, np.ndarray]
):
    forecasts, truth, now = origins
    whole = ensemble(method, best=2)
    before = whole.cross_fitted(forecasts, truth, now, gap=100)
    other = truth.copy()
    other[800:1200] = 50 - 3 * other[800:1200]  # the third fold's truth
    after = whole.cross_fitted(forecasts, other, now, gap=100)
    np.testing.assert_array_equal(before[800:1200], after[800:1200])
    if method == "stacking":
        assert not np.allclose(before[:800], after[:800])
    # within the gap nothing counts either
    other = truth.copy()
    other[700:1300] = 0
    np.testing.assert_array_equal(before[800:1200], whole.cross_fitted(forecasts, other, now, gap=100)[800:1200])


def test_an_ensemble_of_one_is_refused():
    with pytest.raises(TrainingError, match="e: an ensemble needs two members or more, this run trained lstm"):
        ensemble("mean").members(["lstm"])


def test_a_mean_of_named_members_is_of_all_of_them_or_of_none():
    named = ensemble("mean", of=["ridge", "lightgbm"])
    assert named.members(["lightgbm", "naive", "ridge"]) == ["ridge", "lightgbm"]
    says = "e: it is made of ridge, lightgbm, and this run has no result of ridge; train that, and rank again"
    with pytest.raises(TrainingError, match=says):
        named.members(["lightgbm", "naive", "lstm"])


def test_the_mean_of_the_best_takes_one_of_two_that_forecast_the_same(origins: tuple[np.ndarray, np.ndarray, np.ndarray]):
    forecasts, truth, now = origins
    twin = forecasts[:, :1] + 1e-4 * np.random.default_rng(1).normal(size=(len(now), 1))
    twice = np.concatenate([twin, forecasts], axis=1)
    weights = ensemble("mean", best=2).weigh(twice, truth, now).members
    assert weights[2] == 0.5
    assert sorted(weights[:2]) == [0, 0.5], "one of the twins"
    assert np.count_nonzero(ensemble("mean").weigh(twice, truth, now).members) == 4


def test_a_mean_of_named_members_chooses_nothing_so_that_any_validation_part_is_long_enough(
    origins: tuple[np.ndarray, np.ndarray, np.ndarray],
):
    named = ensemble("mean", of=["a", "b", "c", "d"])
    forecasts, truth, now = (values[:30] for values in origins)
    np.testing.assert_allclose(named.cross_fitted(forecasts, truth, now, gap=144), forecasts.mean(axis=1))
    twice = np.repeat(forecasts[:, :1], 4, axis=1)
    assert named.weigh(twice, truth, now).members.tolist() == [0.25] * 4, "all that are named, whatever they forecast"


def test_too_short_a_validation_part_skips(origins: tuple[np.ndarray, np.ndarray, np.ndarray]):
    few = tuple(values[: 40 * FOLDS] for values in origins)
    with pytest.raises(EntrantSkipped, match="200 validation windows are too few to weigh 4 members in 5 folds with 144 windows"):
        ensemble("stacking").cross_fitted(*few, gap=144)
