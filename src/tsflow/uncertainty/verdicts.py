"""How sure a board is: intervals of each error, and whether an entrant differs from another by more than chance.

Two things would call equals worse more often than is said. The reference must not have been picked on the data on which others
are compared with it; that is for the caller to see to. And among twenty equals one differs at 95 % by luck: so the p-values of a
board's lines are corrected together by Holm's rule, and of all verdicts of a board not one is wrong in 95 of 100 boards.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tsflow.errors import DataError, NotEnoughData
from tsflow.names import Verdict
from tsflow.uncertainty.best_set import confidence_set
from tsflow.uncertainty.bootstrap import Times, Values
from tsflow.uncertainty.long_run import LEVEL, Estimate, Means, daily_errors, differences, mae_intervals


@dataclass(frozen=True)
class Comparison:
    """One entrant against the reference; without numbers where there are too few days to say."""

    verdict: Verdict
    difference: Estimate | None = None  # its MAE minus the reference's
    p_value: float | None = None  # for this line alone
    p_adjusted: float | None = None  # with all lines of its board, by Holm's rule

    def fields(self) -> dict[str, float | str | None]:
        """Return it as a line of a board holds it."""
        value, low, high = (getattr(self.difference, name, None) for name in ("value", "low", "high"))
        found = {"difference": value, "difference_low": low, "difference_high": high}
        return {**found, "p_value": self.p_value, "p_adjusted": self.p_adjusted, "verdict": self.verdict}


ITSELF = Comparison("tie", Estimate(0.0, 0.0, 0.0), 1.0, 1.0)


def holm(p_values: Values) -> Values:
    """Return p-values [n] as they are if all n questions count together: any below 0.05 by luck in 5 % of the cases at most.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.
    """
    order, n = np.argsort(p_values), len(p_values)
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * (n - np.arange(n))))
    return adjusted


def compare(forecasts: Mapping[str, pd.DataFrame], reference: pd.DataFrame, *, level: float = LEVEL) -> dict[str, Comparison]:
    """Compare entrants with a reference, each on the origins that both have.

    Parameters
    ----------
    forecasts
        By entrant: origin (rising), truth and forecast; without the reference.
    reference
        The same, of what they are compared with; it must not have been picked on these origins.

    Raises
    ------
    DataError
        If origins do not rise, or errors are missing.
    """
    known: dict[str, Means] = {}
    for name, frame in forecasts.items():
        errors, origins = _paired(frame, reference)
        try:
            known[name] = differences(errors, origins, 1)
        except NotEnoughData:
            continue
    p_values = np.array([float(means.p_values()[0]) for means in known.values()])
    found = dict.fromkeys(forecasts, Comparison("unknown"))
    for (name, means), p_value, adjusted in zip(known.items(), p_values.tolist(), holm(p_values).tolist(), strict=True):
        difference = means.estimates(level)[0]
        found[name] = Comparison(_verdict(difference, adjusted, level), difference, p_value, adjusted)
    return found


def _verdict(difference: Estimate, p_adjusted: float, level: float) -> Verdict:
    if p_adjusted >= 1 - level:
        return "tie"
    return "worse" if difference.value > 0 else "better"


def may_be_best(forecasts: Mapping[str, pd.DataFrame]) -> dict[str, float | None]:
    """Return of each entrant the p-value of `confidence_set`: below 0.05 it is surely not the best of them.

    `forecasts`: by entrant, on identical origins. None for all where there are too few days to say.
    """
    if not forecasts:
        return {}
    try:
        series = daily_errors(*_errors(list(forecasts.values())))
        return dict(zip(forecasts, confidence_set(series).tolist(), strict=True))
    except NotEnoughData:
        return dict.fromkeys(forecasts)


def intervals_of(forecasts: Mapping[str, pd.DataFrame]) -> dict[str, Estimate | None]:
    """Return of each entrant its MAE with the 95 % interval; None where there are too few days to say."""
    found: dict[str, Estimate | None] = dict.fromkeys(forecasts)
    for name, frame in forecasts.items():
        try:
            (found[name],) = mae_intervals(*_errors([frame]))
        except NotEnoughData:
            continue
    return found


def bounds(interval: Estimate | None) -> dict[str, float]:
    """Return an MAE's interval as a line of a board holds it."""
    return {"mae_low": interval.low, "mae_high": interval.high} if interval else {}


def _paired(frame: pd.DataFrame, reference: pd.DataFrame) -> tuple[Values, Times]:
    """Return the errors of an entrant and of the reference on the origins that both have, [n_origins, 2], and those origins."""
    mine = frame[frame["origin"].isin(reference["origin"])]
    return _errors([mine, reference[reference["origin"].isin(mine["origin"])]])


def _errors(frames: list[pd.DataFrame]) -> tuple[Values, Times]:
    """Return forecast minus truth, [n_origins, n_frames], and the origins, which all frames share."""
    origins = frames[0]["origin"].to_numpy()
    if not (origins[1:] > origins[:-1]).all():
        msg = "origin times do not rise; sort origins by time, each once"
        raise DataError(msg)
    errors = [(frame["forecast"] - frame["truth"]).to_numpy(dtype=np.float64) for frame in frames]
    return np.stack(errors, axis=1), origins
