"""`up`, `down` and `status`: the stack as a whole."""

import contextlib
import logging
import os
import time
from collections.abc import Callable

from tsflow.errors import SettingsError, StackError, TsflowError
from tsflow.names import TRAINING_POOL
from tsflow.settings import Settings
from tsflow.settings import settings as current_settings
from tsflow.stack.airflow import PARTS, require_airflow
from tsflow.stack.api import Airflow
from tsflow.stack.daemon import spawn
from tsflow.stack.locks import FileLock
from tsflow.stack.marks import end, sweep
from tsflow.stack.objects import require_bucket, stop_unused
from tsflow.stack.places import last_lines, log_file, private_dir, require_room
from tsflow.stack.reader import require_own_keys
from tsflow.stack.record import KEEPER, SUPERVISOR, forget, living, read_record
from tsflow.stack.secrets import load_secrets
from tsflow.stack.status import StackStatus, airflow_answers, read_status

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.1
_HEALTH_SECONDS = 0.5  # from one look at all parts to the next: a look takes a tenth of a second from those that start
_STAY_SECONDS = 10.0  # from one look to the next
_PORT_TAKEN = "address already in use"


def up(settings: Settings) -> StackStatus:
    """Start the stack unless it runs, and wait until every part of it is healthy.

    Calls at the same time wait for each other; the second finds it running. Settings of a stack that runs change
    after `down`, but for the pool's slots, which change now.

    Raises
    ------
    StackError
        If a part does not start; then what this call started is stopped again, and the text holds the end of its log.
    """
    require_airflow()
    require_room()
    require_own_keys(settings.object_store)
    seconds = settings.stack.start_timeout_seconds
    starting = FileLock(private_dir("run") / "up.lock")
    if not starting.acquire(timeout_seconds=seconds + settings.stack.stop_timeout_seconds):
        msg = f"another `tsflow up` has not ended within {seconds:g} s; see `tsflow status`, or run `tsflow down`"
        raise StackError(msg)
    try:
        try:
            return _started(settings)
        except StackError as error:
            if _PORT_TAKEN not in str(error).lower():
                raise
            return _started(settings)  # somebody was faster with a port that was free; another is chosen
    finally:
        starting.release()


def stay(settings: Settings, stopping: Callable[[], bool]) -> None:
    """Keep the stack up until asked to stop, then stop it: what a service manager runs.

    A supervisor that was killed, or one of whose parts failed for good, is started again.

    Raises
    ------
    StackError
        If another process does so already.
    SettingsError
        If a setting is wrong, which no other try would mend.
    """
    staying = _staying()
    if not staying.acquire():
        msg = f"another `tsflow up --stay` (process {staying.path.read_text()}) keeps the stack up already; end that one first"
        raise StackError(msg)
    staying.path.write_text(str(os.getpid()))
    problem: str | None = None
    try:
        while not stopping():
            supervisor = living(SUPERVISOR)
            if supervisor is None or any(part.state == "failed" for part in supervisor.components):
                try:
                    up(settings)
                    problem = None
                except SettingsError:
                    raise
                except TsflowError as error:  # said once: a full disk may last, or a store be away
                    if str(error) != problem:
                        log.warning("%s; tried again in %g s", error, _STAY_SECONDS)
                    problem = str(error)
            _wait(stopping)
    finally:
        _stop()
        staying.release()


def _staying() -> FileLock:
    """Return the lock that whoever keeps the stack up holds; its file says which process that is."""
    return FileLock(private_dir("run") / "stay.lock")


def _wait(stopping: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _STAY_SECONDS
    while time.monotonic() < deadline and not stopping():
        time.sleep(_POLL_SECONDS)


def down() -> None:
    """Stop the stack and everything that it ever started; without effect if it is not there.

    An object store that another command uses just now stops with that command.

    Raises
    ------
    StackError
        If somebody keeps it up, who would start it again.
    """
    staying = _staying()
    if not staying.acquire():
        msg = f"`tsflow up --stay` (process {staying.path.read_text()}) keeps the stack up and would start it again: stop that, by "
        msg += "Ctrl-C or `kill`, or the service by `systemctl --user stop tsflow` (`tsflow service uninstall` removes it)"
        raise StackError(msg)
    staying.release()
    _stop()


def _stop() -> None:
    record = living(SUPERVISOR)
    if record is not None and (process := record.process()) is not None:
        end([process], record.stop_seconds)
    sweep(lambda part: part in {SUPERVISOR, *PARTS})
    forget(SUPERVISOR)
    stop_unused()


def status() -> StackStatus:
    """Return the state of the stack."""
    return read_status(current_settings())


def _started(settings: Settings) -> StackStatus:
    if read_status(settings).state in {"failed", "down", "stopping"}:
        _stop()  # also what a killed supervisor left
    deadline = time.monotonic() + settings.stack.start_timeout_seconds
    ran = (found := living(SUPERVISOR)) is not None and found.state == "running"
    try:
        if living(SUPERVISOR) is None:
            forget(SUPERVISOR)
            process = spawn(SUPERVISOR, "tsflow.stack.supervisor", settings)
            while living(SUPERVISOR) is None and process.poll() is None and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        healthy = _wait_healthy(settings, deadline)
        Airflow.of_stack(healthy).set_pool(TRAINING_POOL, settings.training.pool_slots, "Trainings at once")
    except BaseException:  # also when interrupted: half a stack helps nobody
        if not ran:  # one that ran before may have tasks in it, and may only be slow
            with contextlib.suppress(StackError):  # the reason of the failure is worth more than one of the clean-up
                _stop()
        raise
    return healthy


def _wait_healthy(settings: Settings, deadline: float) -> StackStatus:
    bucket_made = False
    while True:
        _raise_if_failed()
        keeper = living(KEEPER)
        if not bucket_made and settings.object_store.endpoint_url:
            theirs = settings.object_store.open()
            theirs.ensure_bucket()
            theirs.require_conditions()
            bucket_made = True
        elif not bucket_made and keeper is not None and keeper.url is not None:
            opened = load_secrets().of_store(settings.object_store, keeper.url)
            require_bucket(opened, max(0.0, deadline - time.monotonic()))
            bucket_made = True
        late = time.monotonic() >= deadline
        if late or (bucket_made and airflow_answers()):
            found = read_status(settings)
            if bucket_made and found.healthy:
                return found
            if late:
                first = next((part.log for part in found.components if not part.healthy), str(log_file(SUPERVISOR)))
                seconds = settings.stack.start_timeout_seconds
                msg = f"the stack is not healthy after {seconds:g} s ({found.reason}); logs are in {found.logs}, see first {first}"
                msg += "; a part that hangs comes back by `tsflow down`, then `tsflow up`"
                raise StackError(msg)
        time.sleep(_HEALTH_SECONDS)


def _raise_if_failed() -> None:
    supervisor = living(SUPERVISOR)
    if supervisor is None or supervisor.state == "failed":
        record, log = read_record(SUPERVISOR), log_file(SUPERVISOR)
        reason = record.reason if record else None
        msg = f"the stack did not start: {reason}" if reason else f"the supervisor ended; the end of {log}:\n{last_lines(log)}"
        raise StackError(msg)
    keeper = living(KEEPER)
    for part in (*supervisor.components, *(keeper.components if keeper else ())):
        if part.state == "failed":
            log = log_file(part.name)
            msg = f"{part.name} does not start: {part.reason}; the end of {log}:\n{last_lines(log)}"
            raise StackError(msg)
