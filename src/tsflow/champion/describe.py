"""The manifest of a model that is to be published, from its board, its candidate and its dataset."""

from dataclasses import asdict

import numpy as np

from tsflow.bundle.calendar import RANGES
from tsflow.bundle.manifest import (
    FORMAT,
    Band,
    Column,
    Gate,
    Hours,
    Manifest,
    Metrics,
    PartFacts,
    Rule,
    Scaler,
    Split,
    Target,
)
from tsflow.champion.refit import Outgoing
from tsflow.observations.combining import hourly_range
from tsflow.records.candidate import StoredCandidate
from tsflow.records.dataset import PARTS
from tsflow.records.dataset import PartFacts as StoredPartFacts
from tsflow.records.decision import Decision
from tsflow.records.leaderboard import Entrant, Leaderboard
from tsflow.stations.station import Station
from tsflow.storage.codecs import digest
from tsflow.uncertainty.conformal import Conformal
from tsflow.windows.dataset import Dataset

_OWN = {"weights", "intervals", "crps", "naive", "refit", "fit", "gate"}
_SHARED = Metrics.__dataclass_fields__.keys() - _OWN  # with the board's line


def describe(
    board: Leaderboard,
    candidate: StoredCandidate,
    dataset: Dataset,
    *,
    intervals: Conformal,
    model: Outgoing,
    decision: Decision,
    station: Station,
    leads: list[int],
    quantiles: list[float],
) -> Manifest:
    """Return the manifest, without its files. The version follows from board and candidate: publishing twice gives one bundle."""
    identity = board.body() + candidate.architecture.encode() + model.fit.last.encode()
    return Manifest(
        format=FORMAT,
        station=board.station,
        version=f"{board.created_at:%Y%m%dT%H%M%S}-{digest(identity)[:8]}",
        run=board.run,
        architecture=candidate.architecture,
        title=candidate.title,
        settings=candidate.settings,
        features=[Column(name, unit, _range(name, station)) for name, unit in dataset.columns.items()],
        target=Target(dataset.target, board.unit, board.task, leads, quantiles),
        context_hours=dataset.task.context_hours,
        horizon_hours=dataset.task.horizon_hours,
        hourly=_hours(dataset, station, first_versions=board.first_versions),
        scaler=Scaler(dataset.scaler.mean.tolist(), dataset.scaler.deviation.tolist()),
        split=Split(board.split, {part: _part(board.parts.of(part)) for part in PARTS}),
        fingerprint=board.fingerprint,
        as_of=board.as_of.isoformat(),
        created_at=board.created_at.isoformat(),
        seed=board.seed,
        metrics=_metrics(board, board.entrant(candidate.architecture), intervals, model, decision),
        libraries=candidate.libraries,
        git_commit=candidate.git_commit,
        files={},
    )


def _range(column: str, station: Station) -> tuple[float, float] | None:
    if column in station.variables:
        return hourly_range(station, column)
    return RANGES.get(column)


def _hours(dataset: Dataset, station: Station, *, first_versions: bool) -> Hours:
    minutes = np.unique(dataset.times.astype("datetime64[m]").astype(np.int64) % 60)
    return Hours(
        **dataset.hourly.model_dump(mode="json", exclude={"side_missing_share"}),
        utc_offset_hours=station.timestamp.utc_offset_hours,
        missing=list(station.missing),
        minute=int(minutes[0]) if len(minutes) == 1 else None,
        first_versions=first_versions,
    )


def _part(facts: StoredPartFacts) -> PartFacts:
    first, last = (None if edge is None else str(edge) for edge in (facts.first, facts.last))
    return PartFacts(facts.rows, facts.windows, first, last)


def _metrics(board: Leaderboard, line: Entrant, conformal: Conformal, model: Outgoing, decision: Decision) -> Metrics:
    return Metrics(
        **{name: getattr(line, name) for name in _SHARED},
        weights=line.weights,
        intervals=[Band(**asdict(score)) for score in conformal.scores],
        crps=conformal.crps,
        naive=board.naive,
        refit=model.errors,
        fit=model.fit,
        gate=Gate(decision.verdict, decision.reason, [Rule(check.rule, check.passed, check.found) for check in decision.checks]),
    )
