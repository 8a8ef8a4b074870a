"""Whether what comes in is still like what was trained on.

Two plain statistics a variable, against windows of as many days in the same season of the record that the champion learnt::

    level    (mean of the last days - median of the windows' means) / (1.4826 x MAD of the windows' means)    a robust z
    spread   standard deviation of the last days' hours / median of that of the windows                       0: a stuck sensor

and one of the forecasts: the mean error of the last days over the deviation of such means on the rows that the candidate never
saw. A sensor that reads more every day shows there first, as each forecast starts from a reading of the day before.

What rests now and then, as radiation does in polar nights, is not stuck while it does: where one window in twenty moved as little,
its spread is as usual. And a level that was the same in half of the windows says nothing of how far it may change.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.records.forecast import Drift

_SEASON_DAYS = 45  # before and after the day of the year
_FEWEST = 10  # windows; with fewer nothing is said
_WHOLE = 0.9  # of its hours that a window has
_SPANNED = 0.75  # of the days by their errors: there may be one each six hours
_RESTING = 0.05  # of the windows move as little
_MAD = 1.4826  # makes the median absolute deviation that of a normal distribution


def drift(recent: pd.DataFrame, reference: pd.DataFrame, variables: list[str], *, days: int) -> dict[str, Drift]:
    """Return level and spread of each variable.

    Parameters
    ----------
    recent
        Hours of the last days: `time` and variables.
    reference
        Hours of the record that was trained on.
    days
        How long a window is.
    """
    if len(recent) < _WHOLE * 24 * days or reference.empty:
        return {}  # after an outage a few hours are no window: they hardly move
    day = recent["time"].iloc[-1].day_of_year
    windows = _windows(reference, variables, days)
    apart = (windows["day"] - day).abs()
    season = windows[np.minimum(apart, 365.2425 - apart) <= _SEASON_DAYS]
    windows = season if len(season) >= _FEWEST else windows
    if len(windows) < _FEWEST:
        return {}
    return {
        name: Drift(
            level=round(robust_z(float(recent[name].mean()), windows[f"mean {name}"].to_numpy()), 2),
            spread=round(_spread(float(recent[name].std(ddof=0)), windows[f"deviation {name}"].to_numpy()), 3),
        )
        for name in variables
    }


def _windows(reference: pd.DataFrame, variables: list[str], days: int) -> pd.DataFrame:
    """Return mean and deviation of each variable in consecutive windows of so many days, and the day of the year each ends."""
    number = (reference["time"] - reference["time"].iloc[0]) // pd.Timedelta(days=days)
    groups = reference.groupby(number)
    whole = groups.size() >= _WHOLE * 24 * days
    table = {"day": groups["time"].last().dt.day_of_year}
    for name in variables:
        table[f"mean {name}"], table[f"deviation {name}"] = groups[name].mean(), groups[name].std(ddof=0)
    return pd.DataFrame(table)[whole]


def robust_z(value: float, among: NDArray[np.float64]) -> float:
    """Return how many robust deviations a value lies from the median of others; 0 where half of these are the same."""
    middle = float(np.median(among))
    deviation = _MAD * float(np.median(np.abs(among - middle)))
    return (value - middle) / deviation if deviation else 0.0


def _spread(value: float, among: NDArray[np.float64]) -> float:
    """Return a deviation as a share of the median of others; at least 1 where some of these are as small."""
    usual = float(np.median(among))
    share = value / usual if usual else 1.0
    return share if value < float(np.quantile(among, _RESTING)) else max(share, 1.0)


def bias_z(errors: pd.Series, reference: pd.DataFrame, *, days: int) -> float | None:
    """Return the mean of recent errors over the deviation of such means among a candidate's errors that it never saw.

    `errors`: forecast minus truth of the last days by the target's time; `reference`: stored forecasts. None if there is too little
    to compare with, or the errors are of a part of these days alone: hours of one day are off to the same side.
    """
    unseen = reference[reference["part"].isin(["validation", "test"])]
    daily = (unseen["forecast"] - unseen["truth"]).groupby(unseen["target_time"].dt.floor("D")).mean()
    means = daily.rolling(days).mean().dropna().to_numpy()
    if len(means) < _FEWEST or errors.empty or errors.index[-1] - errors.index[0] < pd.Timedelta(days=_SPANNED * days):
        return None
    deviation = float(means.std())
    return float(errors.mean() - means.mean()) / deviation if deviation else None
