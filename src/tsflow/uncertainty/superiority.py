"""Whether one model is better than another: the probability by paired block bootstrap, and the Diebold-Mariano test beside it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tsflow.uncertainty.bootstrap import Times, Values, resampled_mae
from tsflow.uncertainty.diebold_mariano import diebold_mariano


@dataclass(frozen=True)
class Superiority:
    """How sure it is that the first of two models has the smaller mean absolute error."""

    difference: float  # MAE of the first minus that of the second, in the target's unit
    relative: float | None  # of the second's MAE; negative: better; None: the second makes no error
    probability: float  # share of resamples in which the first is better
    p_value: float  # Diebold-Mariano, two-sided

    def better(self, probability: float) -> bool:
        """Return whether both methods see the first one as better: one alone takes a tie for a win too often.

        The test's level is half of what the probability leaves, 0.05 at 0.9: of 200 simulated ties of 120 days 7 % went out at 0.1.
        """
        return self.probability >= probability and self.difference < 0 and self.p_value <= (1 - probability) / 2

    def worse(self, probability: float) -> bool:
        """Return whether both methods see the first one as worse."""
        return self.probability <= 1 - probability and self.difference > 0 and self.p_value <= (1 - probability) / 2


def superiority(first: Values, second: Values, origin_times: Times, *, horizon_hours: int) -> Superiority:
    """Compare two models' errors on the same origins.

    Parameters
    ----------
    first, second
        Forecast minus truth, shape [n_origins], in order of time.
    origin_times
        When the forecasts were made, shape [n_origins].

    Raises
    ------
    NotEnoughData
        If there are fewer than two blocks of days.
    """
    if np.array_equal(first, second):
        return Superiority(0.0, 0.0 if np.any(first) else None, 0.5, 1.0)
    resampled = resampled_mae(np.stack([first, second], axis=1), origin_times)  # [samples, 2]
    gain = resampled[:, 1] - resampled[:, 0]
    mine, other = float(np.abs(first).mean()), float(np.abs(second).mean())
    return Superiority(
        difference=mine - other,
        relative=(mine - other) / other if other else None,
        probability=float(np.mean(gain > 0) + np.mean(gain == 0) / 2),
        p_value=diebold_mariano(first, second, horizon_hours=horizon_hours).p_value,
    )


_SEASONS = ("winter", "spring", "summer", "autumn")
_QUARTERS = ("0 to 5 h", "6 to 11 h", "12 to 17 h", "18 to 23 h")


def groups(times: Times) -> dict[str, Values]:
    """Return which of `times` [n] lie in each season and each quarter of the day, by name, as masks [n]."""
    clock = pd.DatetimeIndex(times)
    season, quarter = clock.month.to_numpy() % 12 // 3, clock.hour.to_numpy() // 6
    return {
        **{name: season == number for number, name in enumerate(_SEASONS)},
        **{name: quarter == number for number, name in enumerate(_QUARTERS)},
    }
