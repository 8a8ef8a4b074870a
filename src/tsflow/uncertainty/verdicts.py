"""How sure a leaderboard is: intervals of each error, and whether an entrant differs from the best by more than chance."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from tsflow.errors import DataError, NotEnoughData
from tsflow.uncertainty.bootstrap import BLOCK_DAYS, SAMPLES, Estimate, Times, Values, difference_intervals, mae_intervals
from tsflow.uncertainty.diebold_mariano import diebold_mariano

Verdict = Literal["better", "tie", "worse"]


@dataclass(frozen=True)
class Comparison:
    """One model against the reference."""

    difference: Estimate  # its MAE minus the reference's
    statistic: float
    p_value: float
    verdict: Verdict


def verdict(difference: Estimate, p_value: float, level: float = 0.95) -> Verdict:
    """Return 'better' or 'worse' only where both methods see a difference: the interval leaves out 0, and p < 1 - level."""
    if p_value >= 1 - level or difference.low <= 0 <= difference.high:
        return "tie"
    return "worse" if difference.value > 0 else "better"


def compare(
    errors: Values,
    origin_times: Times,
    reference: int,
    *,
    horizon_hours: int = 24,
    block_days: int = BLOCK_DAYS,
    samples: int = SAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> list[Comparison]:
    """Compare every model with the one in column `reference`, usually the best on validation.

    `errors`: forecast minus truth, [n_origins, n_models]; `origin_times`: [n_origins], rising. Each line stands for itself:
    among twenty models of equal worth one false 'worse' is to be expected at 95 %, less as two methods must agree.

    Raises
    ------
    DataError
        If times do not rise, or as `difference_intervals` and `diebold_mariano`.
    """
    differences = difference_intervals(
        errors, origin_times, reference, block_days=block_days, samples=samples, level=level, seed=seed
    )
    if not (origin_times[1:] > origin_times[:-1]).all():
        msg = "origin times do not rise; sort origins by time, each once"
        raise DataError(msg)
    tests = [diebold_mariano(column, errors[:, reference], horizon_hours=horizon_hours) for column in errors.T]
    return [
        Comparison(difference, test.statistic, test.p_value, verdict(difference, test.p_value, level))
        for difference, test in zip(differences, tests, strict=True)
    ]


def certainty_of(forecasts: dict[str, pd.DataFrame], leader: str, *, horizon_hours: int) -> dict[str, dict[str, Any]]:
    """Return for each entrant the leaderboard's fields from `mae_low` to `verdict`.

    Parameters
    ----------
    forecasts
        By architecture: part, origin, truth and forecast, on identical origins. The test part is judged, or validation
        where there is none.
    leader
        The best on validation, which every entrant is compared with.

    Returns
    -------
    Nothing for any entrant if there are too few origins to say.
    """
    names = list(forecasts)
    part = "test" if (forecasts[leader]["part"] == "test").any() else "validation"
    shown = {name: frame[frame["part"] == part] for name, frame in forecasts.items()}
    origins = shown[leader]["origin"].to_numpy()
    errors = np.stack([(shown[name]["forecast"] - shown[name]["truth"]).to_numpy() for name in names], axis=1)
    try:
        intervals = mae_intervals(errors, origins)
        comparisons = compare(errors, origins, names.index(leader), horizon_hours=horizon_hours)
    except NotEnoughData:
        return {}
    found = {}
    for name, interval, comparison in zip(names, intervals, comparisons, strict=True):
        difference = comparison.difference
        found[name] = {
            "mae_low": interval.low,
            "mae_high": interval.high,
            "difference": difference.value,
            "difference_low": difference.low,
            "difference_high": difference.high,
            "p_value": comparison.p_value,
            "verdict": "leader" if name == leader else comparison.verdict,
        }
    return found
