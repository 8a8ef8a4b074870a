import numpy as np
import pytest

from tsflow.errors import DataError, NotEnoughData, SettingsError
from tsflow.uncertainty.bootstrap import daily_sums, day_weights, resampled_mae

HOUR = np.timedelta64(1, "h")


def fixed_errors() -> tuple[np.ndarray, np.ndarray]:
    """Errors of three models, [620, 3], from a formula: 30 days of origins, with a gap of 100 hours in them."""
    i = np.arange(30 * 24)
    first = 2 * np.sin(0.37 * i) + np.cos(0.011 * i * i) + 0.3
    second = 1.8 * np.sin(0.37 * i + 0.4) + np.sin(0.017 * i * i)
    errors = np.stack([first, second, 2.2 * np.sin(0.05 * i)], axis=-1)
    kept = (i < 200) | (i >= 300)
    return errors[kept], (np.datetime64("2020-03-01T05:40") + i * HOUR)[kept]


def slow_resampled_mae(errors: np.ndarray, times: np.ndarray, block_days: int, samples: int, seed: int) -> np.ndarray:
    """Origin by origin: draw starts of blocks, write out their days' rows, average."""
    rows_of_day: dict[str, list[int]] = {}
    for row, time in enumerate(times):
        rows_of_day.setdefault(str(time)[:10], []).append(row)
    days = sorted(rows_of_day)
    n_blocks = int(np.ceil(len(days) / block_days))
    random = np.random.Generator(np.random.Philox(seed))
    resampled = []
    for _ in range(samples):
        drawn: list[str] = []
        for start in random.integers(0, len(days) - block_days + 1, size=n_blocks):
            drawn += days[start : start + block_days]
        rows = [row for day in drawn[: len(days)] for row in rows_of_day[day]]
        resampled.append([sum(abs(errors[row, model]) for row in rows) / len(rows) for model in range(errors.shape[1])])
    return np.array(resampled)


def test_fast_resamples_are_those_written_out_row_by_row():
    errors, times = fixed_errors()
    fast = resampled_mae(errors, times, block_days=4, samples=40, seed=3)
    np.testing.assert_allclose(fast, slow_resampled_mae(errors, times, 4, 40, 3), rtol=0, atol=1e-12)


def test_resamples_agree_with_an_independent_implementation():
    # Made once with arch 8.0.0: MovingBlockBootstrap(4, daily_sums, daily_counts, seed=Generator(Philox(11))), 500 resamples of
    # sum(sums) / sum(counts), and numpy's quantiles 0.05 and 0.95; differences are those to the second model.
    arch_mae = [[1.3702264804646729, 1.4527767043906459], [1.1248227461506204, 1.2384138968124827]]
    arch_mae += [[1.2800010935687751, 1.4671298060824651]]
    arch_difference = [[0.1494796852086962, 0.307515787634398], [0.0, 0.0], [0.08866178602764559, 0.2922230818417839]]
    errors, times = fixed_errors()
    resampled = resampled_mae(errors, times, block_days=4, samples=500, seed=11)
    np.testing.assert_allclose(np.quantile(resampled, [0.05, 0.95], axis=0).T, arch_mae, rtol=0, atol=1e-6)
    difference = np.quantile(resampled - resampled[:, [1]], [0.05, 0.95], axis=0).T
    np.testing.assert_allclose(difference, arch_difference, rtol=0, atol=1e-6)


def test_a_resample_is_blocks_of_consecutive_days_cut_to_the_number_of_days():
    weights = day_weights(10, block_days=4, samples=300, seed=1)
    assert (weights.sum(axis=1) == 10).all()
    starts = np.random.Generator(np.random.Philox(1)).integers(0, 7, size=(300, 3))
    expected = np.zeros(10)
    for first, length in zip(starts[0], (4, 4, 2), strict=True):
        expected[first : first + length] += 1
    np.testing.assert_array_equal(weights[0], expected)


def test_days_without_origins_are_left_out_and_days_weigh_by_their_origins():
    errors, times = fixed_errors()
    sums, origins = daily_sums(errors, times)
    assert sums.shape == (28, 3)  # 31 calendar days, three of them wholly in the gap
    assert origins.sum() == 620
    np.testing.assert_allclose(sums.sum(axis=0), np.abs(errors).sum(axis=0))


def test_the_same_seed_gives_the_same_resamples_and_another_seed_others():
    errors, times = fixed_errors()
    first, same, other = (resampled_mae(errors, times, samples=50, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_blocks_make_resamples_of_errors_that_last_for_days_spread_more():
    level_of_day = np.repeat(np.convolve(np.random.default_rng(0).normal(size=405), np.ones(6) / 6, "valid"), 24)
    times = np.datetime64("2020-01-01T00") + np.arange(len(level_of_day)) * HOUR
    errors = (3 + level_of_day)[:, None]
    days, blocks = (resampled_mae(errors, times, block_days=length).std() for length in (1, 10))
    assert blocks > 1.5 * days


def test_too_few_days_missing_errors_and_unequal_lengths_are_told():
    errors, times = fixed_errors()
    with pytest.raises(NotEnoughData, match="28 days with origins, expected at least 30: two blocks of 15 days"):
        resampled_mae(errors, times, block_days=15)
    with pytest.raises(SettingsError, match="block_days is 0"):
        resampled_mae(errors, times, block_days=0)
    with pytest.raises(DataError, match=r"expected .n_origins, n_models. and .n_origins."):
        resampled_mae(errors, times[1:])
    with pytest.raises(DataError, match="1 errors and 0 origin times are missing"):
        resampled_mae(np.where(np.arange(errors.size).reshape(errors.shape) == 7, np.nan, errors), times)
