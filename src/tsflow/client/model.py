"""One version of a champion, whole and unchanging: pointer, manifest and what runs the model."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsflow.bundle.intervals import Intervals, Spread
from tsflow.bundle.reading import INTERVALS, MODEL, SCALED_INTERVALS, Bundle
from tsflow.bundle.session import open_model
from tsflow.client.input import Values, Window, window_of, windows_of
from tsflow.errors import IntegrityError


class Model:
    """A verified model with its manifest; nothing of it changes, so that any number of threads may share it."""

    def __init__(self, bundle: Bundle) -> None:
        self.pointer = bundle.pointer
        self.manifest = bundle.manifest
        self.files = bundle.files
        self._session = _session(bundle)
        self._intervals = _intervals(bundle)
        self._require_quantiles()

    def forecast(self, frame: Mapping[str, ArrayLike]) -> float:
        """As `Champion.forecast`."""
        return self._of(window_of(frame, self.manifest))

    def leads(self, frame: Mapping[str, ArrayLike]) -> dict[int, float]:
        """As `Champion.leads`."""
        hours = self.manifest.target.leads
        if not hours:
            return {}
        (ahead,) = self._session.run(["leads"], {"observations": window_of(frame, self.manifest).rows[None]})
        return dict(zip(hours, map(float, ahead[0]), strict=True))

    def intervals(self, frame: Mapping[str, ArrayLike]) -> dict[float, tuple[float, float]]:
        """As `Champion.intervals`."""
        if self._intervals is None:
            return {}
        window = window_of(frame, self.manifest)
        target = window.times[-1:] + np.timedelta64(self.manifest.horizon_hours, "h")
        value, widths = self._with_spread(window.rows[None], self._intervals.spread)
        bounds = self._intervals.around(value, target, widths)[0]
        return {level: (float(low), float(high)) for level, (low, high) in zip(self._intervals.levels, bounds, strict=True)}

    def forecast_many(self, contexts: ArrayLike) -> NDArray[np.float64]:
        """As `Champion.forecast_many`."""
        return self._run(windows_of(contexts, self.manifest))

    def _of(self, window: Window) -> float:
        return float(self._run(window.rows[None])[0])

    def _run(self, inputs: Values) -> NDArray[np.float64]:
        (output,) = self._session.run(["forecast"], {"observations": inputs})
        return np.asarray(output[:, 0], dtype=np.float64)

    def _with_spread(self, inputs: Values, spread: Spread | None) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return forecasts [n], and how unsure the model is of each, [n]; None where its intervals do not ask for that."""
        if spread is None:
            return self._run(inputs), None
        output, quantiles = self._session.run(["forecast", "quantiles"], {"observations": inputs})
        widths = spread.widths(np.asarray(quantiles, dtype=np.float64), self.manifest.target.quantiles)
        return np.asarray(output[:, 0], dtype=np.float64), widths

    def _require_quantiles(self) -> None:
        if self._intervals is None or self._intervals.spread is None:
            return
        pair, named = self._intervals.spread, self.manifest.target.quantiles
        if "quantiles" not in [output.name for output in self._session.get_outputs()] or not {pair.low, pair.high} <= {*named}:
            found = f"{self.pointer.manifest_key}: {SCALED_INTERVALS} counts in quantiles that {MODEL} does not forecast"
            msg = f"{found}; publish it again"
            raise IntegrityError(msg)


def _session(bundle: Bundle) -> Any:
    try:
        return open_model(bundle.files[MODEL])
    except Exception as error:  # ONNX Runtime's own kinds, which share no base of theirs
        key = bundle.pointer.manifest_key
        msg = f"{key}: {MODEL} cannot be loaded ({type(error).__name__}: {error}); publish it again"
        raise IntegrityError(msg) from error


def _intervals(bundle: Bundle) -> Intervals | None:
    """Return the bundle's best intervals: scaled ones where there are any; None of a bundle without."""
    name = SCALED_INTERVALS if SCALED_INTERVALS in bundle.files else INTERVALS
    if name not in bundle.files:
        return None
    content, where = bundle.files[name], f"{bundle.pointer.manifest_key.removesuffix('manifest.json')}{name}"
    try:
        return Intervals.from_dict(json.loads(content), where)
    except ValueError as error:
        msg = f"{where}: not a file of intervals ({error}); publish it again"
        raise IntegrityError(msg) from error
