"""A trial of a bundle before the pointer moves: read and run just as a consumer will."""

import numpy as np
from numpy.typing import NDArray

from tsflow.bundle.manifest import Pointer
from tsflow.bundle.reading import read_bundle
from tsflow.client.champion import Champion
from tsflow.errors import IntegrityError
from tsflow.limits import GateSettings
from tsflow.names import PRODUCTION, Stage
from tsflow.observations.combining import hourly_range
from tsflow.records.decision import Check
from tsflow.stations.station import Station
from tsflow.storage.objects import ObjectStore
from tsflow.windows.dataset import Dataset

_NEWEST = 24  # windows: the last day of the record
_SPREAD = 256  # windows, of all seasons that validation and test hold


def loaded(objects: ObjectStore, pointer: Pointer, task: str, stage: Stage = PRODUCTION) -> Champion:
    """Return the model that a pointer would mean; `IntegrityError` if a consumer could not load it."""
    return Champion(read_bundle(objects, pointer, pointer.station, task, stage))


def tried(
    champion: Champion, dataset: Dataset, station: Station, gate: GateSettings, candidate: NDArray[np.float64] | None
) -> list[Check]:
    """Return whether the forecasts of a loaded model are finite, in the station's range, and as good as its candidate's.

    Parameters
    ----------
    candidate
        Forecasts of the candidate, shape [n_windows] of validation, then test, of which `_SPREAD` are made again; None: the model
        is the candidate itself.
    """
    starts = np.concatenate([dataset.starts(part) for part in ("validation", "test")])
    step = max(1, len(starts) // _SPREAD)
    spread = starts[::step]
    newest = np.arange(max(0, len(dataset.times) - dataset.task.context_hours - _NEWEST + 1), len(dataset.times))[:_NEWEST]
    newest = newest[newest + dataset.task.context_hours <= len(dataset.times)]
    forecasts = champion.forecast_many(dataset.contexts(np.concatenate([spread, newest])))
    checks = [_finite(forecasts)]
    if not checks[0].passed:
        return checks
    low, high = hourly_range(station, dataset.target)
    low, high, unit = low - gate.range_margin, high + gate.range_margin, dataset.units[dataset.target]
    extremes = float(forecasts.min()), float(forecasts.max())
    found = f"forecasts of the newest day and of {len(spread)} windows lie in {extremes[0]:.1f} to {extremes[1]:.1f} {unit}"
    inside = low <= extremes[0] and extremes[1] <= high
    checks.append(Check(rule="in range", passed=inside, found=f"{found}; allowed is {low:g} to {high:g}"))
    if candidate is not None:
        truth = dataset.values[spread + dataset.task.span - 1, dataset.target_index]
        mae, before = float(np.abs(forecasts[: len(spread)] - truth).mean()), float(np.abs(candidate[::step] - truth).mean())
        limit = before * (1 + gate.refit_worse)
        told = f"the refit's error on {len(spread)} windows is {mae:.3f}, its candidate's was {before:.3f}"
        checks.append(Check(rule="refit as good", passed=mae <= limit, found=f"{told}; at most {limit:.3f}"))
    return checks


def _finite(forecasts: NDArray[np.float64]) -> Check:
    wrong = int((~np.isfinite(forecasts)).sum())
    return Check(rule="finite", passed=not wrong, found=f"{wrong} of {len(forecasts)} forecasts are not finite")


def unloadable(error: IntegrityError) -> Check:
    """Return the failed rule of a bundle that a consumer could not load."""
    return Check(rule="loads", passed=False, found=f"a consumer could not load it: {error}")
