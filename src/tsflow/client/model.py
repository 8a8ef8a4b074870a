"""One version of a champion, whole and unchanging: pointer, manifest and what runs the model."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsflow.bundle.intervals import Intervals
from tsflow.bundle.reading import INTERVALS, MODEL, Bundle
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
        content = bundle.files.get(INTERVALS)
        self._intervals = None if content is None else _intervals(content, bundle.pointer.manifest_key)

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
        bounds = self._intervals.around([self._of(window)], target)[0]
        return {level: (float(low), float(high)) for level, (low, high) in zip(self._intervals.levels, bounds, strict=True)}

    def forecast_many(self, contexts: ArrayLike) -> NDArray[np.float64]:
        """As `Champion.forecast_many`."""
        return self._run(windows_of(contexts, self.manifest))

    def _of(self, window: Window) -> float:
        return float(self._run(window.rows[None])[0])

    def _run(self, inputs: Values) -> NDArray[np.float64]:
        (output,) = self._session.run(["forecast"], {"observations": inputs})
        return np.asarray(output[:, 0], dtype=np.float64)


def _session(bundle: Bundle) -> Any:
    try:
        return open_model(bundle.files[MODEL])
    except Exception as error:  # ONNX Runtime's own kinds, which share no base of theirs
        key = bundle.pointer.manifest_key
        msg = f"{key}: {MODEL} cannot be loaded ({type(error).__name__}: {error}); publish it again"
        raise IntegrityError(msg) from error


def _intervals(content: bytes, key: str) -> Intervals:
    where = f"{key.removesuffix('manifest.json')}{INTERVALS}"
    try:
        return Intervals.from_dict(json.loads(content), where)
    except ValueError as error:
        msg = f"{where}: not a file of intervals ({error}); publish it again"
        raise IntegrityError(msg) from error
