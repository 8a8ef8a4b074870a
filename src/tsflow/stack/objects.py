"""The object store that commands and the stack use: the settings' own, or the embedded one for as long as it is used."""

import contextlib
import subprocess
import time
from collections.abc import Iterator

from tsflow.errors import StackError, StorageDenied, StorageUnavailable
from tsflow.settings import ObjectStoreSettings, Settings
from tsflow.stack.daemon import reap, spawn
from tsflow.stack.locks import FileLock
from tsflow.stack.marks import end, sweep
from tsflow.stack.places import last_lines, log_file, private_dir, require_room
from tsflow.stack.record import KEEPER, forget, living, read_record
from tsflow.stack.secrets import load_secrets
from tsflow.stack.weed import NAME, remove_sockets, weed_binary

_POLL_SECONDS = 0.05
_STOP_SECONDS = 15.0
_SURE = 3
_AGAIN_SECONDS = 30.0  # from one try of `keep` to the next


@contextlib.contextmanager
def object_store(settings: Settings) -> Iterator[ObjectStoreSettings]:
    """Yield the settings of a store that answers and has its bucket.

    With `object_store.endpoint_url` set, that store. Else the embedded one: shared with whoever uses it already (the
    running stack, another command), or started now; the last user's end stops it.

    Raises
    ------
    StackError
        If the embedded store does not start, or runs for another bucket.
    StorageUnavailable, StorageDenied
        If the settings' own store does not answer, or refuses the keys.
    """
    if settings.object_store.endpoint_url:
        theirs = settings.object_store.open()
        theirs.ensure_bucket()
        theirs.require_conditions()
        yield settings.object_store
        return
    with EmbeddedStore(settings) as url:
        store = load_secrets().of_store(settings.object_store, url)
        require_bucket(store, settings.stack.start_timeout_seconds)
        yield store


def require_bucket(store: ObjectStoreSettings, timeout_seconds: float) -> None:
    """Wait until the embedded store lists its bucket to our keys, which may take a while if it was killed just now.

    Raises
    ------
    StackError
        If it was started for another bucket; its keys open that one alone.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            store.open().keys("healthy/")
        except StorageUnavailable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_SECONDS)
        except StorageDenied as error:
            msg = f"the embedded object store, which runs already, has no bucket {store.bucket!r} for us; run `tsflow down`, "
            msg += "then this again, or set object_store.bucket as whoever started it did"
            raise StackError(msg) from error
        else:
            return


def use_lock() -> FileLock:
    """Return the lock that users share and the last one's end frees."""
    return FileLock(private_dir("run") / "object-store.use")


class EmbeddedStore:
    """A use of the embedded store; it runs while there is at least one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._use = use_lock()
        self._kept_at = 0.0

    def __enter__(self) -> str:
        weed_binary()
        require_room()
        seconds = self._settings.stack.start_timeout_seconds
        if not self._use.acquire(shared=True, timeout_seconds=seconds):
            msg = f"{self._use.path}: another process has been stopping the object store for {seconds:g} s; run `tsflow down`"
            raise StackError(msg)
        try:
            return self.ensure()
        except BaseException:
            self.__exit__()
            raise

    @property
    def handed_on(self) -> tuple[int, ...]:
        """What a child process must inherit to use the store too: it then runs as long as that process does."""
        return self._use.handed_on

    def __exit__(self, *_: object) -> None:
        self._use.release()
        stop_unused()

    def ensure(self) -> str:
        """Return where the store answers, started (again) if it does not run."""
        seconds = self._settings.stack.start_timeout_seconds
        deadline = time.monotonic() + seconds
        log = log_file(NAME)
        started: subprocess.Popen[bytes] | None = None
        while time.monotonic() < deadline:
            record = living(KEEPER)
            if record is None:
                code = started.poll() if started is not None else 0
                if started is not None and code:
                    raise StackError(_failure(started.pid))
                if code == 0:  # not started yet, or ended in peace because there was one already
                    started = spawn(KEEPER, "tsflow.stack.keeper", self._settings)
            elif record.state == "failed":
                msg = f"the object store does not start: {record.reason}; the end of {log}:\n{last_lines(log)}"
                raise StackError(msg)
            elif record.state == "running" and record.url:
                return record.url
            time.sleep(_POLL_SECONDS)
        msg = f"the object store did not answer within {seconds:g} s; the end of {log}:\n{last_lines(log)}"
        raise StackError(msg)

    def keep(self) -> None:
        """Bring the store back if its keeper was killed or has given up, without waiting for it; tried again if that fails.

        Whoever watches other things too calls this at each look: a store that does not start must not hold them up.
        """
        record = living(KEEPER)
        if (record is not None and record.state != "failed") or time.monotonic() - self._kept_at < _AGAIN_SECONDS:
            return
        self._kept_at = time.monotonic()
        if record is not None and (process := record.process()) is not None:
            end([process], record.stop_seconds)
        spawn(KEEPER, "tsflow.stack.keeper", self._settings)


def _failure(keeper_pid: int) -> str:
    record, log = read_record(KEEPER), log_file(KEEPER)
    if record is not None and record.pid == keeper_pid and record.reason:
        return f"the object store does not start: {record.reason}"
    return f"{KEEPER} ended; the end of {log}:\n{last_lines(log)}"


def stop_unused() -> bool:
    """Stop the embedded store, with all that a killed keeper left, unless somebody uses it; say whether it is stopped."""
    unused = use_lock()
    if not _alone(unused):
        return False
    try:
        record = living(KEEPER)
        if record is not None and (process := record.process()) is not None:
            end([process], record.stop_seconds)
        reap()
        sweep(lambda part: part in {KEEPER, NAME})
        forget(KEEPER)
        remove_sockets()
    finally:
        unused.release()
    return True


def _alone(unused: FileLock) -> bool:
    """Take the lock for this process alone; waits for one that is stopping the store, not for one that uses it."""
    shared = 0
    for _ in range(int(_STOP_SECONDS / _POLL_SECONDS)):
        if unused.acquire():
            return True
        if unused.acquire(shared=True):  # so nobody has it alone: it is in use, or was let go just now
            unused.release()
            shared += 1
            if shared == _SURE:
                return False
        time.sleep(_POLL_SECONDS)
    return False
