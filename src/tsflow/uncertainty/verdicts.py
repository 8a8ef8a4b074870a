"""How sure a leaderboard is: intervals of each error, and whether an entrant differs from the best by more than chance."""

from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True)
class Certainty:
    """How sure one entrant's error is, and how it compares with the reference's; the reference has no comparison."""

    mae: Estimate
    comparison: Comparison | None


def certainty_of(forecasts: dict[str, pd.DataFrame], reference: str, *, horizon_hours: int) -> dict[str, Certainty]:
    """Return how sure each entrant's error is, by its name.

    Parameters
    ----------
    forecasts
        By architecture: part, origin, truth and forecast, on identical origins. The test part is judged, or validation
        where there is none.
    reference
        The best on validation, which every entrant is compared with.

    Returns
    -------
    Nothing for any entrant if there are too few origins to say.
    """
    names = list(forecasts)
    part = "test" if (forecasts[reference]["part"] == "test").any() else "validation"
    shown = {name: frame[frame["part"] == part] for name, frame in forecasts.items()}
    origins = shown[reference]["origin"].to_numpy()
    errors = np.stack([(shown[name]["forecast"] - shown[name]["truth"]).to_numpy() for name in names], axis=1)
    try:
        intervals = mae_intervals(errors, origins)
        comparisons = compare(errors, origins, names.index(reference), horizon_hours=horizon_hours)
    except NotEnoughData:
        return {}
    return {
        name: Certainty(interval, None if name == reference else comparison)
        for name, interval, comparison in zip(names, intervals, comparisons, strict=True)
    }
