"""Rank a run's entrants: judge every candidate by its forecasts, now."""

from collections.abc import Iterable
from datetime import UTC, datetime

from tsflow.architectures.pinned import pinned, readable_recipes
from tsflow.errors import IntegrityError
from tsflow.evaluation.boards import BOARDS
from tsflow.evaluation.hours_told import told_of
from tsflow.evaluation.leaderboard import judge, table
from tsflow.evaluation.scores import Judged, naive_errors
from tsflow.evaluation.screening_told import screening_told
from tsflow.evaluation.tuned import tuned_over
from tsflow.records.candidate import LEFT_NOTHING, Failure, StoredCandidate
from tsflow.records.dataset import Parts
from tsflow.records.files import BOARD_FILE, RUN
from tsflow.records.leaderboard import Entrant, Leaderboard
from tsflow.records.record import Reference
from tsflow.records.retention import why_gone
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.records.template import Value
from tsflow.storage.codecs import to_parquet
from tsflow.training.storing import stored_forecasts
from tsflow.windows.dataset import Dataset


def rank_entrants(records: Records, run: str) -> Reference:
    """Write the run's leaderboard as a record and as Parquet; return a reference to it.

    Ranking again after a failed entrant was trained after all, or after a metric was changed, writes a further leaderboard.
    """
    planned = records.read(Run, run=run)
    _require_models(records, run)
    dataset = Dataset.load(records, planned.fingerprint)
    judged, failures = _results(records, planned)
    entrants = [*judge(run, dataset, judged, failures), *_rested(planned)]
    parts = dataset.parts()
    board = Leaderboard(
        run=run,
        station=planned.station,
        task=planned.task,
        split=planned.split,
        profile=planned.profile,
        seed=planned.seed,
        fingerprint=planned.fingerprint,
        as_of=planned.as_of,
        first_versions=planned.first_versions,
        created_at=datetime.now(UTC).replace(microsecond=0),
        context_hours=dataset.task.context_hours,
        horizon_hours=dataset.task.horizon_hours,
        target=dataset.target,
        unit=dataset.units[dataset.target],
        parts=parts,
        naive=naive_errors(dataset),
        challenger=entrants[0].architecture,
        entrants=entrants,
        warnings=[
            *told_of(dataset.report),
            *screening_told(dataset.screened, dataset.units[dataset.target], readable_recipes(planned, judged)),
            *_tuned_told(planned, parts, judged),
        ],
    )
    reference = records.append(board)
    written = records.fetch(Leaderboard, reference)
    place: dict[str, Value] = {"run": run, "number": written.number}
    records.page(BOARD_FILE, to_parquet(table(written)), "application/vnd.apache.parquet", **place, kind="parquet")
    BOARDS.enter(records, written)
    return reference


def _tuned_told(run: Run, parts: Parts, names: Iterable[str]) -> list[str]:
    """Return a sentence for each entrant whose settings were chosen on hours that it is judged by here."""
    return [
        f"{name} was tuned on {tuned_on.first:%Y-%m-%d} to {tuned_on.last:%Y-%m-%d}, which the {part} part here overlaps: "
        f"its {part} error flatters."
        for name in names
        for part, tuned_on in tuned_over(run, parts, name)
    ]


def _rested(run: Run) -> list[Entrant]:
    return [
        Entrant(architecture=name, title=pinned(run, name).title, status="rested", reason=reason)
        for name, reason in sorted(run.rested.items())
    ]


def _require_models(records: Records, run: str) -> None:
    """Refuse to rank a run anew of which models were removed: they would stand on the board as failed."""
    before = records.newest(Leaderboard, run=run)
    for entrant in before.entrants if before else []:
        if entrant.candidate is not None:
            files = records.fetch(StoredCandidate, entrant.candidate).files.values()
            if gone := [file.key for file in files if not records.objects.keys(file.key, most=1)]:
                msg = f"run {run} has a board and cannot be ranked anew: {gone[0]} is not there any more; {why_gone(gone[0])}"
                raise IntegrityError(msg)


def _results(records: Records, run: Run) -> tuple[dict[str, Judged], dict[str, tuple[str, Failure]]]:
    """Return the candidates with their forecasts, and of every other entrant its title and why it has none.

    A candidate that was damaged or deleted is one entrant's failure, not the board's.
    """
    judged, failures = {}, {}
    for name in run.entrants:
        try:
            found: Judged | Failure = _result(records, RUN.key(run=run.run), name)
        except IntegrityError as damage:
            found = Failure.of(damage)
        if isinstance(found, Judged):
            judged[name] = found
        else:
            failures[name] = pinned(run, name).title, found
    return judged, failures


def _result(records: Records, folder: str, architecture: str) -> Judged | Failure:
    found = records.find_referred(StoredCandidate, folder=folder, architecture=architecture)
    if found is None:
        return records.newest(Failure, folder=folder, architecture=architecture) or LEFT_NOTHING
    candidate, reference = found
    return Judged(candidate, reference, stored_forecasts(records, candidate))
