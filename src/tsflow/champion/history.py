"""The history of a task's champion, which decides, and the pointer, which follows it.

An entry is written under the next number by If-None-Match, so that of any number of writers one gets it and there is no hole.
Only then does the pointer move, by If-Match and only to a higher number::

    entry 7 written | died here: the pointer says 6; whoever comes next moves it to 7
                    | pointer 7

A reader sees the champion of 6 or that of 7, whole; two who decide at once decide one after the other, the second knowing
what the first did.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from tsflow.bundle.manifest import FORMAT, Manifest, Pointer, dump, read_manifest, read_pointer
from tsflow.bundle.places import champions, pointer_key
from tsflow.bundle.signature import signed
from tsflow.champion.clock import utc_now
from tsflow.errors import IntegrityError, PointerConflict
from tsflow.names import MAIN, PRODUCTION, Stage
from tsflow.records.history import Entry, PointerFacts, State
from tsflow.records.record import Reference
from tsflow.records.store import Records
from tsflow.storage.objects import ObjectMissing

_ATTEMPTS = 100  # each lost race means that another entry was written


@dataclass(frozen=True)
class Standing:
    """What holds now: the newest entry, the champion's pointer, and its tag in the store."""

    last: Entry | None
    pointer: Pointer | None
    etag: str | None = None

    @property
    def state(self) -> State:
        """What the newest entry says."""
        return self.last.state if self.last else State()

    @property
    def next_number(self) -> int:
        """The number of the next entry."""
        return self.last.number + 1 if self.last else 1


