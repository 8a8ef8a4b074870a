"""Which entrants rest: who has been surely worse than the challenger for weeks trains once a week, to show that it still is.

Most of a daily run's time goes to recipes that lose each day. A board says `worse` only where the difference is more than chance
for all its lines together, so that three weeks of it are no bad luck; and what has changed shows within the week.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tsflow.architectures.pinned import readable_recipes
from tsflow.architectures.registry import Architecture
from tsflow.errors import IntegrityError, SettingsError
from tsflow.evaluation.boards import BOARDS, board_of
from tsflow.limits import RestSettings
from tsflow.records.index import Listed
from tsflow.records.run import Run
from tsflow.records.store import Records

_LEAST_BOARDS = 3


@dataclass(frozen=True)
class Judgement:
    """What a board said of an entrant, as the entrant was then."""

    as_of: datetime
    architecture: str
    verdict: str
    recipe: dict[str, object]  # its identity


def judgements(
    records: Records, station: str, task: str, rest: RestSettings, as_of: datetime, *, profile: str, split: str
) -> list[Judgement]:
    """Return what the boards of the weeks that decide said, of runs of the same profile and split.

    A damaged board says nothing, and neither does any of a recipe that this tsflow cannot read any more.
    """
    since, most, entries = as_of - timedelta(days=rest.watched_days), rest.watched_days + 1, list[Listed]()
    while len(entries) < most and (not entries or entries[-1].as_of >= since):  # there may be several boards a day
        entries, asked = BOARDS.newest(records, station, task, most=most), most
        most *= 2
        if len(entries) < asked:
            break
    found = []
    for entry in entries:
        if since <= entry.as_of <= as_of and entry.profile == profile:
            try:
                found += _said(records, entry.id, split)
            except (IntegrityError, SettingsError):  # damaged, or gone
                continue
    return found


def _said(records: Records, run: str, split: str) -> list[Judgement]:
    board, pinned = board_of(records, run), records.read(Run, run=run)
    recipes = readable_recipes(pinned, [line.architecture for line in board.entrants])
    return [
        Judgement(board.as_of, line.architecture, line.verdict, recipes[line.architecture].identity())
        for line in board.entrants
        if board.split == split and line.verdict and line.architecture in recipes
    ]


def resting(said: Iterable[Judgement], recipes: Mapping[str, Architecture], rest: RestSettings, as_of: datetime) -> dict[str, str]:
    """Return who rests on this day, with the reason that a board shows.

    Parameters
    ----------
    said
        Those of `judgements`; of a recipe that was edited since, only what was said afterwards counts.
    recipes
        The entrants that may rest, as they are now.
    """
    found: dict[str, str] = {}
    known = list(said)
    for name, recipe in recipes.items() if rest.after_days is not None else ():
        identity = recipe.identity()
        lines = [(each.as_of, each.verdict) for each in known if each.architecture == name and each.recipe == identity]
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
