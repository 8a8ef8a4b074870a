"""Finding leaderboards, and the candidates that they judged."""

from collections.abc import Iterator
from functools import partial

from tsflow.errors import NoChampion, SettingsError
from tsflow.records.candidate import StoredCandidate
from tsflow.records.files import RUN
from tsflow.records.index import Listed, enter, newest, turn
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.run import Run
from tsflow.records.store import Records


def board_of(records: Records, run: str) -> Leaderboard:
    """Return a run's newest leaderboard; `SettingsError` if it has none."""
    if (board := records.newest(Leaderboard, run=run)) is not None:
        return board
    records.read(Run, run=run)
    msg = f"run {run!r} has no leaderboard; if it is still training, wait for its end (the Airflow UI shows it)"
    raise SettingsError(msg)


def newest_board(records: Records, station: str, task: str | None = None) -> Leaderboard:
    """Return the newest leaderboard of a station, or of one of its tasks; `NoChampion` if there is none.

    Newest is the last one of the latest day of an as-of: a past day that was replayed since does not hide today's.
    """
    found = newest_boards(records, station, task)
    if not found:
        of = f"station {station}" + (f", task {task}," if task else "")
        msg = f"{of} has no leaderboard yet; run `tsflow run --station {station}`"
        raise NoChampion(msg)
    return board_of(records, found[0].id)


def newest_boards(records: Records, station: str, task: str | None = None, *, most: int = 1) -> list[Listed]:
    """Return what stands in the index of the newest leaderboards, the newest first."""
    return newest(records, "board", station, partial(_boards_before, records), task=task, most=most)


def enter_board(records: Records, board: Leaderboard) -> None:
    """Enter a leaderboard into the index."""
    enter(records, _listed(board), partial(_boards_before, records))


def _listed(board: Leaderboard) -> Listed:
    ranked, leader = [line for line in board.entrants if line.status == "ok"], board.entrant(board.challenger)
    naive = board.naive.get("validation")
    error = f", MAE {leader.val_mae:.3f} {board.unit} on validation" if leader.val_mae is not None else ""
    beside = f" (naive {naive:.3f})" if naive is not None else ""
    return Listed(
        of="board",
        station=board.station,
        task=board.task,
        turn=turn(board.as_of, board.created_at),
        id=board.run,
        number=board.number,
        as_of=board.as_of,
        created_at=board.created_at,
        profile=board.profile,
        result=f"{board.challenger} leads{error}{beside}; {len(ranked)} of {len(board.entrants)} entrants have a result",
    )


def _boards_before(records: Records) -> Iterator[Listed]:
    """Yield what there is of a tsflow that kept no index."""
    for run in dict.fromkeys(str(place["run"]) for place in records.listed(Leaderboard)):
        yield _listed(board_of(records, run))


def candidate_of(records: Records, board: Leaderboard, architecture: str) -> StoredCandidate:
    """Return the candidate that a line of a board is about; boards of commit 49384e5 name it by its run alone."""
    reference = board.entrant(architecture).candidate
    if reference is not None:
        return records.fetch(StoredCandidate, reference)
    return records.read(StoredCandidate, folder=RUN.key(run=board.run), architecture=architecture)
