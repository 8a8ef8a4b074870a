"""The champion pointer: one small object a task of a station, swapped by If-Match.

A reader sees the old champion or the new one, never a mixture: the bundle is complete before the swap.
"""

from datetime import datetime

from tsflow.bundle.manifest import FORMAT, Manifest, Pointer, dump, read_pointer
from tsflow.bundle.places import pointer_key
from tsflow.errors import PointerConflict
from tsflow.names import MAIN
from tsflow.storage.objects import ObjectMissing, ObjectStore

_ATTEMPTS = 8  # each lost race means that another promotion went through


def current(objects: ObjectStore, station: str, task: str = MAIN) -> tuple[Pointer, str] | None:
    """Return the pointer and its ETag, or None if the task has no champion."""
    key = pointer_key(station, task)
    try:
        body, etag = objects.get_tagged(key)
    except ObjectMissing:
        return None
    return read_pointer(body, key), etag


def pointer_to(manifest: Manifest, manifest_key: str, manifest_sha256: str, *, now: datetime, sequence: int) -> Pointer:
    """Return the pointer that would make a bundle the champion."""
    return Pointer(FORMAT, manifest.station, manifest.version, manifest_key, manifest_sha256, now.isoformat(), sequence)


def promote(objects: ObjectStore, manifest: Manifest, manifest_key: str, manifest_sha256: str, *, now: datetime) -> Pointer:
    """Make a bundle the champion and return the new pointer; promoting the present champion changes nothing.

    Raises
    ------
    PointerConflict
        If the pointer kept changing under the swap.
    """
    station, version, task = manifest.station, manifest.version, manifest.target.task
    key = pointer_key(station, task)
    for _ in range(_ATTEMPTS):
        known = current(objects, station, task)
        if known and known[0].version == version and known[0].manifest_sha256 == manifest_sha256:
            return known[0]
        sequence = known[0].sequence + 1 if known else 1
        pointer = pointer_to(manifest, manifest_key, manifest_sha256, now=now, sequence=sequence)
        try:
            objects.swap(key, dump(pointer), known[1] if known else None)
        except PointerConflict:
            continue
        return pointer
    msg = f"{objects.address(key)} changed {_ATTEMPTS} times under the swap; others are promoting, try again"
    raise PointerConflict(msg)
