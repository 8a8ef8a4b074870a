"""One version of a model, verified and loaded; it never changes."""

import json
from collections.abc import Mapping

import numpy as np
import onnxruntime
from numpy.typing import ArrayLike, NDArray

from tsflow.bundle.intervals import Intervals
from tsflow.bundle.reading import Bundle
from tsflow.client.inputs import context_of, require_seen
from tsflow.errors import DataError, IntegrityError


class Model:
    """A model version with its manifest; safe to use from several threads."""

    def __init__(self, bundle: Bundle) -> None:
        self.pointer, self.manifest, self.files = bundle.pointer, bundle.manifest, bundle.files
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # one window is too little work to share
        try:
            self._session = onnxruntime.InferenceSession(
                self.files["model.onnx"], sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own kinds, which share no base of theirs
            msg = f"{self.pointer.manifest_key}: model.onnx cannot be loaded ({type(error).__name__}: {error}); publish it again"
            raise IntegrityError(msg) from error
        found = self.files.get("intervals.json")
        self._intervals = Intervals.from_dict(json.loads(found)) if found else None

    def forecast(self, frame: Mapping[str, ArrayLike]) -> float:
        """Forecast the target from the last hours of a frame."""
        context, _ = context_of(frame, self.manifest)
        return float(self._run(context[None])["forecast"][0, 0])

    def leads(self, frame: Mapping[str, ArrayLike]) -> dict[int, float]:
        """Return the forecasts of the hours before the horizon, by hours ahead; empty where the model makes none."""
        hours = self.manifest.target.leads
        if not hours:
            return {}
        context, _ = context_of(frame, self.manifest)
        return dict(zip(hours, map(float, self._run(context[None])["leads"][0]), strict=True))

    def intervals(self, frame: Mapping[str, ArrayLike]) -> dict[float, tuple[float, float]]:
        """Return by level the bounds of the target; empty if the model was published without intervals."""
        context, times = context_of(frame, self.manifest)
        known = self._intervals
        if known is None:
            return {}
        target = (times[-1:] + np.timedelta64(self.manifest.horizon_hours, "h")).astype("datetime64[s]")
        bounds = known.around([float(self._run(context[None])["forecast"][0, 0])], target)[0]
        return {level: (float(low), float(high)) for level, (low, high) in zip(known.levels, bounds, strict=True)}

    def forecast_many(self, contexts: ArrayLike) -> NDArray[np.float64]:
        """Forecast many windows of raw units, shape [n, context_hours, n_columns]; shape [n]."""
        try:
            inputs = np.asarray(contexts, dtype=np.float32)
        except (TypeError, ValueError) as error:
            msg = f"the windows hold something that is no number, or are not of one length ({error})"
            raise DataError(msg) from error
        wanted = (self.manifest.context_hours, len(self.manifest.features))
        if inputs.ndim != 3 or inputs.shape[1:] != wanted:
            msg = f"expected an array of shape [n, {wanted[0]}, {wanted[1]}], found {list(inputs.shape)}"
            raise DataError(msg)
        require_seen(inputs, self.manifest)
        return np.asarray(self._run(inputs)["forecast"][:, 0], dtype=np.float64)

    def _run(self, contexts: NDArray[np.floating]) -> dict[str, NDArray[np.float32]]:
        names = ["forecast", "leads"] if self.manifest.target.leads else ["forecast"]
        found = self._session.run(names, {"observations": np.asarray(contexts, dtype=np.float32)})
        return dict(zip(names, found, strict=True))
