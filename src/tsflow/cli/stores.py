"""The records that a command reads: of the settings' own object store, or of the embedded one."""

from collections.abc import Iterator
from contextlib import contextmanager

from tsflow.records.store import Records
from tsflow.settings import settings
from tsflow.stack import object_store


@contextmanager
def store() -> Iterator[Records]:
    """Open the store for as long as the command uses it."""
    with object_store(settings()) as opened:
        yield Records(opened.open())
