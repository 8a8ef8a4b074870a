"""From a station's name to its champion: the store, the pointer, the files that are needed, the cache."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tsflow.bundle.manifest import BundleFile, Pointer, read_pointer
from tsflow.bundle.places import pointer_key
from tsflow.bundle.reading import NEEDED, Bundle, no_champion, read_bundle
from tsflow.bundle.signature import verify
from tsflow.client.cache import Cache, default_folder
from tsflow.client.champion import STALE_AFTER, Champion
from tsflow.errors import IntegrityError, NoForecast, SettingsError, StorageUnavailable
from tsflow.names import MAIN, PRODUCTION, Stage
from tsflow.storage.objects import ObjectMissing, ObjectStore

_DEFAULT = Path()  # stands for the default folder


def store_from_environment() -> ObjectStore:
    """Open the store that `TSFLOW_OBJECT_STORE__*` variables name.

    Raises
    ------
    SettingsError
        If neither an address nor a bucket is named: no bucket of the wide world is taken for one's own.
    """

    def value(name: str) -> str | None:
        return os.environ.get(f"TSFLOW_OBJECT_STORE__{name}") or None

    if not (value("ENDPOINT_URL") or value("BUCKET")):
        msg = (
            "no object store is named: set TSFLOW_OBJECT_STORE__ENDPOINT_URL (and __BUCKET, __ACCESS_KEY_ID, "
            "__SECRET_ACCESS_KEY), or on AWS TSFLOW_OBJECT_STORE__BUCKET"
        )
        raise SettingsError(msg)
    return ObjectStore(
        bucket=value("BUCKET") or "tsflow",
        endpoint_url=value("ENDPOINT_URL"),
        access_key_id=value("ACCESS_KEY_ID"),
        secret_access_key=value("SECRET_ACCESS_KEY"),
        region=value("REGION") or "us-east-1",
    )


def load_champion(
    station: str,
    objects: ObjectStore | None = None,
    *,
    task: str = MAIN,
    stage: Stage = PRODUCTION,
    cache: Path | None = _DEFAULT,
    at_least: int = 0,
    public_key: bytes | Path | None = None,
    stale_after: timedelta = STALE_AFTER,
) -> Champion:
    """Load a station's champion and verify it from the pointer to the last byte that is used.

    Parameters
    ----------
    station
        The station's name.
    objects
        The object store; by default the one that `TSFLOW_OBJECT_STORE__*` name.
    task
        Which of the station's tasks, by its name in the station file.
    stage
        `production`, or `local`: what `tsflow run --here` tried out.
    cache
        A folder for files that were read once, by default TSFLOW_CACHE or the user's cache folder; None: none. While the store is
        away at the start, the last good champion in it is loaded, and `problem` says so.
    at_least
        The least number that the pointer may have, such as the last one seen: an old pointer that was put back is refused.
    public_key
        An Ed25519 key in PEM, or its file: the pointer must be signed with the private key that belongs to it.
    stale_after
        From which age of its data on the champion is `stale`.

    Raises
    ------
    NoChampion
        If the task has none.
    IntegrityError
        If a file is missing or is not the one that was published, belongs to another station, task or version, or the pointer is
        older than demanded, not signed, or signed by somebody else.
    StorageUnavailable
        If the store is away and the cache holds no champion.
    """
    store = objects or store_from_environment()
    kept = Cache(default_folder() if cache is _DEFAULT else cache) if cache is not None else None
    key = public_key.read_bytes() if isinstance(public_key, Path) else public_key
    source = _Source(store, station, task, stage, cache=kept, key=key)
    bundle, problem = source.first()
    source.require(bundle.pointer, at_least)
    return Champion(bundle, source.newer, stale_after=stale_after, problem=problem)


class _Source:
    """Where a champion is read from, and what was read last."""

    def __init__(
        self, store: ObjectStore, station: str, task: str, stage: Stage, *, cache: Cache | None, key: bytes | None
    ) -> None:
        self._store, self._cache, self._public_key = store, cache, key
        self._station, self._task, self._stage = station, task, stage
        self.pointer_key = pointer_key(station, task, stage)
        self._address = f"{store.endpoint_url}/{store.bucket}/{self.pointer_key}"
        self._etag: str | None = None

    def first(self) -> tuple[Bundle, str | None]:
        """Return the champion there is; while the store is away the last good one, and why it is that."""
        try:
            bundle = self.newer()
        except StorageUnavailable as error:
            if (known := self.last_good()) is None:
                raise
            return known, f"{type(error).__name__}: {error}"
        if bundle is None:
            msg = "a source that was never read has something to give"
            raise TypeError(msg)
        return bundle, None

    def require(self, pointer: Pointer, at_least: int) -> None:
        """Raise `IntegrityError` if a pointer is older than demanded."""
        if pointer.sequence < at_least:
            msg = (
                f"{self.pointer_key}: the pointer says number {pointer.sequence}, at least {at_least} is demanded; "
                f"an old pointer was put back, or the wrong number is demanded"
            )
            raise IntegrityError(msg)

    def newer(self) -> Bundle | None:
        """Return the champion there is; None if it is the one that was returned last."""
        try:
            found = self._store.get_if_changed(self.pointer_key, self._etag)
        except ObjectMissing as error:
            raise no_champion(self._store, self._station, self._task, self._stage) from error
        if found is None:
            return None
        body, etag = found
        bundle = self._bundle(self._pointer(body))
        self._etag = etag
        if self._cache is not None:
            self._cache.keep_pointer(self._address, body)
        return bundle

    def last_good(self) -> Bundle | None:
        """Return the champion that was read last, from the disk; None if it is not whole there."""
        body = self._cache.pointer(self._address) if self._cache else None
        if body is None:
            return None
        try:
            return self._bundle(self._pointer(body))
        except (IntegrityError, StorageUnavailable):
            return None

    def _pointer(self, body: bytes) -> Pointer:
        pointer = read_pointer(body, self.pointer_key)
        if self._public_key is not None:
            verify(pointer, self._public_key, self.pointer_key)
        return pointer

    def _bundle(self, pointer: Pointer) -> Bundle:
        return read_bundle(
            self._store, pointer, self._station, self._task, self._stage, wanted=NEEDED, cached=self._cached, keep=self._keep
        )

    def _cached(self, wanted: BundleFile) -> bytes | None:
        return self._cache.file(wanted) if self._cache is not None else None

    def _keep(self, body: bytes) -> None:
        if self._cache is not None:
            self._cache.keep_file(body)


def forecast_latest(station: str, objects: ObjectStore | None = None, *, task: str = MAIN) -> Mapping[str, Any]:
    """Return what the DAG `forecast` wrote last, with `age_seconds`: since when it stands there.

    Raises
    ------
    NoForecast
        If nothing was written yet.
    """
    store = objects or store_from_environment()
    key = f"forecasts/{station}/{task}/latest.json"
    try:
        found = dict(json.loads(store.get(key)))
        made_at = datetime.fromisoformat(found["made_at"])
    except ObjectMissing as error:
        msg = f"{store.address(key)}: nothing was forecast for station {station}, task {task} yet; run the DAG `forecast`"
        raise NoForecast(msg) from error
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{key}: not a forecast of tsflow's ({error}); it was damaged or written by another program"
        raise IntegrityError(msg) from error
    return {**found, "age_seconds": (datetime.now(UTC) - made_at).total_seconds()}
