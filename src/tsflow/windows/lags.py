"""Supervised tables: a series turned into rows of lags and targets, as the lecture draws them.

::

    y1 .. y10, 4 lags, single output      4 lags, multi-output with 3 steps
    y_{t-4} y_{t-3} y_{t-2} y_{t-1} | y_t       ... | y_t  y_{t+1}  y_{t+2}
      y1      y2      y3      y4    | y5            | y5     y6       y7
      ..                            | ..            | ..
      y6      y7      y8      y9    | y10           | y10    -        -
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tsflow.errors import NotEnoughData, SettingsError


def lag_table(series: ArrayLike, lags: int, steps: int = 1, *, complete: bool = True) -> pd.DataFrame:
    """Turn a series into a supervised table.

    Parameters
    ----------
    series
        Values in order of time, shape [n].
    lags
        How many past values a row holds: columns `y_{t-lags}` to `y_{t-1}`.
    steps
        How many values a row is to predict: 1 is single-output (`y_t`), h is multi-output (`y_t` to `y_{t+h-1}`).
    complete
        Leave out the last rows, of which not all targets are known; False keeps them with NaN.

    Returns
    -------
    One row a position, n - lags - steps + 1 of them if complete, else n - lags.

    Raises
    ------
    SettingsError
        If `lags` or `steps` is below 1.
    NotEnoughData
        If the series is too short for one row.

    Notes
    -----
    Source: Deep Forecasting, module 7, on supervised tables for sequence models.
    """
    values = np.asarray(series, dtype=float)
    if values.ndim != 1:
        msg = f"lag_table takes one series, shape [n]; found shape {list(values.shape)}"
        raise SettingsError(msg)
    if lags < 1 or steps < 1:
        msg = f"lags and steps must be 1 or more, found lags={lags}, steps={steps}"
        raise SettingsError(msg)
    needed = lags + (steps if complete else 1)
    if len(values) < needed:
        msg = f"{lags} lags and {steps} steps need {needed} values or more, found {len(values)}"
        raise NotEnoughData(msg)
    padded = np.append(values, np.full(0 if complete else steps - 1, np.nan))
    table = np.lib.stride_tricks.sliding_window_view(padded, lags + steps).copy()
    past = [f"y_{{t-{lag}}}" for lag in range(lags, 0, -1)]
    future = ["y_t", *(f"y_{{t+{step}}}" for step in range(1, steps))]
    return pd.DataFrame(table, columns=past + future)
