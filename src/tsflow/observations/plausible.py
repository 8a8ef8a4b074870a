"""Single values that no instrument of the station can have measured: set aside when rows are read, and kept in the store."""

import numpy as np
import pandas as pd

from tsflow.stations.station import Station


def plausible(observations: pd.DataFrame, station: Station) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return observations with NaN in place of values outside their variable's range, and how many those were, by variable.

    The store keeps what was measured, so that a range that is corrected later brings values back.
    """
    columns, counts = {}, {}
    for name, variable in station.variables.items():
        if name not in observations:
            continue
        values = observations[name].to_numpy(dtype=np.float64)
        low, high = variable.range
        outside = (values < low) | (values > high)  # NaN is neither
        if outside.any():
            columns[name], counts[name] = np.where(outside, np.nan, values), int(outside.sum())
    return observations.assign(**columns), counts
