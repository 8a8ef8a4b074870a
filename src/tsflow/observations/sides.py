"""Variables beside the target: only the target is indispensable, and a dead sensor of another kind costs no hour of it.

::

    hours with the target    T T T T T T T T T T . . T T T T T T T
    wv                       x x x - - - x x x x     x x x x x x x    stays what it was, as nobody knows yet what comes (rain: 0)
    wd                       x x - - - - - - - -     - - - - - - -    away for more than a tenth: left out, with who needs it

A tenth of all the hours, or of the last week's: what died lately is left out too, since forecasts need it now.
"""

from collections.abc import Mapping

import pandas as pd

from tsflow.stations.quantities import Combined

_RECENT_HOURS = 168


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
    """Return the hours that have the target, with the others filled in, and how many values of each were.

    What is missing for a short time was filled before (`filling.py`). A longer time, filled between its neighbours, would hold what
    was measured after it, which no forecast in it can know. What was never measured before has the first value that was.
    """
    known = hourly[hourly[target].notna()]
    columns, counts = {}, {}
    for name in map(str, known.columns):
        values = known[name]
        if gone := int(values.isna().sum()):
            columns[name], counts[name] = values.fillna(0.0) if how[name] == "sum" else values.ffill().bfill(), gone
    return known.assign(**columns), counts
