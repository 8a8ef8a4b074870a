"""Prediction intervals of a published model: by hour of the target, what to add to a forecast.

Two files have this form. `intervals.json` adds the same on a calm day and before a front. `scaled_intervals.json`, of a model that
forecasts quantiles too, counts in its own spread, the distance between two of them::

    forecast + lower x spread          forecast          forecast + upper x spread
              |---------------------------|---------------------------|

Made in `tsflow.uncertainty.conformal`. Only numpy: a consumer applies stored intervals without the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsflow.errors import DataError, IntegrityError, SettingsError

Values = NDArray[np.float64]
Times = NDArray[np.datetime64]

FORMAT = 1  # raise it when a reader of the old form could misread the new one
SCALED_FORMAT = 2  # bounds are multiples of a spread


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
class Spread:
    """How far apart a model forecasts two of its quantiles: large before a front, small in fog. Bounds are counted in it."""

    low: float  # levels of the two quantiles
    high: float
    least: float  # in the target's unit; a smaller one counts as this, so that no interval closes up

    def widths(self, quantiles: Values, levels: Sequence[float]) -> Values:
        """Return the spread [n] of quantiles [n, n_levels]; `IntegrityError` if the model has not both of them."""
        if not {self.low, self.high} <= {*levels} or quantiles.shape[-1] != len(levels):
            pair = f"{self.low:g} and {self.high:g}"
            msg = f"intervals count in the quantiles {pair}, the model forecasts {list(levels)}; publish again"
            raise IntegrityError(msg)
        places = [list(levels).index(level) for level in (self.low, self.high)]
        widths: Values = np.maximum(quantiles[:, places[1]] - quantiles[:, places[0]], self.least)
        return widths


@dataclass(frozen=True)
class Intervals:
    """What a file of intervals says: by hour of the target and level, what to add to a forecast."""

    format: int
    levels: tuple[float, ...]  # rising
    lower: tuple[tuple[float, ...], ...]  # [24, n_levels], in the target's unit; with `spread` in multiples of that
    upper: tuple[tuple[float, ...], ...]  # [24, n_levels]
    residuals: tuple[int, ...]  # [24], how many each hour's bounds come from: all hours' where its own were too few
    spread: Spread | None = None

    def around(self, forecasts: ArrayLike, target_times: Times, widths: Values | None = None) -> Values:
        """Return lower and upper bounds, shape [n, n_levels, 2], of forecasts [n] for target times [n] (station's clock).

        `widths`: of scaled intervals the spread of each forecast, [n], as `Spread.widths` gives it.
        """
        values = np.asarray(forecasts, dtype=np.float64)
        if values.shape != target_times.shape or values.ndim != 1:
            msg = f"forecasts {list(values.shape)} and target times {list(target_times.shape)}, expected both [n]"
            raise DataError(msg)
        offsets = np.stack([np.array(self.lower), np.array(self.upper)], axis=-1)  # [24, n_levels, 2]
        if (self.spread is None) != (widths is None) or (widths is not None and widths.shape != values.shape):
            msg = "scaled intervals need the spread of each forecast, others none; found the other way round, or of another shape"
            raise DataError(msg)
        scale = np.ones_like(values) if widths is None else widths
        bounds: Values = values[:, None, None] + offsets[hour_of_day(target_times)] * scale[:, None, None]
        return bounds

    def to_dict(self) -> dict[str, object]:
        """Return what JSON can hold."""
        return {name: value for name, value in asdict(self).items() if (name, value) != ("spread", None)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], key: str = "intervals.json") -> "Intervals":
        """Read what `to_dict` gave; `IntegrityError` naming `key` if it is something else."""
        try:
            if content["format"] not in (FORMAT, SCALED_FORMAT):
                found = f"{key}: format {content['format']!r}, this tsflow reads {FORMAT} and {SCALED_FORMAT}"
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
            spread = _spread(content["spread"], key) if content["format"] == SCALED_FORMAT else None
        except (KeyError, TypeError, ValueError, SettingsError) as error:
            msg = f"{key}: not a file of intervals ({error}); it was damaged or written by another program"
            raise IntegrityError(msg) from error
        return cls(content["format"], levels, lower, upper, counts, spread)


def _spread(content: Mapping[str, Any], key: str) -> Spread:
    low, high, least = checked_level(content["low"]), checked_level(content["high"]), float(content["least"])
    if not (low < high and np.isfinite(least) and least > 0):
        msg = f"{key}: expected a spread between two rising quantiles, and a least one above 0; publish it again"
        raise IntegrityError(msg)
    return Spread(low, high, least)
