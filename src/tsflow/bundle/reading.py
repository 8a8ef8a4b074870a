"""Reading a published model: from the pointer to the last byte, each thing verified and bound to what was asked for."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from tsflow.bundle.manifest import BundleFile, Manifest, Pointer, read_manifest, read_pointer
from tsflow.bundle.places import bundle_folder, pointer_key
from tsflow.errors import IntegrityError, NoChampion
from tsflow.names import MAIN, PRODUCTION, Stage
from tsflow.storage.objects import ObjectMissing, ObjectStore

MODEL = "model.onnx"
INTERVALS = "intervals.json"
SCALED_INTERVALS = "scaled_intervals.json"  # of a model that forecasts quantiles; a reader that knows it prefers it


class Shelf(Protocol):
    """Where bytes are kept by their SHA-256, so as not to be fetched twice."""

    def find(self, sha256: str) -> bytes | None:
        """Return the bytes of this hash, or None if they are not there, whole."""
        ...

    def keep(self, sha256: str, body: bytes) -> None:
        """Keep bytes of this hash."""
        ...


@dataclass(frozen=True)
class Bundle:
    """A verified model version: what the pointer, the manifest and the files say."""

    pointer: Pointer
    manifest: Manifest
    files: dict[str, bytes]


def read_champion(
    objects: ObjectStore, station: str, task: str = MAIN, stage: Stage = PRODUCTION, *, wanted: Collection[str] | None = None
) -> Bundle:
    """Return a task's champion.

    Parameters
    ----------
    wanted
        Names of the files to read, of those that the manifest names; None: all of them.

    Raises
    ------
    NoChampion
        If the task has none.
    IntegrityError
        If a file is missing or is not the one that was published, or pointer or manifest belong to something else.
    """
    key = pointer_key(station, task, stage)
    try:
        body = objects.get(key)
    except ObjectMissing as error:
        raise no_champion(objects, station, task, stage) from error
    return read_bundle(objects, read_pointer(body, key), station, task, stage, wanted=wanted)


def no_champion(objects: ObjectStore, station: str, task: str, stage: Stage = PRODUCTION) -> NoChampion:
    """Return the error that says how to get one."""
    of = "" if task == MAIN else f", task {task},"
    where = objects.address(pointer_key(station, task, stage))
    publish = f"publish one with `tsflow run{'' if stage == PRODUCTION else ' --here'} --station {station}`"
    return NoChampion(f"station {station}{of} has no champion in {where}; {publish}")


def read_bundle(
    objects: ObjectStore,
    pointer: Pointer,
    station: str,
    task: str = MAIN,
    stage: Stage = PRODUCTION,
    *,
    wanted: Collection[str] | None = None,
    shelf: Shelf | None = None,
) -> Bundle:
    """Return the bundle that a pointer means, with the wanted files (None: all), those on the shelf taken from there.

    Raises
    ------
    IntegrityError
        If a file is missing or is not the one that was published, or pointer or manifest belong to something else.
    """
    key, folder = pointer_key(station, task, stage), bundle_folder(station, task, pointer.version, stage)
    _require(key, pointer.station, station, "station")
    _require(key, pointer.manifest_key, f"{folder}manifest.json", "manifest_key")
    body = _fetched(objects, pointer.manifest_key, pointer.manifest_sha256, None, shelf)
    manifest = read_manifest(body, pointer.manifest_key)
    _require(pointer.manifest_key, manifest.station, station, "station")
    _require(pointer.manifest_key, manifest.version, pointer.version, "version")
    _require(pointer.manifest_key, manifest.target.task, task, "target.task")
    if MODEL not in manifest.files:
        msg = f"{pointer.manifest_key}: the bundle has no {MODEL}; publish it again"
        raise IntegrityError(msg)
    files = {
        name: _fetched(objects, f"{folder}{name}", file.sha256, file.size, shelf)
        for name, file in manifest.files.items()
        if wanted is None or name in wanted
    }
    return Bundle(pointer, manifest, files)


def _fetched(objects: ObjectStore, key: str, sha256: str, size: int | None, shelf: Shelf | None) -> bytes:
    """Return the bytes of a key, verified, from the shelf or from the store."""
    if shelf is not None and (kept := shelf.find(sha256)) is not None:
        return kept
    body = objects.get(key)
    check(body, BundleFile(sha256, len(body) if size is None else size), key)
    if shelf is not None:
        shelf.keep(sha256, body)
    return body


def _require(key: str, found: str, expected: str, what: str) -> None:
    if found != expected:
        msg = f"{key}: {what} is {found!r}, expected {expected!r}; it was copied there or forged, do not use it; publish again"
        raise IntegrityError(msg)


def check(body: bytes, expected: BundleFile, key: str) -> bytes:
    """Return the bytes if they are the expected ones, else raise `IntegrityError`."""
    found = hashlib.sha256(body).hexdigest()
    if found != expected.sha256 or len(body) != expected.size:
        msg = (
            f"{key}: SHA-256 {found[:16]}... and {len(body)} bytes, the manifest says {expected.sha256[:16]}... and "
            f"{expected.size}; the file was changed or damaged, do not use it; publish again"
        )
        raise IntegrityError(msg)
    return body
