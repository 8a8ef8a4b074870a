"""The records that a command works on: of the settings' own object store, or of the embedded one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tsflow.settings import settings

if TYPE_CHECKING:
    from tsflow.records.store import Records


@contextmanager
def store() -> Iterator[Records]:
    """Open the store for as long as the command uses it."""
    from tsflow.records.store import Records
    from tsflow.stack import object_store

    with object_store(settings()) as opened:
        yield Records(opened.open())


@contextmanager
def read_only_store() -> Iterator[Records]:
    """Open the store for a command that writes nothing: the settings' own with their keys, the embedded one with the reader's."""
    from tsflow.records.store import Records
    from tsflow.stack import object_store
    from tsflow.stack.secrets import load_secrets, opened_with

    named = settings().object_store
    if named.endpoint_url:
        yield Records(named.open())
        return
    with object_store(settings()) as opened:
        yield Records(opened_with(load_secrets().reader, opened, opened.endpoint_url or "").open())
