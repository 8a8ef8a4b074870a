"""An object store on which days go by as a test says: what is written counts as written then."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tsflow.retention import look
from tsflow.storage.bucket import Stored
from tsflow.storage.objects import ObjectStore


class Days:
    """The moment that the store's clock and this machine's show, and when each object was written by it."""

    def __init__(self, objects: ObjectStore, begin: datetime | None = None) -> None:
        self.now = begin or datetime.now(UTC)
        self._begin, self._written = self.now, {}
        self._put, self._listed = objects._put_if, objects.listed
        objects._put_if, objects.listed, objects.now = self._put_noted, self._listed_so, lambda: self.now

    def go_by(self, days: float) -> None:
        """Let days go by."""
        self.now += timedelta(days=days)

    def _put_noted(self, key: str, *what: Any) -> bool:
        written = self._put(key, *what)
        if written:
            self._written[key] = self.now
        return written

    def _listed_so(self, prefix: str) -> Any:
        for one in self._listed(prefix):
            yield Stored(one.key, one.size, self._written.get(one.key, self._begin))


def days_of(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Days:
    """Let days go by on a store, and on this machine as retention sees it."""
    days = Days(objects)
    monkeypatch.setattr(look, "utc_now", lambda: days.now)
    return days
