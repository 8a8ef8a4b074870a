"""What was made for a task of a station, newest first: found with two requests, however much there is.

A store lists keys in rising order and from the start only, so the time in a key runs backwards::

    index/board/jena/main/79738873-8227539399/scheduled__2026-11-26.json    as of 2026-11-26
    index/board/jena/main/79738874-8227625799/scheduled__2026-11-25.json    as of 2026-11-25

Newest is the last one of the latest day of an as-of: a past day that was replayed since does not hide today's.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ClassVar, Generic, Literal, TypeVar

from tsflow.errors import IntegrityError
from tsflow.records.backtest import Backtest
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.record import Record
from tsflow.records.store import Records
from tsflow.records.template import Template, Value
from tsflow.records.tuning import Tuning

log = logging.getLogger(__name__)
R = TypeVar("R", Leaderboard, Backtest, Tuning)
Kind = Literal["board", "backtest", "tuning", "ingest"]
Older = Callable[[], Iterable["Listed"]]
_AT_ONCE = 8  # requests
_LAST_DAY, _LAST_SECOND = 99999999, 9999999999


def turn(as_of: datetime, created_at: datetime) -> str:
    """Return what stands for two moments in a key, so that later ones sort first."""
    return f"{_LAST_DAY - int(f'{as_of:%Y%m%d}'):08d}-{_LAST_SECOND - int(created_at.timestamp()):010d}"


class Listed(Record):
    """One entry: what was made, and its result in a sentence."""

    TEMPLATE: ClassVar[Template] = Template("index/{of}/{station}/{task}/{turn}/{id}.json")

    of: Kind
    station: str
    task: str  # of an ingest, which serves every task: all
    turn: str
    id: str
    number: int = 0  # of a board or a summary
    as_of: datetime
    created_at: datetime
    profile: str = ""
    good: bool = True  # False: it came to nothing, such as a batch that was refused
    result: str  # in a sentence


class Begun(Record):
    """That the index of a kind is whole: what was there before it was begun is in it, too."""

    TEMPLATE: ClassVar[Template] = Template("index/{of}/begun.json")

    of: Kind


def enter(records: Records, entry: Listed, older: Older) -> None:
    """Write an entry; the first one of its kind enters what was made by a tsflow without an index before."""
    if records.find(Begun, of=entry.of) is None:
        for one in older():
            records.first(one)
        records.first(Begun(of=entry.of))
    records.first(entry)


def newest(records: Records, of: Kind, station: str, older: Older, *, task: str | None = None, most: int = 1) -> list[Listed]:
    """Return the newest entries of a station, or of one of its tasks, the newest first; each id once.

    `older` says what there is where no index was begun yet, as it is for `enter`.
    """
    if records.find(Begun, of=of) is None:
        entries = [one for one in older() if one.station == station and task in {None, one.task}]
    else:
        tasks = [task] if task else records.objects.folders(f"index/{of}/{station}/")
        entries = [entry for each in tasks for entry in _of_task(records, most, of=of, station=station, task=each)]
    return _each_once(entries)[:most]


def _of_task(records: Records, most: int, **place: Value) -> list[Listed]:
    """Return the newest entries of so many ids; one that was entered again counts once."""
    asked = most
    while True:
        places = _places(records, asked, **place)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            entries = _each_once(pool.map(lambda place: records.read(Listed, **place), places))
        if len(entries) >= most or len(places) < asked:
            return entries
        asked *= 2


def _each_once(entries: Iterable[Listed]) -> list[Listed]:
    latest: dict[str, Listed] = {}
    for entry in sorted(entries, key=lambda entry: (entry.turn, entry.id)):
        latest.setdefault(entry.id, entry)
    return list(latest.values())


def _places(records: Records, most: int, **place: Value) -> list[dict[str, Value]]:
    keys = records.objects.keys(Listed.TEMPLATE.prefix(**place), most=most)
    return [values for key in keys if (values := Listed.TEMPLATE.values(key)) is not None]


@dataclass(frozen=True)
class Results(Generic[R]):
    """The results of one kind of run; `says` gives the sentence of one."""

    of: Kind
    kind: type[R]
    run: str  # what its key calls the run that it is of, which may have several, the last one counting
    says: Callable[[R], str]
    by_day: bool = False  # of its as-of: what is replayed for a past day does not come before today's

    def enter(self, records: Records, made: R) -> None:
        """Enter a result."""
        enter(records, self._entry(made), partial(self._before, records))

    def newest(self, records: Records, station: str, task: str | None = None, *, most: int = 1) -> list[Listed]:
        """Return the newest entries of a station, or of one of its tasks, the newest first."""
        return newest(records, self.of, station, partial(self._before, records), task=task, most=most)

    def _before(self, records: Records) -> Iterator[Listed]:
        """Yield what there is of a tsflow that kept no index; a damaged one keeps no new one from being entered."""
        for run in dict.fromkeys(str(place[self.run]) for place in records.listed(self.kind)):
            try:
                made = records.newest(self.kind, **{self.run: run})
            except IntegrityError as damage:
                log.warning("left out of the index: %s", damage)
            else:
                if made is not None:
                    yield self._entry(made)

    def _entry(self, made: R) -> Listed:
        return Listed(
            of=self.of,
            station=made.station,
            task=made.task,
            turn=turn(made.as_of if self.by_day else made.created_at, made.created_at),
            id=getattr(made, self.run),
            number=made.number,
            as_of=made.as_of,
            created_at=made.created_at,
            profile=made.profile,
            result=self.says(made),
        )
