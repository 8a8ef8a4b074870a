"""Prediction intervals of a published model: by hour of the target, what to add to a forecast.

Made in `tsflow.uncertainty.conformal`. Only numpy: a consumer applies stored intervals without the rest.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsflow.errors import DataError, IntegrityError, SettingsError

Values = NDArray[np.float64]
Times = NDArray[np.datetime64]

FORMAT = 1  # raise it when a reader of the old form could misread the new one


def checked_level(level: float) -> float:
    """Return the level, or raise `SettingsError` if it is not between 0 and 1."""
    if isinstance(level, bool) or not isinstance(level, (int, float)) or not 0 < level < 1:
        msg = f"interval level {level!r} is outside (0, 1); write 0.95 for 95 %"
        raise SettingsError(msg)
    return float(level)


def hour_of_day(times: Times) -> NDArray[np.int64]:
    """Return the clock's hour, 0..23, shape [n]."""
    if np.isnat(times).any():
        msg = f"{int(np.isnat(times).sum())} of {len(times)} target times are missing; expected none"
        raise DataError(msg)
    return times.astype("datetime64[h]").astype(np.int64) % 24


@dataclass(frozen=True)
class Intervals:
    """What `intervals.json` of a bundle says: by hour of the target and level, what to add to a forecast."""

    format: int
    levels: tuple[float, ...]  # rising
    lower: tuple[tuple[float, ...], ...]  # [24, n_levels], in the target's unit
    upper: tuple[tuple[float, ...], ...]  # [24, n_levels]
    residuals: tuple[int, ...]  # [24], how many each hour's bounds come from: all hours' where its own were too few

    def around(self, forecasts: ArrayLike, target_times: Times) -> Values:
        """Return lower and upper bounds, shape [n, n_levels, 2], of forecasts [n] for target times [n] (station's clock)."""
        values = np.asarray(forecasts, dtype=np.float64)
        if values.shape != target_times.shape or values.ndim != 1:
            msg = f"forecasts {list(values.shape)} and target times {list(target_times.shape)}, expected both [n]"
            raise DataError(msg)
        offsets = np.stack([np.array(self.lower), np.array(self.upper)], axis=-1)  # [24, n_levels, 2]
        bounds: Values = values[:, None, None] + offsets[hour_of_day(target_times)]
        return bounds

    def to_dict(self) -> dict[str, object]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], key: str = "intervals.json") -> "Intervals":
        """Read what `to_dict` gave; `IntegrityError` naming `key` if it is something else."""
        try:
            if content["format"] != FORMAT:
                found = f"{key}: format {content['format']!r}, this tsflow reads {FORMAT}"
                msg = f"{found}; install the tsflow that wrote it, or a newer one"
                raise IntegrityError(msg)
            levels = tuple(checked_level(level) for level in content["levels"])
            lower, upper = (tuple(tuple(map(float, row)) for row in content[side]) for side in ("lower", "upper"))
            counts = tuple(map(int, content["residuals"]))
            low, high = np.array(lower), np.array(upper)  # [24, n_levels]
            fits = bool(levels) and low.shape == high.shape == (24, len(levels)) and len(counts) == 24
            if not fits or not (np.isfinite(low) & np.isfinite(high) & (low <= high)).all() or levels != tuple(sorted(levels)):
                msg = f"{key}: expected rising levels, each with a lower and an upper bound for 24 hours; publish it again"
                raise IntegrityError(msg)
        except (KeyError, TypeError, ValueError, SettingsError) as error:
            msg = f"{key}: not a file of intervals ({error}); it was damaged or written by another program"
            raise IntegrityError(msg) from error
        return cls(FORMAT, levels, lower, upper, counts)
