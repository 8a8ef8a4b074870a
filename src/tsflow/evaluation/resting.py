"""Which entrants rest: who has been surely worse than the challenger for weeks trains once a week, to show that it still is.

Most of a daily run's time goes to recipes that lose each day. A board says `worse` only where the difference is more than chance
for all its lines together, so that three weeks of it are no bad luck; and what has changed shows within the week.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tsflow.errors import IntegrityError, SettingsError
from tsflow.evaluation.boards import BOARDS, board_of
from tsflow.limits import RestSettings
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.store import Records

_LEAST_BOARDS = 3


def recent_boards(records: Records, station: str, task: str, rest: RestSettings, as_of: datetime) -> list[Leaderboard]:
    """Return the boards of the weeks that decide, the newest first; one that is damaged or gone says nothing."""
    since, found = as_of - timedelta(days=rest.watched_days), []
    for entry in BOARDS.newest(records, station, task, most=rest.watched_days + 1):
        if since <= entry.as_of <= as_of:
            try:
                found.append(board_of(records, entry.id))
            except (IntegrityError, SettingsError):
                continue
    return found


def resting(boards: Sequence[Leaderboard], names: Iterable[str], rest: RestSettings, as_of: datetime) -> dict[str, str]:
    """Return who rests on this day, with the reason that a board shows.

    Parameters
    ----------
    boards
        Those of `recent_boards`.
    names
        The entrants that may rest.
    """
    found: dict[str, str] = {}
    for name in names if rest.after_days is not None else ():
        lines = [
            (board.as_of, line.verdict) for board in boards for line in board.entrants if line.architecture == name and line.verdict
        ]
        if len(lines) < _LEAST_BOARDS or any(verdict != "worse" for _, verdict in lines):
            continue
        first, last = min(lines)[0], max(lines)[0]
        again = last + timedelta(days=rest.train_every_days)
        if last - first >= timedelta(days=rest.after_days or 0) and as_of < again:
            found[name] = (
                f"rests: surely worse than the challenger on each of {len(lines)} boards since {first:%Y-%m-%d}; "
                f"it is trained again on {again:%Y-%m-%d}, or by a run that does not ask for rest"
            )
    return found
