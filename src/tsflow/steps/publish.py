"""Publish the model that the gate let through: the last step of `retrain`."""

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from tsflow.architectures.graphs import outputs
from tsflow.bundle.manifest import FORMAT, Manifest, Pointer
from tsflow.bundle.places import pointer_key
from tsflow.champion.bundle import write_bundle
from tsflow.champion.card import Further
from tsflow.champion.clock import utc_now
from tsflow.champion.describe import describe
from tsflow.champion.history import History, Standing
from tsflow.champion.refit import members_of, outgoing
from tsflow.champion.rules import Approval, person_rule, standing_rules
from tsflow.champion.trial import loaded, tried, unloadable
from tsflow.errors import IntegrityError
from tsflow.evaluation.boards import candidate_of
from tsflow.model import Strict
from tsflow.names import LOCAL, PRODUCTION, Stage
from tsflow.records.candidate import StoredCandidate
from tsflow.records.decision import Check, Decision
from tsflow.records.files import REFITS
from tsflow.records.history import Entry, Kind
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.record import Reference
from tsflow.records.run import PinnedProfile, Run
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.stations.described import described
from tsflow.stations.station import Station
from tsflow.storage.codecs import to_json
from tsflow.training.profile import profile_of
from tsflow.training.storing import quantile_columns, stored_forecasts
from tsflow.uncertainty.conformal import conformal, published_intervals, unseen
from tsflow.windows.dataset import Dataset


class Published(Strict):
    """What became of a board's model."""

    outcome: Literal["promoted", "refreshed", "refused"]
    reason: str
    station: str
    task: str
    stage: Stage
    architecture: str
    version: str
    sequence: int  # of the entry in the history
    address: str  # of the pointer


@dataclass(frozen=True)
class _Work:
    """What a bundle is made of."""

    records: Records
    settings: Settings
    board: Leaderboard
    decided: Decision

    @property
    def profile(self) -> PinnedProfile:
        """What the run's profile said when it began."""
        return profile_of(self.records.read(Run, run=self.board.run), self.settings)

    def refits(self, candidate: StoredCandidate) -> dict[str, StoredCandidate]:
        """Return the trainings on everything, by architecture; none where the gate refused, or the profile wants none."""
        if self.decided.verdict == "refusal" or not self.profile.refit:
            return {}
        folder = REFITS.key(run=self.board.run)
        return {name: self.records.read(StoredCandidate, folder=folder, architecture=name) for name in members_of(candidate)}


@dataclass(frozen=True)
class _Made:
    """A bundle that lies there whole, and how it did in its trial."""

    manifest: Manifest
    reference: Reference
    stage: Stage
    checks: list[Check]


def publish(
    records: Records,
    settings: Settings,
    decision: Reference,
    *,
    stage: Stage = PRODUCTION,
    actor: str = "tsflow",
    approval: Approval | None = None,
) -> Published:
    """Make the model that goes out a bundle, try it as a consumer will, write the outcome down, and move the pointer if all holds.

    What is refused is made a bundle too, so that a person may promote it; what became of a board is decided once. In the stage
    `local` the rules are told but do not bind: nobody reads it but who tries something out.
    """
    decided = records.fetch(Decision, decision)
    board = records.read(Leaderboard, run=decided.run, number=decided.number)
    station = described(records, board.station)
    history = History(records, board.station, board.task, stage, private_key=settings.signing.private_key())
    reference = records.reference(board)
    if (done := _written(history, board, reference)) is None:
        work = _Work(records, settings, board, decided)
        made = _bundle(work, station, stage)

        def entry(standing: Standing) -> Entry:
            if (there := _written(history, board, reference)) is not None:
                return there
            present = history.manifest(standing.pointer) if standing.pointer else None
            checks = [
                *decided.checks,
                *made.checks,
                *standing_rules(standing, decided, made.manifest, present),
                *person_rule(approval, needed=station.approval and stage == PRODUCTION),
            ]
            return _entry(history, standing, work, made, checks).changed(actor=actor, board=reference)

        done = history.add(entry)
    history.standing()  # whoever wrote the entry may have died before the pointer followed
    return _told(records, done)


