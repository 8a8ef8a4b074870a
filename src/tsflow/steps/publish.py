"""Publish a board's challenger as champion: the last step of `retrain`."""

from dataclasses import asdict
from datetime import UTC, datetime

from tsflow.bundle.places import pointer_key
from tsflow.champion.bundle import write_bundle
from tsflow.champion.describe import describe
from tsflow.champion.pointer import pointer_to, promote
from tsflow.champion.refit import members_of, outgoing
from tsflow.champion.trial import require_working
from tsflow.evaluation.boards import candidate_of
from tsflow.model import Strict
from tsflow.records.candidate import StoredCandidate
from tsflow.records.files import REFITS
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.record import Reference
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.storage.codecs import to_json
from tsflow.training.storing import stored_forecasts
from tsflow.uncertainty.conformal import conformal
from tsflow.windows.dataset import Dataset


class Published(Strict):
    """Which model went out, and where its pointer lies."""

    station: str
    task: str
    architecture: str
    version: str
    sequence: int
    address: str


def publish(records: Records, settings: Settings, board: Reference) -> Published:
    """Publish a board's challenger, try it as a consumer will, and swap the pointer.

    The version follows from the leaderboard, so that publishing it twice gives one bundle.
    """
    ranked = records.fetch(Leaderboard, board)
    candidate = candidate_of(records, ranked, ranked.challenger)
    dataset = Dataset.load(records, ranked.fingerprint)
    model = outgoing(records, candidate, _refits(records, settings, ranked, candidate), dataset)
    found = conformal(stored_forecasts(records, candidate))
    manifest = describe(ranked, candidate, dataset, found, model.errors)
    files = {**model.files, "scaler.json": to_json(asdict(manifest.scaler))}
    if found.intervals is not None:
        files["intervals.json"] = to_json(found.intervals.to_dict())
    key, sha256 = write_bundle(records.objects, manifest, files)
    now = datetime.now(UTC).replace(microsecond=0)
    require_working(records.objects, pointer_to(manifest, key, sha256, now=now, sequence=0), dataset, ranked.task)
    pointer = promote(records.objects, manifest, key, sha256, now=now)
    return Published(
        station=ranked.station,
        task=ranked.task,
        architecture=candidate.architecture,
        version=pointer.version,
        sequence=pointer.sequence,
        address=records.objects.address(pointer_key(ranked.station, ranked.task)),
    )


def _refits(records: Records, settings: Settings, board: Leaderboard, candidate: StoredCandidate) -> dict[str, StoredCandidate]:
    if not settings.profiles.named(board.profile).refit:
        return {}
    folder = REFITS.key(run=board.run)
    return {name: records.read(StoredCandidate, folder=folder, architecture=name) for name in members_of(candidate)}
