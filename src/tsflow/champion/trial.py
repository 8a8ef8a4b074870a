"""A trial of a bundle before the pointer moves: read and run just as a consumer will."""

import numpy as np

from tsflow.bundle.manifest import Pointer
from tsflow.bundle.reading import read_bundle
from tsflow.client.champion import Champion
from tsflow.errors import IntegrityError
from tsflow.storage.objects import ObjectStore
from tsflow.windows.dataset import Dataset

_WINDOWS = 24  # the newest of the record


def require_working(objects: ObjectStore, pointer: Pointer, dataset: Dataset, task: str) -> None:
    """Raise unless a consumer could load the bundle that a pointer would mean, and forecast with it.

    Raises
    ------
    IntegrityError
        If a file is not as the manifest says, the model cannot be loaded, or a forecast is not finite.
    """
    champion = Champion(read_bundle(objects, pointer, pointer.station, task))
    starts = np.concatenate([dataset.starts(part) for part in ("validation", "test")])[-_WINDOWS:]
    forecasts = champion.forecast_many(dataset.contexts(starts))
    if not np.isfinite(forecasts).all():
        wrong = int((~np.isfinite(forecasts)).sum())
        msg = f"{pointer.manifest_key}: {wrong} of {len(starts)} forecasts are not finite; it was not made champion"
        raise IntegrityError(msg)
