"""Finding leaderboards, and the candidates that they judged."""

from tsflow import notes
from tsflow.errors import NoChampion, SettingsError
from tsflow.records.candidate import StoredCandidate
from tsflow.records.files import RUN
from tsflow.records.index import Results
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.run import Run
from tsflow.records.store import Records

BOARDS = Results("board", Leaderboard, "run", notes.ranked, by_day=True)


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
    found = BOARDS.newest(records, station, task)
    if not found:
        of = f"station {station}" + (f", task {task}," if task else "")
        msg = f"{of} has no leaderboard yet; run `tsflow run --station {station}`"
        raise NoChampion(msg)
    return board_of(records, found[0].id)


def candidate_of(records: Records, board: Leaderboard, architecture: str) -> StoredCandidate:
    """Return the candidate that a line of a board is about; boards of commit 49384e5 name it by its run alone."""
    reference = board.entrant(architecture).candidate
    if reference is not None:
        return records.fetch(StoredCandidate, reference)
    return records.read(StoredCandidate, folder=RUN.key(run=board.run), architecture=architecture)
