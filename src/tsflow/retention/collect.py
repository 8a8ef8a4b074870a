"""Removing what is due: names first, then a second look, then what they named.

::

    look   what stays, what is due
           index entries and trainings go: nobody finds anew what goes with them
    look   again: whoever had found it before has named it by now, so that it stays
           everything else that is due goes
           observations: parts that lie in a bag since the grace period go, old parts are put into bags

Dying on the way, or two at once, does no harm: each look finds what is still due.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tsflow.errors import StorageUnavailable
from tsflow.observations import compaction
from tsflow.records.retention import Collected, Collection
from tsflow.records.store import Records
from tsflow.retention.due import Due, due
from tsflow.retention.kept import Kept, kept_of
from tsflow.retention.look import Look, look
from tsflow.settings import Settings
from tsflow.storage.objects import Stored

log = logging.getLogger(__name__)
_PACKED = "parts of a month that lie in a bag of its parts"


def collect(records: Records, settings: Settings, *, dry_run: bool = False) -> Collection:
    """Remove what nobody needs any more, or only say what would go; return what went, by kind.

    Raises
    ------
    ClockDisagreement
        If the store's clock and this machine's differ by more than `retention.clock_minutes`; nothing was removed.
    StorageUnavailable
        If the store did not answer; what was removed until then is gone, and the next look finds the rest.
    """
    seen = look(records.objects, settings.retention)
    long_ago = None if dry_run else _too_long_ago(records, seen)
    kept = kept_of(records, seen)
    if dry_run or long_ago:
        found = _told(seen, kept, due(records, seen, kept), _observations(records, seen, remove=False), removed=False)
        return found if dry_run else _written(records, found.changed(notes=[str(long_ago), *found.notes]))
    names = [one for one in due(records, seen, kept) if one.names]
    _remove(records, names)
    again = look(records.objects, settings.retention)
    kept = kept_of(records, again)
    going = due(records, again, kept)
    _remove(records, going)
    return _written(records, _told(again, kept, going, _observations(records, again, remove=True), removed=True, names=names))


def _too_long_ago(records: Records, seen: Look) -> str | None:
    last = records.newest(Collection)
    days = (seen.now - last.at) / timedelta(days=1) if last else 0.0
    if days <= seen.settings.absence_days:
        return None
    return (
        f"nothing was removed: by the store's clock the last look was {days:.0f} days ago, more than retention.absence_days "
        f"({seen.settings.absence_days:g}). If the clock is right, the next `tsflow gc` removes what is due"
    )


def _remove(records: Records, going: list[Due]) -> None:
    """Delete, of each kind the records before the files that they name."""
    for one in going:
        keys = sorted((item.key for item in one.objects), key=lambda key: (not key.endswith(".json"), key))
        records.objects.delete(keys)
        if keys:
            log.info("%s: removed %d objects, %s", one.kind, len(keys), one.why)


@dataclass(frozen=True)
class _Observations:
    """Parts of months that lie in a bag of them and may go, how many others were put into bags, and what kept some out."""

    needless: list[Stored]
    packed: int
    doubts: list[str]


def _observations(records: Records, seen: Look, *, remove: bool) -> _Observations:
    """Find the needless parts; remove them, and pack old ones, last of all: that takes room, which there is now."""
    months = list(compaction.months(records.objects))
    parts, doubts = compaction.needless(records.objects, months, seen.before())
    if not remove:
        return _Observations(parts, 0, doubts)
    records.objects.delete(one.key for one in parts)
    left = [month.without(parts) for month in months]
    try:
        packed, further = compaction.pack(records.objects, left, seen.before(seen.settings.parts_days))
    except StorageUnavailable as error:
        packed, further = 0, [f"observations were not packed: {error}"]
    return _Observations(parts, packed, [*doubts, *further])


def _told(
    seen: Look, kept: Kept, going: list[Due], observations: _Observations, *, removed: bool, names: Sequence[Due] = ()
) -> Collection:
    """Return what went, or would go, in figures."""
    first = {one.kind: one.told() for one in names}
    kinds = [_both(one.told(), first.get(one.kind)) for one in going]
    kinds.append(Due("observations", "parts_days", _PACKED, observations.needless).told())
    stay = sum(len(there) for there in seen.folders.values()) - sum(len(one.objects) for one in going)
    size = sum(one.size for there in seen.folders.values() for one in there) - sum(kind.size for kind in kinds[:-1])
    return Collection(
        created_at=datetime.now(UTC).replace(microsecond=0),
        at=seen.now,
        removed=removed,
        kinds=kinds,
        stay_objects=stay,
        stay_size=size,
        packed_parts=observations.packed,
        notes=[*_notes(kept), *observations.doubts],
    )


def _notes(kept: Kept) -> list[str]:
    stay = [
        f"runs, models, trainings and datasets stay for now, as something that may need them cannot be read: {one}"
        for one in kept.doubts
    ]
    return [*sorted(stay), *(f"datasets stay for now: {one} is being made" for one in kept.making)]


def _both(one: Collected, other: Collected | None) -> Collected:
    if other is None or not other.objects:
        return one
    oldest = min(filter(None, (one.oldest, other.oldest)))
    return one.changed(objects=one.objects + other.objects, size=one.size + other.size, oldest=oldest)


def _written(records: Records, found: Collection) -> Collection:
    """Write down what went; where there is no room even for that, it went all the same."""
    try:
        return records.fetch(Collection, records.append(found))
    except StorageUnavailable as error:
        return found.changed(notes=[*found.notes, f"that it went could not be written down: {error}"])
