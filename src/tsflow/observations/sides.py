"""Variables beside the target: only the target is indispensable, and a dead sensor of another kind costs no hour of it.

::

    hours with the target    T T T T T T T T T T . . T T T T T T T
    wv                       x x x - - - x x x x     x x x x x x x    filled between its neighbours, however long (rain: by 0)
    wd                       x x - - - - - - - -     - - - - - - -    away for more than a tenth: left out, with who needs it

A tenth of all the hours, or of the last week's: what died lately is left out too, since forecasts need it now.
"""

from collections.abc import Mapping

import pandas as pd

from tsflow.observations.filling import fill
from tsflow.stations.quantities import Combined

_RECENT_HOURS = 168
_ANY_LENGTH = pd.Timedelta(days=36500)


def dead(hourly: pd.DataFrame, target: str, most: float) -> dict[str, float]:
    """Return which other variables are to be left out, with the share of the target's hours that they miss.

    Parameters
    ----------
    hourly
        A row an hour, NaN where missing.
    most
        The share that a variable may miss of all hours that have the target, and of the last week's.
    """
    known = hourly[hourly[target].notna()]
    if known.empty:
        return {}
    missing = known.isna()
    shares = pd.concat([missing.mean(), missing.tail(_RECENT_HOURS).mean()], axis=1).max(axis=1)
    return {str(name): round(float(share), 4) for name, share in shares.items() if share > most and name != target}


def filled(hourly: pd.DataFrame, target: str, how: Mapping[str, Combined]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the hours that have the target, with the others filled in, and how many values of each were."""
    known = hourly[hourly[target].notna()]
    times, hour = pd.DatetimeIndex(known.index), pd.Timedelta(hours=1)
    columns, counts = {}, {}
    for name in map(str, known.columns):
        values = known[name]
        if gone := int(values.isna().sum()):
            inside = pd.Series(fill(values, times, _ANY_LENGTH, hour, how=how[name]), index=known.index)
            columns[name], counts[name] = inside.fillna(0.0) if how[name] == "sum" else inside.ffill().bfill(), gone
    return known.assign(**columns), counts
