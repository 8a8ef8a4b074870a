"""One look at the store: every object that has an age, by folder, and the moment by the store's own clock."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from tsflow.champion.clock import utc_now
from tsflow.errors import ClockDisagreement
from tsflow.limits import RetentionSettings
from tsflow.records.index import Listed
from tsflow.storage.objects import ObjectStore, Stored

# What retention knows; all else in the bucket is left alone. Observations are packed, not removed.
FOLDERS = (
    *("backtests", "champions", "datasets", "forecasts", "index", "ingests", "local", "monitor", "quarantine", "retention"),
    *("runs", "scores", "stations", "trainings", "tunings"),
)
_AT_ONCE = 8  # requests


@dataclass(frozen=True)
class Look:
    """What there was, when, and by which settings it is judged."""

    now: datetime
    settings: RetentionSettings
    folders: dict[str, list[Stored]]

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of all objects."""
        return frozenset(one.key for there in self.folders.values() for one in there)

    @cached_property
    def _groups(self) -> dict[str, dict[str, list[Stored]]]:
        found: dict[str, dict[str, list[Stored]]] = {folder: {} for folder in self.folders}
        for folder, there in self.folders.items():
            for one in there:
                found[folder].setdefault(one.key.split("/")[1], []).append(one)
        return found

    def groups(self, folder: str) -> dict[str, list[Stored]]:
        """Return the objects of each thing in a folder, such as of each run, by its id."""
        return self._groups[folder]

    def older(self, there: Iterable[Stored], days: float = 0.0) -> bool:
        """Say whether all of some objects were written before so many days, and before the grace period."""
        newest = max((one.modified for one in there), default=self.now)
        return newest < self.before(days)

    def before(self, days: float = 0.0) -> datetime:
        """Return the moment before which things are so many days old, and out of the grace period."""
        return self.now - max(timedelta(days=days), timedelta(hours=self.settings.grace_hours))

    @cached_property
    def newest(self) -> frozenset[tuple[str, str]]:
        """Kind and id of the newest boards, backtests and tunings of each task, which stay however old they are."""
        ids: dict[tuple[str, str, str], list[str]] = {}
        for one in self.folders["index"]:
            if (place := Listed.TEMPLATE.values(one.key)) is not None:  # keys run backwards: the newest come first
                ids.setdefault((str(place["of"]), str(place["station"]), str(place["task"])), []).append(str(place["id"]))
        return frozenset((of, one) for (of, *_), all_ in ids.items() for one in list(dict.fromkeys(all_))[: self.settings.runs])


def look(objects: ObjectStore, settings: RetentionSettings) -> Look:
    """Look at the store.

    Raises
    ------
    ClockDisagreement
        If the store's clock and that of this machine differ: ages would mean nothing.
    """
    now, here = objects.now(), utc_now()
    if abs(now - here) > timedelta(minutes=settings.clock_minutes):
        msg = (
            f"the object store's clock says {now:%Y-%m-%d %H:%M:%S} UTC, this machine's {here:%Y-%m-%d %H:%M:%S}; nothing was "
            f"removed, since ages would be wrong. Set the clock that is wrong (retention.clock_minutes allows "
            f"{settings.clock_minutes:g} minutes)"
        )
        raise ClockDisagreement(msg)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        listed: Sequence[list[Stored]] = list(pool.map(lambda folder: _listed(objects, folder), FOLDERS))
    return Look(now, settings, dict(zip(FOLDERS, listed, strict=True)))


def _listed(objects: ObjectStore, folder: str) -> list[Stored]:
    """Return the objects of a folder, without what somebody else put beside the things in it."""
    parts = 2 if folder in {"trainings", "retention"} else 3
    return [one for one in objects.listed(f"{folder}/") if one.key.count("/") >= parts - 1]
