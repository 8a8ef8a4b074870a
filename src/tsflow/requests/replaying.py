"""What a past day's run is called, so that a replay that was stopped goes on where it was."""

from tsflow.records.names import run_key
from tsflow.requests.models import RetrainRequest
from tsflow.storage.codecs import digest, to_json


def replay_run(request: RetrainRequest) -> str:
    """Return the run's id: station, day, and a hash of all that was asked; the same request is the same run."""
    asked = request.model_dump(mode="json")
    return run_key(f"replay-{request.station}-{str(asked['as_of'])[:10]}-{digest(to_json(asked))[:8]}")
