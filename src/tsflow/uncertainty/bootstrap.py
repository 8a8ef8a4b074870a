"""Resamples of mean absolute errors: moving-block bootstrap over whole days, by which the gate weighs two recipes.

Errors of neighbouring origins resemble each other: their targets are the same weather. Single origins drawn at random
would hide that and give intervals too narrow; blocks of consecutive days keep it::

    days       0  1  2  3  4  5  6  7  8  9
    draws      2, 6, 0 at block_days = 4
    resample   2  3  4  5 | 6  7  8  9 | 0  1      cut to as many days as there are

A day is the calendar day of the origin. Days without any origin are left out, so that a block is `block_days` days of
data: across a gap it joins two stretches that hardly know each other, which harms nothing, and no resample is empty.
"""

import numpy as np
from numpy.typing import NDArray

from tsflow.errors import DataError, NotEnoughData, SettingsError

Values = NDArray[np.float64]
Times = NDArray[np.datetime64]

BLOCK_DAYS = 7  # a spell of weather; on Jena's validation part resamples of single days spread 30 % less, of 14 days 12 % more
SAMPLES = 2000  # a probability of 0.9 then moves by some 0.007 from seed to seed


def day_weights(n_days: int, *, block_days: int = BLOCK_DAYS, samples: int = SAMPLES, seed: int = 0) -> Values:
    """Return how often each resample holds each day, shape [samples, n_days]; each row adds up to n_days.

    Starts of blocks are drawn from a Philox generator: `integers(0, n_days - block_days + 1)`, shape [samples, n_blocks],
    n_blocks = ceil(n_days / block_days); the last block is cut.

    Raises
    ------
    SettingsError
        If `block_days` or `samples` is below 1.
    NotEnoughData
        If the days make fewer than two blocks.

    References
    ----------
    Künsch (1989), The jackknife and the bootstrap for general stationary observations, Annals of Statistics 17.
    """
    for name, value in (("block_days", block_days), ("samples", samples)):
        if value < 1:
            msg = f"{name} is {value}, expected 1 or more"
            raise SettingsError(msg)
    if n_days < 2 * block_days:
        msg = f"{n_days} days with origins, expected at least {2 * block_days}: two blocks of {block_days} days; give a longer part"
        raise NotEnoughData(msg)
    random = np.random.Generator(np.random.Philox(seed))
    n_blocks = -(-n_days // block_days)
    starts = random.integers(0, n_days - block_days + 1, size=(samples, n_blocks))
    days = (starts[:, :, None] + np.arange(block_days)).reshape(samples, -1)[:, :n_days]  # [samples, n_days]
    cells = days + n_days * np.arange(samples)[:, None]
    weights: Values = np.bincount(cells.ravel(), minlength=samples * n_days).reshape(samples, n_days).astype(np.float64)
    return weights


def daily_sums(errors: Values, origin_times: Times) -> tuple[Values, Values]:
    """Return absolute errors added up by day, shape [n_days, n_models], and origins by day, shape [n_days].

    Raises
    ------
    DataError
        If shapes do not fit, or an error or a time is missing: models are compared on the same origins or not at all.
    """
    if errors.ndim != 2 or origin_times.shape != errors.shape[:1]:
        found = f"errors {list(errors.shape)} and origin times {list(origin_times.shape)}"
        msg = f"{found}, expected [n_origins, n_models] and [n_origins]"
        raise DataError(msg)
    if not np.isfinite(errors).all() or np.isnat(origin_times).any():
        missing, timeless = int((~np.isfinite(errors)).sum()), int(np.isnat(origin_times).sum())
        msg = f"{missing} errors and {timeless} origin times are missing; keep the origins that every model has"
        raise DataError(msg)
    _, day = np.unique(origin_times.astype("datetime64[D]"), return_inverse=True)
    sums = [np.bincount(day, weights=column) for column in np.abs(errors).T]  # n_models times [n_days]
    return np.stack(sums, axis=-1), np.bincount(day).astype(np.float64)


def resampled_mae(
    errors: Values, origin_times: Times, *, block_days: int = BLOCK_DAYS, samples: int = SAMPLES, seed: int = 0
) -> Values:
    """Return the MAE of every model in every resample, shape [samples, n_models]; a resample is the same for all models."""
    sums, origins = daily_sums(errors, origin_times)
    weights = day_weights(len(origins), block_days=block_days, samples=samples, seed=seed)
    mae: Values = (weights @ sums) / (weights @ origins)[:, None]
    return mae
