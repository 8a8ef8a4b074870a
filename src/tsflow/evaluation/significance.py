"""How sure a leaderboard is: intervals of each error, and whether an entrant differs from the leader."""

from typing import Any

import numpy as np
import pandas as pd

from tsflow.errors import NotEnoughData
from tsflow.evaluation.bootstrap import mae_intervals
from tsflow.evaluation.certainty import compare


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
