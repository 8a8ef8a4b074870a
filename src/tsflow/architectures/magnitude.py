"""What a degree is to temperature, for any target in any unit: thresholds and penalties are made for changes of that size."""

import numpy as np
from numpy.typing import NDArray

_CHANGE = 2.6  # degC: how much temperature changes within a day, on average, at the station that recipes were made on


def degree(changes: NDArray[np.float64]) -> float:
    """Return the power of two by which changes of the target, [n], are nearest to those of temperature in degC; 1 of none.

    Of temperature in degC or K it is 1, of pressure in Pa 128 or 256. A power of two leaves numbers the same to the last bit.
    """
    usual = float(np.abs(changes).mean()) if len(changes) else 0.0
    return 2.0 ** round(np.log2(usual / _CHANGE)) if usual > 0 else 1.0