class History:
    """Of one task of a station, in one stage."""

    def __init__(
        self,
        records: Records,
        station: str,
        task: str = MAIN,
        stage: Stage = PRODUCTION,
        *,
        private_key: bytes | None = None,  # signs pointers, in PEM
    ) -> None:
        self.records = records
        self._private_key = private_key
        self.station, self.task, self.stage = station, task, stage
        self.folder = champions(station, task, stage)

    def entries(self) -> Iterator[Entry]:
        """Read the entries, the newest first.

        Raises
        ------
        IntegrityError
            If one is damaged, missing, or belongs to another station.
        """
        numbers = self._numbers()
        for number in reversed(range(numbers[0], numbers[-1] + 1) if numbers else []):
            if number in numbers or self.entry(number + 1).kind != "adoption":  # before that others kept no history
                yield self.entry(number)

    def entry(self, number: int) -> Entry:
        """Return the entry of a number."""
        entry = self.records.find(Entry, folder=self.folder, number=number)
        key = Entry.TEMPLATE.key(folder=self.folder, number=number)
        if entry is None:
            msg = f"{key}: no such object; the history has a hole, an entry was deleted"
            raise IntegrityError(msg)
        if (entry.station, entry.task, entry.stage) != (self.station, self.task, self.stage):
            msg = f"{key} is an entry of station {entry.station}, task {entry.task}, {entry.stage}; it was copied there"
            raise IntegrityError(msg)
        return entry

    def standing(self) -> Standing:
        """Return what holds now, after the pointer was brought to where the history says it is.

        Raises
        ------
        IntegrityError
            If pointer or newest entry are damaged.
        """
        pointer, etag = self._pointer()
        last = self._last(pointer)
        if pointer is not None and pointer.sequence > (last.number if last else 0):
            self._adopt(pointer, last)
            last = self._last(pointer)
        if last is not None and last.state.champion is not None:
            return self._followed(last, last.state.champion)
        return Standing(last, pointer, etag)

    def as_it_lies(self) -> Standing:
        """Return what holds now for somebody who may only read: a pointer that lags behind the history is left there."""
        pointer, etag = self._pointer()
        return Standing(self._last(pointer), pointer, etag)

    def add(self, decide: Callable[[Standing], Entry]) -> Entry:
        """Write the entry that `decide` makes of what holds, and move the pointer if it says so; return it.

        `decide` is asked again if another entry came first; an entry that is there already it may return as it is.

        Raises
        ------
        PointerConflict
            If others kept writing entries.
        """
        for _ in range(_ATTEMPTS):
            standing = self.standing()
            entry = decide(standing)
            if standing.last is not None and entry.number <= standing.last.number:
                return entry
            entry = entry.changed(state=_after(entry, standing.state))
            if self.records.objects.put_new(entry.key(folder=self.folder), entry.body(), "application/json"):
                self.standing()
                return entry
        msg = (
            f"{self.records.objects.address(self.folder)}/history: {_ATTEMPTS} entries came first; others are promoting, try again"
        )
        raise PointerConflict(msg)

    def pointer_facts(self, version: str, manifest: Reference, at: datetime, number: int) -> PointerFacts:
        """Return the pointer that an entry of this number makes, signed where there is a key."""
        pointer = Pointer(FORMAT, self.station, version, manifest.key, manifest.sha256, at.isoformat(), number)
        if self._private_key is not None:
            pointer = signed(pointer, self._private_key)
        return PointerFacts(**asdict(pointer))

    def manifest(self, pointer: Pointer) -> Manifest:
        """Return the manifest that a pointer means; `IntegrityError` if its bytes are others."""
        return self.manifest_of(Reference(key=pointer.manifest_key, sha256=pointer.manifest_sha256))

    def manifest_of(self, reference: Reference) -> Manifest:
        """Return the manifest that an entry names; `IntegrityError` if its bytes are others."""
        return read_manifest(self.records.bytes_of(reference), reference.key)

    def _numbers(self, *, after: str = "") -> list[int]:
        keys = self.records.objects.keys(Entry.TEMPLATE.prefix(folder=self.folder), after=after)
        return [int(place["number"]) for key in keys if (place := Entry.TEMPLATE.values(key)) is not None]

    def _last(self, pointer: Pointer | None) -> Entry | None:
        """Return the newest entry; it is not before the pointer's, so that older ones need not even be listed."""
        begin = Entry.TEMPLATE.key(folder=self.folder, number=pointer.sequence - 1) if pointer else ""
        numbers = self._numbers(after=begin) or (self._numbers() if begin else [])
        return self.entry(numbers[-1]) if numbers else None

    def _pointer(self) -> tuple[Pointer | None, str | None]:
        key = pointer_key(self.station, self.task, self.stage)
        try:
            body, etag = self.records.objects.get_tagged(key)
        except ObjectMissing:
            return None, None
        pointer = read_pointer(body, key)
        if pointer.station != self.station:
            msg = f"{key}: station is {pointer.station!r}, expected {self.station!r}; it was copied there or forged"
            raise IntegrityError(msg)
        return pointer, etag

    def _followed(self, last: Entry, number: int) -> Standing:
        """Move the pointer up to the entry that made the champion, unless it is there or further."""
        made = last if last.number == number else self.entry(number)
        if made.pointer is None:
            msg = f"{made.key(folder=self.folder)}: the entry of the champion has no pointer; it was damaged"
            raise IntegrityError(msg)
        wanted = Pointer(**made.pointer.model_dump())
        while True:
            pointer, etag = self._pointer()
            if pointer is not None and pointer.sequence >= number:
                return Standing(last, pointer, etag)
            try:
                self.records.objects.swap(pointer_key(self.station, self.task, self.stage), dump(wanted), etag)
            except PointerConflict:
                continue

    def _adopt(self, pointer: Pointer, last: Entry | None) -> None:
        """Write down a champion that was published before there were histories."""
        manifest = self.manifest(pointer)
        entry = Entry(
            number=pointer.sequence,
            station=self.station,
            task=self.task,
            stage=self.stage,
            kind="adoption",
            at=utc_now(),
            actor="tsflow",
            reason="published by a tsflow that kept no history",
            version=pointer.version,
            architecture=manifest.architecture,
            manifest=Reference(key=pointer.manifest_key, sha256=pointer.manifest_sha256),
            run=manifest.run,
            pointer=PointerFacts(**asdict(pointer)),
        )
        entry = entry.changed(state=_after(entry, last.state if last else State()))
        self.records.objects.put_new(entry.key(folder=self.folder), entry.body(), "application/json")


def _after(entry: Entry, before: State) -> State:
    """Return what holds after an entry."""
    if entry.pointer is not None:
        return before.changed(champion=entry.number)
    if entry.kind == "pin":
        return before.changed(pinned=entry.number)
    if entry.kind == "unpin":
        return before.changed(pinned=None)
    if entry.kind == "refusal" and entry.run is None and entry.version:  # a person's: for good
        return before.changed(refused=[*(version for version in before.refused if version != entry.version), entry.version])
    return before
