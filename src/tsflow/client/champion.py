"""A station's champion in a program: loaded once, kept fresh, and usable while the store is away."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsflow.bundle.manifest import Manifest, Pointer
from tsflow.bundle.reading import Bundle
from tsflow.client.inputs import features
from tsflow.client.model import Model
from tsflow.errors import IntegrityError, NoChampion, StorageDenied, StorageUnavailable

STALE_AFTER = timedelta(days=3)
Newer = Callable[[], Bundle | None]  # the champion there is, or None if it is the one that was read last


class Champion:
    """A verified model with its manifest; safe to use from several threads, also while `refresh` puts another one in its place.

    `problem` says why the last `refresh` kept the model that was there; None if there was no reason to.
    """

    def __init__(
        self, bundle: Bundle, newer: Newer | None = None, *, stale_after: timedelta = STALE_AFTER, problem: str | None = None
    ) -> None:
        self._model = Model(bundle)  # replaced as a whole, so that no call sees two versions
        self._newer, self._lock, self._stale_after = newer, threading.Lock(), stale_after
        self.problem = problem

    @property
    def pointer(self) -> Pointer:
        """What `champion.json` said."""
        return self._model.pointer

    @property
    def manifest(self) -> Manifest:
        """What the model is, and how well it did."""
        return self._model.manifest

    @property
    def files(self) -> dict[str, bytes]:
        """The files of the bundle that were read, by name."""
        return self._model.files

    @property
    def features(self) -> list[str]:
        """The columns that `forecast` reads, in raw units; the calendar's follow from `time`."""
        return features(self.manifest)

    @property
    def age(self) -> timedelta:
        """How old the model's newest observations are."""
        clock = timedelta(hours=self.manifest.hourly.utc_offset_hours or 0.0)
        return datetime.now(UTC).replace(tzinfo=None) + clock - datetime.fromisoformat(self.manifest.as_of)

    @property
    def stale(self) -> bool:
        """Whether it is older than it should be: nothing has refreshed it for days."""
        return self.age > self._stale_after

    def refresh(self, *, strict: bool = False) -> bool:
        """Take the champion there is now, if it is another one; return whether it was.

        While the store is away, or if the new one fails a check, the last good one stays and `problem` says why; with `strict`
        the error is raised.

        Raises
        ------
        StorageUnavailable, StorageDenied, IntegrityError, NoChampion
            Only with `strict`.
        """
        if self._newer is None:
            return False
        with self._lock:
            try:
                found = self._newer()
                if found is None:
                    self.problem = None
                    return False
                if found.pointer.sequence < self.pointer.sequence:
                    msg = (
                        f"the pointer says number {found.pointer.sequence}, number {self.pointer.sequence} was seen before; "
                        f"an old pointer was put back"
                    )
                    raise IntegrityError(msg)
                model = Model(found)
            except (StorageUnavailable, StorageDenied, IntegrityError, NoChampion) as error:
                self.problem = f"{type(error).__name__}: {error}"
                if strict:
                    raise
                return False
            self._model, self.problem = model, None
            return True

    def forecast(self, frame: Mapping[str, ArrayLike]) -> float:
        """Forecast the target `horizon_hours` after the frame's last row, in the target's unit (degC).

        Parameters
        ----------
        frame
            A pandas DataFrame, or any mapping of columns, with one row an hour in order of time and every feature
            in raw units, and `time` by the station's clock, rising by hours; times with a zone are converted to that clock.
            The last `context_hours` rows are read.

        Raises
        ------
        DataError
            If a column is missing, rows are too few, hours are missing, or a value is missing, a sentinel, no number, or outside
            the range that the station measures.
        """
        return self._model.forecast(frame)

    def leads(self, frame: Mapping[str, ArrayLike]) -> dict[int, float]:
        """Return forecasts of hours before the horizon, by hours ahead; empty where the model makes none."""
        return self._model.leads(frame)

    def intervals(self, frame: Mapping[str, ArrayLike]) -> dict[float, tuple[float, float]]:
        """Return by level (0.8, 0.95) the bounds in which the target lies with that probability.

        Conformal: from errors on rows that the candidate never saw, by hour of the day. `frame` is as in `forecast`. Empty if the
        champion was published without intervals.
        """
        return self._model.intervals(frame)

    def forecast_many(self, contexts: ArrayLike) -> NDArray[np.float64]:
        """Forecast many windows: raw units, shape [n, context_hours, n_columns] as the manifest's features, to degC, shape [n].

        Raises
        ------
        DataError
            If the shape is another, or a value is missing, a sentinel, or outside its range.
        """
        return self._model.forecast_many(contexts)
