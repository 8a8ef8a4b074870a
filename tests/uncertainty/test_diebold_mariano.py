import math

import numpy as np
import pytest
from scipy import stats

from tsflow.errors import DataError, NotEnoughData, SettingsError
from tsflow.uncertainty.diebold_mariano import diebold_mariano, long_run_variance, newey_west_lag


def fixed_errors() -> tuple[np.ndarray, np.ndarray]:
    """Errors of two models at 400 origins, from a formula."""
    i = np.arange(400)
    return 2 * np.sin(0.37 * i) + np.cos(0.011 * i * i) + 0.3, 1.8 * np.sin(0.37 * i + 0.4) + np.sin(0.017 * i * i)


def slow_diebold_mariano(first: np.ndarray, second: np.ndarray, horizon: int, lag: int) -> tuple[float, float]:
    """The textbook's sums, one term after the other."""
    d = [abs(float(a)) - abs(float(b)) for a, b in zip(first, second, strict=True)]
    n = len(d)
    mean = sum(d) / n
    variance = 0.0
    for s in range(n):
        for t in range(n):
            if abs(s - t) <= lag:
                variance += (1 - abs(s - t) / (lag + 1)) * (d[s] - mean) * (d[t] - mean) / n
    statistic = mean / math.sqrt(variance / n) * math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    return statistic, float(2 * stats.t.sf(abs(statistic), n - 1))


@pytest.mark.parametrize(("horizon", "lag"), [(24, 23), (24, 40), (1, 0), (6, 11)])
def test_statistic_and_p_value_are_those_of_the_textbook_sums(horizon: int, lag: int):
    first, second = fixed_errors()
    result = diebold_mariano(first, second, horizon_hours=horizon, lag=lag)
    statistic, p_value = slow_diebold_mariano(first, second, horizon, lag)
    assert result.statistic == pytest.approx(statistic, rel=0, abs=1e-9)
    assert result.p_value == pytest.approx(p_value, rel=0, abs=1e-9)


@pytest.mark.parametrize(
    ("lag", "t_value", "variance"),
    [
        (23, 3.9075710037153177, 0.9984888133709987),
        (40, 3.78959829939163, 1.0616237027874933),
    ],
)
def test_variance_agrees_with_statsmodels(lag: int, t_value: float, variance: float):
    # Made once with statsmodels 0.15.0: OLS(d, ones).fit(cov_type="HAC", cov_kwds={"maxlags": lag, "use_correction": False}),
    # d the difference of absolute errors; its t value and its squared standard error times 400.
    first, second = fixed_errors()
    correction = math.sqrt((400 + 1 - 48 + 24 * 23 / 400) / 400)
    assert long_run_variance(np.abs(first) - np.abs(second), lag) == pytest.approx(variance, rel=0, abs=1e-6)
    assert diebold_mariano(first, second, lag=lag).statistic / correction == pytest.approx(t_value, rel=0, abs=1e-6)


def test_the_variance_reaches_back_a_horizon_at_least_and_further_on_long_parts():
    assert newey_west_lag(100, 24) == 23
    assert newey_west_lag(100, 48) == 47
    assert newey_west_lag(13_000, 24) == 149


def test_exchanging_the_models_changes_the_sign_only():
    first, second = fixed_errors()
    forth, back = diebold_mariano(first, second), diebold_mariano(second, first)
    assert forth.statistic == pytest.approx(-back.statistic)
    assert forth.p_value == pytest.approx(back.p_value)
    assert forth.statistic > 0  # the first has the larger errors


def test_identical_forecasts_are_a_tie():
    first, _ = fixed_errors()
    for other in (first, -first):  # as wrong on the other side is as wrong
        result = diebold_mariano(first, other)
        assert (result.statistic, result.p_value) == (0.0, 1.0)


def test_a_difference_that_never_varies_is_certain():
    result = diebold_mariano(np.full(200, 2.0), np.full(200, 1.0))
    assert (result.statistic, result.p_value) == (math.inf, 0.0)


def test_too_few_origins_missing_errors_and_a_short_lag_are_told():
    first, second = fixed_errors()
    with pytest.raises(NotEnoughData, match="47 origins, expected at least 48 at horizon 24 h and lag 23"):
        diebold_mariano(first[:47], second[:47])
    with pytest.raises(NotEnoughData, match="0 origins"):
        diebold_mariano(first[:0], second[:0])
    with pytest.raises(SettingsError, match="horizon_hours 24 and lag 22"):
        diebold_mariano(first, second, lag=22)
    with pytest.raises(DataError, match="expected both"):
        diebold_mariano(first, second[1:])
    with pytest.raises(DataError, match="errors of 1 of 400 origins are missing"):
        diebold_mariano(first, np.where(np.arange(400) == 3, np.nan, second))
