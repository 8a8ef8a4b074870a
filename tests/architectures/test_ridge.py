import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize

from tsflow.architectures.penalised import Reweighing, by_absolute_error, by_squared_error
from tsflow.architectures.registry import load_architecture
from tsflow.architectures.ridge import Ridge
from tsflow.records.found import Penalty

ALPHA, SMALL = 3.0, 1e-6


@pytest.fixture
def problem() -> tuple[np.ndarray, np.ndarray]:
    """Columns of several scales and places, and a target of which a tenth of the rows is far off, all to one side."""
    random = np.random.default_rng(5)
    columns = (random.normal(size=(90, 3)) * [1.0, 20.0, 0.3] + [0.0, 900.0, -4.0]).astype(np.float32)
    target = columns @ [0.8, -0.03, 2.0] + random.normal(size=90)
    target[::10] += 25
    return columns, target


def standardised(columns: np.ndarray) -> np.ndarray:
    exact = columns.astype(np.float64)
    return (exact - exact.mean(axis=0)) / exact.std(axis=0)


def test_least_squares_are_those_of_the_augmented_rows(problem: tuple[np.ndarray, np.ndarray]):
    columns, target = problem
    (fitted,) = by_squared_error(columns, target, [ALPHA])
    centred = target - np.median(target)
    rows = np.vstack([standardised(columns), np.sqrt(ALPHA) * np.eye(3)])
    expected = np.linalg.lstsq(rows, np.append(centred, np.zeros(3)))[0]
    np.testing.assert_allclose(fitted.kernel * columns.astype(np.float64).std(axis=0), expected, rtol=1e-6)
    left = target - standardised(columns) @ expected
    np.testing.assert_allclose(fitted.of(columns), standardised(columns) @ expected + np.median(left), rtol=1e-6)


def test_absolute_error_ends_where_a_convex_solver_ends(problem: tuple[np.ndarray, np.ndarray]):
    """Sum of absolute residuals plus half the penalty, written with one slack a row: linear rows, a quadratic sum."""
    columns, target = problem
    (fitted,) = by_absolute_error(columns, target, [ALPHA], Reweighing(solves=400, least=SMALL))
    x, n = standardised(columns), len(target)

    def cost(v: np.ndarray) -> float:  # v: 3 coefficients, the intercept, n slacks
        return float(v[4:].sum() + ALPHA / 2 * (v[:3] ** 2).sum())

    def slope(v: np.ndarray) -> np.ndarray:
        return np.concatenate([ALPHA * v[:3], [0.0], np.ones(n)])

    design = np.hstack([x, np.ones((n, 1))])
    above, below = np.hstack([design, np.eye(n)]), np.hstack([-design, np.eye(n)])
    limits = [LinearConstraint(above, target, np.inf), LinearConstraint(below, -target, np.inf)]
    start = np.concatenate([np.zeros(4), np.abs(target)])
    oracle = minimize(cost, start, jac=slope, constraints=limits, method="SLSQP", options={"maxiter": 2000, "ftol": 1e-12})
    mine = (
        np.abs(target - fitted.of(columns)).sum()
        + ALPHA / 2 * ((fitted.kernel * columns.astype(np.float64).std(axis=0)) ** 2).sum()
    )
    assert oracle.success
    assert mine == pytest.approx(oracle.fun, rel=2e-3)


