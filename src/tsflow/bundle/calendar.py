"""What the clock says of each hour: two further columns of every model's input, so that a model needs nothing but its rows.

Only numpy: a consumer adds them from its frame's times.
"""

import numpy as np
from numpy.typing import NDArray

CALENDAR = {"hour_of_day": "h", "day_of_year": "d"}  # names and units, in order
RANGES = {"hour_of_day": (0.0, 24.0), "day_of_year": (0.0, 366.0)}
DAYS_PER_YEAR = 365.2425


def calendar(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Return hour of the day in [0, 24) and day of the year in [0, 366), both with fractions, of times [n]; shape [n, 2]."""
    seconds = times.astype("datetime64[s]")
    day = seconds - seconds.astype("datetime64[D]")
    year = seconds - seconds.astype("datetime64[Y]")
    return np.stack([day / np.timedelta64(1, "h"), year / np.timedelta64(1, "D")], axis=-1)
