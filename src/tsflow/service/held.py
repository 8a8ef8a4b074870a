"""What the service holds in memory: champions and newest forecasts, asked for again in the background."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tsflow.client import Champion, default_cache, forecast_latest, load_champion
from tsflow.errors import NoChampion, StorageDenied, StorageUnavailable, TsflowError
from tsflow.storage.objects import ObjectStore

T = TypeVar("T")
_MOST = 256  # stations' tasks; the one that was asked for longest ago is forgotten


@dataclass
class _Slot(Generic[T]):
    value: T | None
    error: TsflowError | None
    at: float  # of the monotonic clock


class Held(Generic[T]):
    """Values by station and task, each as old as a limit allows; while the store is away the last one stays.

    Also that there is none is held, so that asking for stations that do not exist asks the store seldom.
    """

    def __init__(self, load: Callable[[str, str], T], renew: Callable[[str, str, T], T], seconds: float) -> None:
        self._load, self._renew, self._seconds = load, renew, seconds
        self._slots: OrderedDict[tuple[str, str], _Slot[T]] = OrderedDict()
        self._lock = threading.Lock()
        self._loading: dict[tuple[str, str], threading.Lock] = {}

    def get(self, station: str, task: str) -> T:
        """Return the value; raises what loading it raised."""
        key = station, task
        slot = self._slots.get(key)
        if slot is None or time.monotonic() - slot.at > self._seconds:
            slot = self._renewed(key, slot)
        if slot.value is None:
            raise slot.error or NoChampion(f"station {station}, task {task} has nothing")
        return slot.value

    def _renewed(self, key: tuple[str, str], slot: _Slot[T] | None) -> _Slot[T]:
        with self._lock:
            loading = self._loading.setdefault(key, threading.Lock())
        if not loading.acquire(blocking=slot is None or slot.value is None):
            return slot or _Slot(None, None, 0)  # another request asks already; what is held is good enough
        try:
            present = self._slots.get(key)
            if present is not None and present is not slot:  # another request was first
                return present
            fresh = self._asked(key, slot)
            with self._lock:
                self._slots[key] = fresh
                self._slots.move_to_end(key)
                while len(self._slots) > _MOST:
                    old, _ = self._slots.popitem(last=False)
                    self._loading.pop(old, None)
            return fresh
        finally:
            loading.release()

    def _asked(self, key: tuple[str, str], slot: _Slot[T] | None) -> _Slot[T]:
        known = slot.value if slot else None
        try:
            value = self._load(*key) if known is None else self._renew(*key, known)
        except TsflowError as error:
            keep = known if isinstance(error, StorageUnavailable | StorageDenied) else None
            return _Slot(keep, error, time.monotonic())
        return _Slot(value, None, time.monotonic())


def champions(objects: ObjectStore, seconds: float) -> Held[Champion]:
    """Return the champions of a store; the last good ones stay on the disk, for a start while it is away."""
    folder = default_cache()

    def renew(_: str, __: str, champion: Champion) -> Champion:
        champion.refresh()
        return champion

    return Held(lambda station, task: load_champion(station, objects, task=task, cache=folder), renew, seconds)


def forecasts(objects: ObjectStore, seconds: float) -> Held[Mapping[str, Any]]:
    """Return the newest forecasts of a store."""

    def load(station: str, task: str) -> Mapping[str, Any]:
        return forecast_latest(station, objects, task=task)

    return Held(load, lambda station, task, _: load(station, task), seconds)
