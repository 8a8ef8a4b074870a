"""The newest forecast that the workflow made, for those who want the number and not the model."""

import json
from datetime import UTC, datetime

from tsflow.client.clock import utc_now
from tsflow.client.environment import store_from_environment
from tsflow.errors import IntegrityError, NoForecast
from tsflow.names import MAIN
from tsflow.storage.objects import ObjectMissing, ObjectStore


def forecast_latest(station: str, objects: ObjectStore | None = None, *, task: str = MAIN) -> dict[str, object]:
    """Return what `forecasts/{station}/{task}/latest.json` says, and as `age_seconds` how long ago that was written.

    Parameters
    ----------
    station, objects, task
        As in `load_champion`.

    Raises
    ------
    NoForecast
        If there is none.
    IntegrityError
        If it is not an object of JSON with `made_at`, a time in ISO 8601 (UTC if it names no zone).
    """
    store, key = objects or store_from_environment(), f"forecasts/{station}/{task}/latest.json"
    try:
        body = store.get(key)
    except ObjectMissing as error:
        msg = f"station {station}, task {task}, has no forecast in {store.address(key)}; start the workflow that makes them"
        raise NoForecast(msg) from error
    try:
        content = json.loads(body)
        made_at = datetime.fromisoformat(content["made_at"])
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{key}: not a forecast with a time `made_at` in ISO 8601 ({error}); it was damaged or written by another program"
        raise IntegrityError(msg) from error
    return {**content, "age_seconds": age_seconds(made_at)}


def age_seconds(made_at: datetime) -> float:
    """Return how long ago a forecast was written; a time without a zone is UTC's."""
    return (utc_now() - (made_at if made_at.tzinfo else made_at.replace(tzinfo=UTC))).total_seconds()
