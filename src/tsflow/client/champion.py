"""Loading a station's champion and forecasting with it."""

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import ArrayLike, NDArray

from tsflow.bundle.calendar import CALENDAR, calendar
from tsflow.bundle.intervals import Intervals
from tsflow.bundle.reading import Bundle, read_champion
from tsflow.errors import DataError, IntegrityError, SettingsError
from tsflow.names import MAIN, PRODUCTION, Stage
from tsflow.storage.objects import ObjectStore


class Champion:
    """A verified model with its manifest."""

    def __init__(self, bundle: Bundle) -> None:
        self.pointer = bundle.pointer
        self.manifest = bundle.manifest
        self.files = bundle.files
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # one window is too little work to share
        try:
            self._session = onnxruntime.InferenceSession(
                self.files["model.onnx"], sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own kinds, which share no base of theirs
            msg = f"{self.pointer.manifest_key}: model.onnx cannot be loaded ({type(error).__name__}: {error}); publish it again"
            raise IntegrityError(msg) from error

    @property
    def features(self) -> list[str]:
        """The columns that `forecast` reads, in raw units; the calendar's follow from `time`."""
        return [column.name for column in self.manifest.features if column.name not in CALENDAR]

    def forecast(self, frame: Mapping[str, ArrayLike]) -> float:
        """Forecast the target `horizon_hours` after the frame's last row, in the target's unit (degC).

        Parameters
        ----------
        frame
            A pandas DataFrame, or any mapping of columns, with one row an hour in order of time and every feature
            in raw units, and `time` by the station's clock, rising by hours. The last `context_hours` rows are read.

        Raises
        ------
        DataError
            If a column is missing, rows are too few, a value is missing, or hours are.
        """
        context = self.manifest.context_hours
        found = list(frame.keys())
        if lacking := [name for name in ["time", *self.features] if name not in found]:
            msg = f"the frame lacks {', '.join(lacking)}; found {', '.join(map(str, found))}"
            raise DataError(msg)
        rows = np.stack([np.asarray(frame[name], dtype=np.float64) for name in self.features], axis=-1)
        if len(rows) < context:
            msg = f"the frame has {len(rows)} rows, the model reads {context} consecutive hours; give it more history"
            raise DataError(msg)
        rows = rows[-context:]
        if not np.isfinite(rows).all():
            names = [name for name, column in zip(self.features, rows.T, strict=True) if not np.isfinite(column).all()]
            msg = f"missing values in the last {context} rows of {', '.join(names)}; fill or drop them"
            raise DataError(msg)
        times = np.asarray(frame["time"]).astype("datetime64[s]")[-context:]
        self._check_hours(times)
        clock = dict(zip(CALENDAR, calendar(times).T, strict=True))
        measured = dict(zip(self.features, rows.T, strict=True))
        columns = [(measured | clock)[column.name] for column in self.manifest.features]
        return float(self.forecast_many(np.stack(columns, axis=-1)[None])[0])

    def intervals(self, frame: Mapping[str, ArrayLike]) -> dict[float, tuple[float, float]]:
        """Return by level (0.8, 0.95) the bounds in which the target lies with that probability.

        Conformal: from the errors on the validation part, by hour of the day. `frame` is as in `forecast`, with its
        column `time` by the station's clock. Empty if the champion was published without intervals.
        """
        if "intervals.json" not in self.files:
            return {}
        known = Intervals.from_dict(json.loads(self.files["intervals.json"]))
        forecast = self.forecast(frame)
        ahead = np.timedelta64(self.manifest.horizon_hours, "h")
        last = np.asarray(frame["time"]).astype("datetime64[s]")[-1:]
        target = (last + ahead).astype("datetime64[s]")
        bounds = known.around([forecast], target)[0]
        return {level: (float(low), float(high)) for level, (low, high) in zip(known.levels, bounds, strict=True)}

    def forecast_many(self, contexts: ArrayLike) -> NDArray[np.float64]:
        """Forecast many windows: raw units, shape [n, context_hours, n_columns] as the manifest's features, to degC, shape [n]."""
        inputs = np.asarray(contexts, dtype=np.float32)
        wanted = (self.manifest.context_hours, len(self.manifest.features))
        if inputs.ndim != 3 or inputs.shape[1:] != wanted:
            msg = f"expected an array of shape [n, {wanted[0]}, {wanted[1]}], found {list(inputs.shape)}"
            raise DataError(msg)
        (output,) = self._session.run(["forecast"], {"observations": inputs})
        return np.asarray(output[:, 0], dtype=np.float64)

    @staticmethod
    def _check_hours(times: NDArray[Any]) -> None:
        hours = np.diff(times) / np.timedelta64(1, "h")
        if not (np.round(hours) == 1).all():
            at = int(np.flatnonzero(np.round(hours) != 1)[0])
            msg = f"time goes from {times[at]} to {times[at + 1]}; expected one row an hour without gaps"
            raise DataError(msg)


def store_from_environment() -> ObjectStore:
    """Open the store that `TSFLOW_OBJECT_STORE__*` variables name.

    Raises
    ------
    SettingsError
        If neither an address nor a bucket is named: no bucket of the wide world is taken for one's own.
    """

    def value(name: str) -> str | None:
        return os.environ.get(f"TSFLOW_OBJECT_STORE__{name}") or None

    if not (value("ENDPOINT_URL") or value("BUCKET")):
        msg = (
            "no object store is named: set TSFLOW_OBJECT_STORE__ENDPOINT_URL (and __BUCKET, __ACCESS_KEY_ID, "
            "__SECRET_ACCESS_KEY), or on AWS TSFLOW_OBJECT_STORE__BUCKET"
        )
        raise SettingsError(msg)
    return ObjectStore(
        bucket=value("BUCKET") or "tsflow",
        endpoint_url=value("ENDPOINT_URL"),
        access_key_id=value("ACCESS_KEY_ID"),
        secret_access_key=value("SECRET_ACCESS_KEY"),
        region=value("REGION") or "us-east-1",
    )


def load_champion(station: str, objects: ObjectStore | None = None, *, task: str = MAIN, stage: Stage = PRODUCTION) -> Champion:
    """Load a station's champion and verify it from the pointer to the last byte.

    Parameters
    ----------
    station
        The station's name.
    objects
        The object store; by default the one that `TSFLOW_OBJECT_STORE__ENDPOINT_URL`, `__BUCKET`,
        `__ACCESS_KEY_ID` and `__SECRET_ACCESS_KEY` name.
    task
        Which of the station's tasks, by its name in the station file.
    stage
        `production`, or `local`: what `tsflow run --here` tried out.

    Raises
    ------
    NoChampion
        If the task has none.
    IntegrityError
        If a file is missing or is not the one that was published, or belongs to another station, task or version.
    """
    return Champion(read_champion(objects or store_from_environment(), station, task, stage))
