"""Giving the disk back what objects took that were deleted: SeaweedFS writes its volumes anew without them.

By itself it does so a quarter of an hour later, and for volumes of which 30 % are garbage. What it never removes by itself is its
own journal of every change, which other filers would follow; here there is one, and a week of it is enough.
"""

import re
import time
from collections.abc import Mapping

from tsflow.model import Strict
from tsflow.stack.durable import asked
from tsflow.stack.places import private_dir
from tsflow.stack.ports import remembered_ports
from tsflow.stack.record import KEEPER, living
from tsflow.stack.weed import MIN_FREE, NAME

_GARBAGE = 0.01  # of a volume's size; less is not worth writing it anew
_JOURNAL_DAYS = 7
_PATIENCE_SECONDS = 30.0  # SeaweedFS deletes some seconds after it says so
_TIMEOUT_SECONDS = 1800.0  # volumes of 64 MB, one after the other
_LOOK_SECONDS = 1.0
_STILL_SECONDS = 8.0  # without a change; its volumes report each 5 s


class Vacuumed(Strict):
    """What the folder of the embedded store took on the disk, before and after, in bytes."""

    before: int
    after: int
    note: str = ""


def vacuum(endpoint_url: str | None, expected: int) -> Vacuumed | None:
    """Give the disk back what was deleted in the embedded store; None if the endpoint is another store.

    Parameters
    ----------
    expected
        How many bytes were deleted just now: SeaweedFS may not know it yet, and is waited for.

    Raises
    ------
    StorageUnavailable
        If it does not answer.
    """
    keeper = living(KEEPER)
    if keeper is None or not endpoint_url or keeper.url != endpoint_url:
        return None
    ports, before = remembered_ports(NAME), size_on_disk()
    said = _when_deleted(ports, expected)
    asked(ports, [f"fs.log.purge -daysAgo={_JOURNAL_DAYS}"], timeout_seconds=_TIMEOUT_SECONDS)
    asked(ports, ["lock", f"volume.vacuum -garbageThreshold={_GARBAGE}", "unlock"], timeout_seconds=_TIMEOUT_SECONDS)
    note = ""
    if "ReadOnly:true" in said:
        note = (
            f"the disk is so full that SeaweedFS gives nothing back: it needs {MIN_FREE} of room to write a volume anew. "
            f"Remove something else from the disk of {private_dir()}, then run `tsflow gc` again"
        )
    return Vacuumed(before=before, after=size_on_disk(), note=note)


def size_on_disk() -> int:
    """Return the size of the embedded store's folder in bytes."""
    folder, size = private_dir("objects"), 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_blocks * 512 if path.is_file() else 0
        except FileNotFoundError:  # SeaweedFS replaces its files
            continue
    return size


def _when_deleted(ports: Mapping[str, int], expected: int) -> str:
    """Return what SeaweedFS says of its volumes once it has deleted what it was told to, or after some patience."""
    deadline, deleted, since = time.monotonic() + _PATIENCE_SECONDS, 0, time.monotonic()
    while True:
        said, before = asked(ports, ["volume.list"]), deleted
        deleted = sum(map(int, re.findall(r"volume Id.*DeletedByteCount:(\d+)", said)))
        since = since if deleted == before else time.monotonic()
        still = deleted > 0 and time.monotonic() - since > _STILL_SECONDS  # it keeps text compressed: less than was expected
        if deleted >= expected or still or time.monotonic() > deadline:
            return said
        time.sleep(_LOOK_SECONDS)
