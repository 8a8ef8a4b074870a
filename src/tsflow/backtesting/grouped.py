"""Errors of a fold's test part or of several, pooled and by group: fold, season, hour of the day, lead time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.bundle.intervals import hour_of_day
from tsflow.errors import IntegrityError
from tsflow.evaluation.leads import lead_hours, lead_truth
from tsflow.evaluation.metrics import bias, mae, rmse
from tsflow.records.backtest import Errors
from tsflow.windows.dataset import Dataset

SEASONS = ("DJF", "MAM", "JJA", "SON")


def on_test(fold: Dataset, predictions: pd.DataFrame) -> pd.DataFrame:
    """Return a candidate's forecasts of a fold's test part, with the truth at each lead.

    `predictions`: part, origin, target_time, truth, forecast, and lead_{hours} for each lead that was forecast. Returned are
    origin, target_time, truth, forecast, lead_{hours} and truth_{hours}.

    Raises
    ------
    IntegrityError
        If the forecasts are not those of the fold's origins.
    """
    frame = predictions[predictions["part"] == "test"].drop(columns="part").reset_index(drop=True)
    expected = fold.times[fold.origins("test")]
    if not np.array_equal(frame["origin"].to_numpy(), expected):
        msg = f"{len(frame)} forecasts that are not of the {len(expected)} origins of {fold.split_name}; train that fold again"
        raise IntegrityError(msg)
    hours = lead_hours(frame)
    truth = lead_truth(fold, "test", hours)  # [n_origins, n_leads]
    return frame.assign(**{f"truth_{hour}": truth[:, place] for place, hour in enumerate(hours)})


def naive_on_test(fold: Dataset, hours: Sequence[int]) -> pd.DataFrame:
    """Return 'as now' for the origins of a fold's test part, in the form of `on_test`."""
    origins = fold.origins("test")
    now, truth = fold.values[origins, fold.target_index], lead_truth(fold, "test", hours)
    target_times = fold.times[origins + fold.task.horizon_hours]
    frame = pd.DataFrame(
        {"origin": fold.times[origins], "target_time": target_times, "truth": fold.targets("test"), "forecast": now}
    )
    leads = {f"truth_{hour}": truth[:, place] for place, hour in enumerate(hours)}
    return frame.assign(**leads, **{f"lead_{hour}": now for hour in hours})


def errors_of(tests: Mapping[str, pd.DataFrame], horizon_hours: int) -> Errors:
    """Return the errors of the test parts of some folds, pooled and by group. `tests`: by fold, in the form of `on_test`."""
    pooled = pd.concat(tests.values(), ignore_index=True)
    truth, forecast = (pooled[name].to_numpy(dtype=np.float64) for name in ("truth", "forecast"))
    error, times = np.abs(forecast - truth), pooled["target_time"].to_numpy()
    overall, leads = mae(truth, forecast), lead_hours(pooled)
    folds = np.repeat(list(tests), [len(frame) for frame in tests.values()])
    by_season = mae_by(error, seasons(times))
    return Errors(
        origins=len(pooled),
        mae=overall,
        rmse=rmse(truth, forecast),
        bias=bias(truth, forecast),
        by_fold=mae_by(error, folds),
        by_season={season: by_season[season] for season in SEASONS if season in by_season},
        by_hour=mae_by(error, hour_of_day(times)),
        by_lead={
            **{hour: mae(pooled[f"truth_{hour}"].to_numpy(), pooled[f"lead_{hour}"].to_numpy()) for hour in sorted(leads)},
            horizon_hours: overall,
        },
    )


def mae_by(errors: NDArray[np.float64], groups: NDArray[Any]) -> dict[Any, float]:
    """Return the mean of absolute errors [n] for each of the groups that label them [n], sorted by group."""
    names, place = np.unique(groups, return_inverse=True)
    means = np.bincount(place, weights=errors) / np.bincount(place)
    return dict(zip(names.tolist(), means.tolist(), strict=True))


def seasons(times: NDArray[np.datetime64]) -> NDArray[np.str_]:
    """Return the meteorological season of each time, [n]."""
    month = times.astype("datetime64[M]").astype(np.int64) % 12  # 0: January
    return np.asarray(SEASONS)[(month + 1) % 12 // 3]
