"""Where a champion comes from: the pointer, asked by its ETag, the bundle behind it, and the cache for when the store is away."""

import logging
from dataclasses import dataclass

from tsflow.bundle.manifest import Pointer, read_pointer
from tsflow.bundle.places import pointer_key
from tsflow.bundle.reading import INTERVALS, MODEL, SCALED_INTERVALS, no_champion, read_bundle
from tsflow.bundle.signature import require_signature
from tsflow.client.cache import Cache, KeptPointer
from tsflow.client.model import Model
from tsflow.errors import IntegrityError, StorageUnavailable
from tsflow.names import PRODUCTION, Stage
from tsflow.storage.objects import ObjectMissing, ObjectStore
from tsflow.texts import without_passwords

log = logging.getLogger(__name__)

_WANTED = frozenset({MODEL, INTERVALS, SCALED_INTERVALS})  # of a bundle's files those that a forecast needs


@dataclass(frozen=True)
class Loaded:
    """A model, the ETag of the pointer to it, and why it is not the store's newest, if so."""

    model: Model
    etag: str
    problem: str | None = None


@dataclass(frozen=True)
class Source:
    """One champion of one store, and what is demanded of it."""

    objects: ObjectStore
    station: str
    task: str
    stage: Stage = PRODUCTION
    cache: Cache | None = None
    public_key_pem: bytes | None = None
    at_least: int | None = None

    @property
    def key(self) -> str:
        """The pointer's key."""
        return pointer_key(self.station, self.task, self.stage)

    def first(self) -> Loaded:
        """Return the champion, or the last good one of the cache if the store is away.

        Raises
        ------
        NoChampion, IntegrityError, StorageDenied, StorageUnavailable
            As `load_champion` says.
        """
        kept = self._kept()
        try:
            return self._accepted(*self._asked(), self._last(kept))
        except StorageUnavailable as error:
            if kept is None:
                raise
            model = self._model(kept, None)
            version = model.manifest.version
            return Loaded(model, kept.etag, f"{error}; version {version} is the last good one, from the cache")

    def newer(self, known: Loaded) -> Loaded | None:
        """Return the champion if the pointer changed since `known`, else None.

        Raises
        ------
        NoChampion, IntegrityError, StorageDenied, StorageUnavailable
            If there is none any more, what is there fails its checks, or the store does not answer.
        """
        kept, present = self._last(self._kept()), known.model.pointer  # before the store is asked: it can only be ahead of it
        last = kept if kept is not None and kept.sequence > present.sequence else present
        try:
            found = self.objects.get_if_changed(self.key, known.etag)
        except ObjectMissing as error:
            raise no_champion(self.objects, self.station, self.task, self.stage) from error
        return None if found is None else self._accepted(*found, last)

    def _kept(self) -> KeptPointer | None:
        """Return the cache's last good pointer, if this tsflow can read it."""
        kept = self.cache.pointer() if self.cache else None
        try:
            self._last(kept)
        except IntegrityError as error:
            log.warning("%s; the cache is not used", error)
            return None
        return kept

    def _last(self, kept: KeptPointer | None) -> Pointer | None:
        return None if kept is None else read_pointer(kept.body, self.key)

    def _asked(self) -> tuple[bytes, str]:
        try:
            return self.objects.get_tagged(self.key)
        except ObjectMissing as error:
            raise no_champion(self.objects, self.station, self.task, self.stage) from error

    def _accepted(self, body: bytes, etag: str, last: Pointer | None) -> Loaded:
        """Return the model that a pointer means, once all of it is verified; only then it is the cache's last good one."""
        kept = KeptPointer(body, etag)
        model = self._model(kept, last)
        if self.cache:
            named = model.manifest.files
            hashes = {model.pointer.manifest_sha256, *(named[name].sha256 for name in model.files)}
            self.cache.keep_pointer(kept, hashes)
        return Loaded(model, etag)

    def _model(self, kept: KeptPointer, last: Pointer | None) -> Model:
        pointer = read_pointer(kept.body, self.key)
        if self.public_key_pem is not None:
            require_signature(kept.body, pointer, self.public_key_pem, self.key)
        self._require_recent(pointer, last)
        bundle = read_bundle(self.objects, pointer, self.station, self.task, self.stage, wanted=_WANTED, shelf=self.cache)
        return Model(bundle)

    def _require_recent(self, pointer: Pointer, last: Pointer | None) -> None:
        """Refuse an old pointer that somebody put back: a champion that returns does so under a higher number."""
        if self.at_least is not None and pointer.sequence < self.at_least:
            msg = f"{self.key}: sequence {pointer.sequence}, expected at least {self.at_least}; it is an old pointer, publish again"
            raise IntegrityError(msg)
        if last is None or pointer.sequence > last.sequence or _same(pointer, last):
            return
        cached = f", or delete {self.cache.folder}" if self.cache else ""
        found = f"{self.key}: sequence {pointer.sequence} of version {pointer.version}"
        seen = f"{last.sequence} of {last.version} was seen before, expected a higher one"
        why = "an old pointer was put back, or the store was made anew"
        msg = f"{found}; {seen}; {why}: if that is meant, load the champion anew{cached}"
        raise IntegrityError(msg)


def _same(pointer: Pointer, last: Pointer) -> bool:
    return (pointer.sequence, pointer.version, pointer.manifest_sha256) == (last.sequence, last.version, last.manifest_sha256)


def address_of(objects: ObjectStore, station: str, task: str, stage: Stage = PRODUCTION) -> str:
    """Return what tells a champion from those of other stores, stations and tasks."""
    return f"{without_passwords(objects.endpoint_url or 'AWS')} {objects.address(pointer_key(station, task, stage))}"
