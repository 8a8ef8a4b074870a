"""Old parts of a month go into a bag, so that a record of any length has few objects; what was known when stays as it is.

::

    Monday's look    part part part part ...        the old ones are copied into a bag
    until the next   bag  part part part part ...   a reader that has listed the parts still finds them
    next look        bag  part ...                  the parts that lie in a bag, and bags that lie in a larger one, go

Two who do this at once make the same bag, or two of which one holds the other; a reader takes each part once.
"""

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from tsflow.errors import IntegrityError
from tsflow.observations.parts import contents, is_bag, packed, read_parts
from tsflow.records.files import MONTH, OBSERVATIONS
from tsflow.storage.objects import ObjectStore, Stored

_FEWEST = 8  # parts that are worth a bag
_AT_ONCE = 4  # months; each is wholly in memory


@dataclass(frozen=True)
class Month:
    """What there is of a month of a station."""

    prefix: str
    objects: list[Stored]

    def without(self, gone: Collection[Stored]) -> "Month":
        """Return what is left without some objects."""
        return Month(self.prefix, [one for one in self.objects if one not in gone])

    def to_pack(self, before: datetime) -> list[str]:
        """Return the keys of a new bag's parts: those that lie alone and are older, and the bags there are; none if too few."""
        alone = [one.key for one in self.objects if not is_bag(one.key) and one.modified < before]
        return [*alone, *(one.key for one in self.objects if is_bag(one.key))] if len(alone) >= _FEWEST else []


def months(objects: ObjectStore) -> Iterator[Month]:
    """Yield the months of all stations of which there is more than one object."""
    found: dict[str, list[Stored]] = {}
    for one in objects.listed("observations/"):
        if (place := OBSERVATIONS.values(one.key)) is not None:
            found.setdefault(MONTH.key(**{name: value for name, value in place.items() if name != "part"}), []).append(one)
    return (Month(prefix, there) for prefix, there in found.items() if len(there) > 1)


def needless(objects: ObjectStore, there: Iterable[Month], before: datetime) -> tuple[list[Stored], list[str]]:
    """Return the objects whose parts all lie in a bag that was written before a moment, and what kept a month from being judged."""
    found, doubts = [], []
    for month in there:
        bags = [one for one in month.objects if is_bag(one.key)]
        if not any(bag.modified < before for bag in bags):
            continue
        try:
            inside = contents(objects, [one.key for one in month.objects])
        except IntegrityError as damage:
            doubts.append(str(damage))
            continue
        settled = [inside[bag.key] for bag in bags if bag.modified < before]
        found += [one for one in month.objects if any(_is_in(inside[one.key], bag, one.key) for bag in settled)]
    return found, doubts


def _is_in(parts: frozenset[str], bag: frozenset[str], key: str) -> bool:
    """Say whether parts lie in another object; of two bags with the same parts neither is in the other."""
    return parts < bag or (not is_bag(key) and parts <= bag)


def pack(objects: ObjectStore, there: Iterable[Month], before: datetime) -> tuple[int, list[str]]:
    """Put the parts that were written before a moment into bags; return how many went in, and what kept others out."""

    def of_month(month: Month) -> int | str:
        keys = month.to_pack(before)
        if not keys:
            return 0
        try:
            name, body = packed(read_parts(objects, keys))
            objects.put_same(f"{month.prefix}{name}", body)
        except IntegrityError as damage:
            return str(damage)
        return len(keys)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        done = list(pool.map(of_month, there))
    return sum(one for one in done if isinstance(one, int)), [one for one in done if isinstance(one, str)]