def _written(history: History, board: Leaderboard, reference: Reference) -> Entry | None:
    """Return what the history says of a board already."""
    for entry in history.entries():
        if entry.board == reference:
            return entry
        if entry.at < board.created_at:
            return None
    return None


def _bundle(work: _Work, station: Station, stage: Stage) -> _Made:
    records, board = work.records, work.board
    candidate = candidate_of(records, board, work.decided.outgoing)
    dataset = Dataset.load(records, board.fingerprint)
    refits = work.refits(candidate)
    model = outgoing(records, candidate, refits, dataset)
    table = stored_forecasts(records, candidate)
    manifest = describe(
        board,
        candidate,
        dataset,
        intervals=conformal(table),
        model=model,
        decision=work.decided,
        station=station,
        leads=_leads(model.files["model.onnx"], list(table.columns)),
        quantiles=list(quantile_columns(unseen(table))),
    )
    files = {**model.files, "scaler.json": to_json(asdict(manifest.scaler))}
    files |= {name: to_json(intervals.to_dict()) for name, intervals in published_intervals(table).items()}
    origins = np.concatenate([dataset.origins("validation"), dataset.origins("test")])
    further = Further.of(table, dataset.values[origins, dataset.target_index], candidate.curve)
    key, sha256 = write_bundle(records.objects, manifest, files, stage, further)
    pointer = Pointer(FORMAT, board.station, manifest.version, key, sha256, utc_now().isoformat(), 0)
    compared = table[table["part"].isin(["validation", "test"])]["forecast"].to_numpy(dtype=np.float64) if refits else None
    try:
        checks = tried(loaded(records.objects, pointer, board.task, stage), dataset, station, work.settings.gate, compared)
    except IntegrityError as error:
        checks = [unloadable(error)]
    return _Made(manifest, Reference(key=key, sha256=sha256), stage, checks)


def _leads(onnx: bytes, columns: list[str]) -> list[int]:
    """Return the hours before the horizon that a model forecasts too, by what its candidate forecast."""
    hours = [int(name.removeprefix("lead_")) for name in columns if name.startswith("lead_")]
    return hours if hours and "leads" in outputs(onnx) else []


def _entry(history: History, standing: Standing, work: _Work, made: _Made, checks: list[Check]) -> Entry:
    decided, board = work.decided, work.board
    failed = [check for check in checks if not check.passed]
    told = {check.rule for check in decided.checks if not check.passed} if decided.verdict != "refusal" else set()
    binding = [check for check in failed if check.rule not in told]  # what kept a challenger from a change lets a refresh out
    if made.stage == LOCAL:
        binding = [check for check in binding if check in made.checks]
    kind: Kind = "refusal" if binding else "refresh" if decided.verdict == "refresh" else "promotion"
    now, manifest, number = utc_now(), made.manifest, standing.next_number
    pointer = None if kind == "refusal" else history.pointer_facts(manifest.version, made.reference, now, number)
    reason = "; ".join(check.found for check in binding) or decided.reason
    if made.stage == LOCAL and failed and not binding:
        reason = f"a try; the gate: {reason}"
    return Entry(
        number=number,
        station=board.station,
        task=board.task,
        stage=made.stage,
        kind=kind,
        at=now,
        actor="",
        reason=reason,
        version=manifest.version,
        architecture=manifest.architecture,
        manifest=made.reference,
        run=board.run,
        as_of=board.as_of,
        val_mae=manifest.metrics.val_mae,
        test_mae=manifest.metrics.test_mae,
        naive_test_mae=board.naive.get("test"),
        checks=checks,
        pointer=pointer,
    )


def _told(records: Records, entry: Entry) -> Published:
    outcome: Literal["promoted", "refreshed", "refused"] = (
        "refused" if entry.pointer is None else "refreshed" if entry.kind == "refresh" else "promoted"
    )
    return Published(
        outcome=outcome,
        reason=entry.reason,
        station=entry.station,
        task=entry.task,
        stage=entry.stage,
        architecture=str(entry.architecture),
        version=str(entry.version),
        sequence=entry.number,
        address=records.objects.address(pointer_key(entry.station, entry.task, entry.stage)),
    )