def test_residuals_below_the_least_count_squared_as_hubers_do(problem: tuple[np.ndarray, np.ndarray]):
    columns, target = problem
    (fitted,) = by_absolute_error(columns, target, [ALPHA], Reweighing(solves=300, least=1.0))
    x = standardised(columns)
    middle = fitted.bias + float(columns.astype(np.float64).mean(axis=0) @ fitted.kernel)

    def huber(kernel: np.ndarray) -> float:
        left = np.abs(target - middle - x @ kernel)
        return float(np.where(left < 1, left**2 / 2 + 0.5, left).sum() + ALPHA / 2 * (kernel**2).sum())

    oracle = minimize(huber, np.zeros(3), method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(fitted.kernel * columns.astype(np.float64).std(axis=0), oracle.x, atol=1e-5)
    assert np.median(target - fitted.of(columns)) == pytest.approx(0, abs=1e-9)


def test_rows_far_off_move_the_absolute_fit_less_than_the_squared_one(problem: tuple[np.ndarray, np.ndarray]):
    columns, target = problem
    truth, usual = columns @ [0.8, -0.03, 2.0], np.ones(len(target), dtype=bool)
    usual[::10] = False
    errors = [
        np.abs(fit(columns, target, [ALPHA])[0].of(columns) - truth)[usual].mean() for fit in (by_absolute_error, by_squared_error)
    ]
    assert errors[0] < errors[1]


def test_a_column_that_does_not_vary_does_no_harm(problem: tuple[np.ndarray, np.ndarray]):
    columns, target = problem
    constant = np.hstack([columns, np.full((len(columns), 1), 7.0, dtype=np.float32)])
    for fit in (by_absolute_error, by_squared_error):
        found = fit(constant, target, [ALPHA])[0].of(constant)
        np.testing.assert_allclose(found, fit(columns, target, [ALPHA])[0].of(columns), rtol=1e-9)


def test_a_target_that_does_not_vary_is_forecast(problem: tuple[np.ndarray, np.ndarray]):
    columns, target = problem
    for fit in (by_absolute_error, by_squared_error):
        np.testing.assert_allclose(fit(columns, np.full(len(target), 4.0), [ALPHA])[0].of(columns), 4.0, rtol=1e-9)


def test_weighed_rows_are_those_of_the_scaled_rows(problem: tuple[np.ndarray, np.ndarray]):
    """With an intercept that is solved for, not assumed: a column of ones without a penalty."""
    columns, target = problem
    weights = np.linspace(0.2, 1.8, len(target))
    exact = columns.astype(np.float64)
    mean = np.average(exact, axis=0, weights=weights)
    scale = np.sqrt(np.average((exact - mean) ** 2, axis=0, weights=weights))
    (fitted,) = by_squared_error(columns, target, [ALPHA], weights=weights)
    root = np.sqrt(weights)[:, None]
    design = np.hstack([(exact / scale) * root, root])
    penalty = np.hstack([np.sqrt(ALPHA) * np.eye(3), np.zeros((3, 1))])
    expected = np.linalg.lstsq(np.vstack([design, penalty]), np.append(target * root[:, 0], np.zeros(3)))[0]
    np.testing.assert_allclose(fitted.kernel * scale, expected[:3], rtol=1e-6)


def test_a_line_is_found_whose_column_drifts_while_old_rows_count_less():
    age = np.linspace(6 * 365, 0, 5000)
    column = 10 - age / 365 + np.random.default_rng(1).normal(size=5000)
    weights = 0.5 ** (age / 500)
    for fit in (by_squared_error, by_absolute_error):
        (line,) = fit(column[:, None].astype(np.float32), 3 * column, [1e-3], weights=weights / weights.mean())
        assert (line.kernel[0], line.bias) == (pytest.approx(3, abs=1e-3), pytest.approx(0, abs=0.01))


def test_a_row_of_weight_nothing_is_not_learnt_by_absolute_error(problem: tuple[np.ndarray, np.ndarray]):
    columns, target = problem
    far, weights = target.copy(), np.ones(len(target))
    far[::10], weights[::10] = 1e4, 0.0
    (weighed,) = by_absolute_error(columns, target, [ALPHA], weights=weights)
    (same,) = by_absolute_error(columns, far, [ALPHA], weights=weights)
    np.testing.assert_allclose(same.of(columns), weighed.of(columns), rtol=1e-9)


def test_rows_that_all_count_the_same_change_nothing(problem: tuple[np.ndarray, np.ndarray]):
    columns, target = problem
    odd = slice(0, 89)  # of an odd number of rows the median is one of them, with weights and without
    for fit in (by_absolute_error, by_squared_error):
        weighed = fit(columns[odd], target[odd], [ALPHA], weights=np.ones(89))[0]
        np.testing.assert_allclose(weighed.of(columns), fit(columns[odd], target[odd], [ALPHA])[0].of(columns), rtol=1e-9)


def test_of_several_penalties_each_is_what_it_is_when_it_is_fitted_once_more(problem: tuple[np.ndarray, np.ndarray]):
    columns, target = problem
    together = by_absolute_error(columns, target, [2.0, ALPHA, 4.0])
    for alpha, one in zip([2.0, ALPHA, 4.0], together, strict=True):
        (again,) = by_absolute_error(columns, target, [alpha], Reweighing(weighed_by=ALPHA))
        np.testing.assert_allclose(one.of(columns), again.of(columns), rtol=1e-12)
        (alone,) = by_absolute_error(columns, target, [alpha])
        np.testing.assert_allclose(one.of(columns), alone.of(columns), atol=0.02)


def test_a_refit_weighs_rows_as_the_fit_did_that_was_judged():
    ridge = load_architecture("ridge")
    assert isinstance(ridge, Ridge)
    settled = ridge.settled(Penalty(alpha=10_000))
    assert (settled.alphas, settled.weighed_by) == ([10_000], 5000)
    assert settled.settled(Penalty(alpha=10_000)) == settled
