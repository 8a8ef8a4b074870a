"""Reading a published model: from the pointer to the last byte, each thing verified and bound to what was asked for."""

from dataclasses import dataclass

from tsflow.bundle.manifest import BundleFile, Manifest, Pointer, check, read_manifest, read_pointer
from tsflow.bundle.places import bundle_folder, pointer_key
from tsflow.errors import IntegrityError, NoChampion
from tsflow.names import MAIN, PRODUCTION, Stage
from tsflow.storage.objects import ObjectMissing, ObjectStore


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
        of = "" if task == MAIN else f", task {task},"
        here = "" if stage == PRODUCTION else " --here"
        publish = f"publish one with `tsflow run{here} --station {station}`"
        msg = f"station {station}{of} has no champion in {objects.address(key)}; {publish}"
        raise NoChampion(msg) from error
    return read_bundle(objects, read_pointer(body, key), station, task, stage)


def read_bundle(objects: ObjectStore, pointer: Pointer, station: str, task: str = MAIN, stage: Stage = PRODUCTION) -> Bundle:
    """Return the bundle that a pointer means.

    Raises
    ------
    IntegrityError
        If a file is missing or is not the one that was published, or pointer or manifest belong to something else.
    """
    key, folder = pointer_key(station, task, stage), bundle_folder(station, task, pointer.version, stage)
    _require(key, pointer.station, station, "station")
    _require(key, pointer.manifest_key, f"{folder}manifest.json", "manifest_key")
    manifest_body = objects.get(pointer.manifest_key)
    check(manifest_body, BundleFile(pointer.manifest_sha256, len(manifest_body)), pointer.manifest_key)
    manifest = read_manifest(manifest_body, pointer.manifest_key)
    _require(pointer.manifest_key, manifest.station, station, "station")
    _require(pointer.manifest_key, manifest.version, pointer.version, "version")
    _require(pointer.manifest_key, manifest.target.task, task, "target.task")
    files = {name: check(objects.get(f"{folder}{name}"), file, f"{folder}{name}") for name, file in manifest.files.items()}
    if "model.onnx" not in files:
        msg = f"{pointer.manifest_key}: the bundle has no model.onnx; publish it again"
        raise IntegrityError(msg)
    return Bundle(pointer, manifest, files)


def _require(key: str, found: str, expected: str, what: str) -> None:
    if found != expected:
        msg = f"{key}: {what} is {found!r}, expected {expected!r}; it was copied there or forged, do not use it; publish again"
        raise IntegrityError(msg)
