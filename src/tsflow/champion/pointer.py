"""The champion pointer: one small object a station, swapped by If-Match.

A reader sees the old champion or the new one, never a mixture: the bundle is complete before the swap.
"""

from datetime import datetime

from tsflow.bundle.manifest import FORMAT, Pointer, dump, read_pointer
from tsflow.errors import NoChampion, PointerConflict
from tsflow.storage import keys
from tsflow.storage.objects import ObjectMissing, ObjectStore

_ATTEMPTS = 8  # each lost race means that another promotion went through


def current(objects: ObjectStore, station: str) -> tuple[Pointer, str] | None:
    """Return the pointer and its ETag, or None if the station has no champion."""
    key = keys.pointer(station)
    try:
        body, etag = objects.get_tagged(key)
    except ObjectMissing:
        return None
    return read_pointer(body, key), etag


def champion_of(objects: ObjectStore, station: str) -> Pointer:
    """Return the pointer of a station's champion; `NoChampion` if it has none."""
    found = current(objects, station)
    if found is None:
        msg = f"station {station} has no champion yet; run `tsflow run --station {station}`"
        raise NoChampion(msg)
    return found[0]


def promote(objects: ObjectStore, station: str, version: str, manifest_key: str, manifest_sha256: str, *, now: datetime) -> Pointer:
    """Make a bundle the champion and return the new pointer; promoting the present champion changes nothing.

    Raises
    ------
    PointerConflict
        If the pointer kept changing under the swap.
    """
    key = keys.pointer(station)
    for _ in range(_ATTEMPTS):
        found = current(objects, station)
        if found and found[0].version == version and found[0].manifest_sha256 == manifest_sha256:
            return found[0]
        sequence = found[0].sequence + 1 if found else 1
        pointer = Pointer(FORMAT, station, version, manifest_key, manifest_sha256, now.isoformat(), sequence)
        try:
            objects.swap(key, dump(pointer), found[1] if found else None)
        except PointerConflict:
            continue
        return pointer
    msg = f"{objects.address(key)} changed {_ATTEMPTS} times under the swap; others are promoting, try again"
    raise PointerConflict(msg)
