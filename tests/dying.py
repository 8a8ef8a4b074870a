"""A store whose process dies at a call of the test's choice."""

from collections.abc import Callable, Iterable
from typing import Any

from tsflow.storage.objects import ObjectStore


class Killed(BaseException):
    """What stands for the death of the process."""


class Dying(ObjectStore):
    """A store whose process dies before or after its n-th call."""

    def __init__(self, store: ObjectStore, number: int, *, after: bool) -> None:
        self.__dict__.update(store.__dict__)
        self._left, self._after = number, after

    def _call(self, call: Callable[[], Any]) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        found = call()
        if self._left == 0:
            raise Killed
        return found

    def get_tagged(self, key: str) -> tuple[bytes, str]:
        return self._call(lambda: ObjectStore.get_tagged(self, key))

    def keys(self, prefix: str, *, most: int | None = None, after: str = "") -> list[str]:
        return self._call(lambda: ObjectStore.keys(self, prefix, most=most, after=after))

    def delete(self, keys: Iterable[str]) -> None:
        return self._call(lambda: ObjectStore.delete(self, keys))

    def _put_if(self, key: str, body: bytes, content_type: str, etag: str | None) -> bool:
        return self._call(lambda: ObjectStore._put_if(self, key, body, content_type, etag))
