"""Reading a published model: from the pointer to the last byte, each thing verified and bound to what was asked for."""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass

from tsflow.bundle.manifest import BundleFile, Manifest, Pointer, read_manifest, read_pointer
from tsflow.bundle.places import bundle_folder, pointer_key
from tsflow.errors import IntegrityError, NoChampion
from tsflow.names import MAIN, PRODUCTION, Stage
from tsflow.storage.objects import ObjectMissing, ObjectStore

NEEDED = frozenset({"model.onnx", "intervals.json"})  # what a forecast is made with
ANY_SIZE = -1  # of a file that is known by its hash alone


@dataclass(frozen=True)
class Bundle:
    """A verified model version: what the pointer, the manifest and the files say."""

    pointer: Pointer
    manifest: Manifest
    files: dict[str, bytes]


def read_champion(objects: ObjectStore, station: str, task: str = MAIN, stage: Stage = PRODUCTION) -> Bundle:
    """Return a task's champion.

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
    return read_bundle(objects, read_pointer(body, key), station, task, stage)


def no_champion(objects: ObjectStore, station: str, task: str, stage: Stage) -> NoChampion:
    """Return the error of a task without champion."""
    of = "" if task == MAIN else f", task {task},"
    publish = f"publish one with `tsflow run{'' if stage == PRODUCTION else ' --here'} --station {station}`"
    where = objects.address(pointer_key(station, task, stage))
    return NoChampion(f"station {station}{of} has no champion in {where}; {publish}")


def _nothing(_: BundleFile) -> bytes | None:
    return None


def read_bundle(
    objects: ObjectStore,
    pointer: Pointer,
    station: str,
    task: str = MAIN,
    stage: Stage = PRODUCTION,
    *,
    wanted: Collection[str] | None = None,
    cached: Callable[[BundleFile], bytes | None] = _nothing,
    keep: Callable[[bytes], None] = lambda body: None,
) -> Bundle:
    """Return the bundle that a pointer means.

    Parameters
    ----------
    wanted
        Names of the files to read, where the bundle has them; None: all.
    cached, keep
        What gives a file that was read before, by its hash, and what keeps one that was verified.

    Raises
    ------
    IntegrityError
        If a file is missing or is not the one that was published, or pointer or manifest belong to something else.
    """
    key, folder = pointer_key(station, task, stage), bundle_folder(station, task, pointer.version, stage)
    _require(key, pointer.station, station, "station")
    _require(key, pointer.manifest_key, f"{folder}manifest.json", "manifest_key")

    def read(name: str, file: BundleFile) -> bytes:
        if (body := cached(file)) is None:
            body = check(objects.get(f"{folder}{name}"), file, f"{folder}{name}")
            keep(body)
        return body

    manifest_body = _manifest_body(objects, pointer, cached)
    keep(manifest_body)
    manifest = read_manifest(manifest_body, pointer.manifest_key)
    _require(pointer.manifest_key, manifest.station, station, "station")
    _require(pointer.manifest_key, manifest.version, pointer.version, "version")
    _require(pointer.manifest_key, manifest.target.task, task, "target.task")
    files = {name: read(name, file) for name, file in manifest.files.items() if wanted is None or name in wanted}
    if "model.onnx" not in files:
        msg = f"{pointer.manifest_key}: the bundle has no model.onnx; publish it again"
        raise IntegrityError(msg)
    return Bundle(pointer, manifest, files)


def _manifest_body(objects: ObjectStore, pointer: Pointer, cached: Callable[[BundleFile], bytes | None]) -> bytes:
    body = cached(BundleFile(pointer.manifest_sha256, ANY_SIZE))
    if body is None:
        body = objects.get(pointer.manifest_key)
        check(body, BundleFile(pointer.manifest_sha256, len(body)), pointer.manifest_key)
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
