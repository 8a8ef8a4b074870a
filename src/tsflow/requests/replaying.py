"""What a past day's run is called, so that a replay that was stopped goes on where it was."""

from datetime import datetime

from tsflow.architectures.registry import load_architecture
from tsflow.records.names import run_key
from tsflow.requests import resolve
from tsflow.requests.models import RetrainRequest
from tsflow.settings import Settings
from tsflow.storage.codecs import digest, to_json


def replay_run(request: RetrainRequest, settings: Settings, known_at: datetime | None) -> str:
    """Return the run's id: station, day, and a hash of all that decides it, so that a changed recipe or station makes another run.

    `known_at`: when the newest rows came in, which decides only where late rows count.
    """
    order = resolve(request, settings)
    decides = {
        "request": request.model_dump(mode="json", exclude={"rest"}),  # a replay never asks for it
        "known_at": str(known_at) if request.late_rows else None,
        "station": order.station.model_dump(mode="json"),
        "profile": settings.profiles.named(request.profile).model_dump(mode="json"),
        "split": settings.splits.named(request.split).model_dump(mode="json"),
        "hourly": settings.hourly.model_dump(mode="json"),
        "recipes": [load_architecture(name).identity() for name in order.entrants],
    }
    return run_key(f"replay-{order.station.station}-{order.as_of:%Y-%m-%d}-{digest(to_json(decides))[:8]}")
