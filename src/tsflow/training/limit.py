"""A training may take so long and no longer: one that hangs would keep its place, and its run, for ever.

::

    |------------ training -----------|---- 60 s ----|
    0                               limit          limit + GRACE_SECONDS
                            TrainingError, which     where a library does not come back to Python: the process ends,
                            the board shows; again   with what every thread was doing in its log (`ended_if_stuck`)
                            each AGAIN_SECONDS
"""

import faulthandler
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from tsflow.errors import TrainingError

GRACE_SECONDS = 60.0
AGAIN_SECONDS = 5.0  # Python drops what is raised while it finalises an object, so once would not be enough
STDERR = 2  # the process's own, whatever stands in `sys.stderr`


@contextmanager
def limited(limit: timedelta) -> Iterator[None]:
    """Stop what takes longer, if it runs in the main thread, which alone gets signals; a timer of somebody else's goes on after it.

    Raises
    ------
    TrainingError
        From within, wherever it is.
    """
    passed: list[TrainingError] = []

    def stop(number: int, frame: FrameType | None) -> None:
        msg = f"still training after {limit}, and `training.time_limit` allows no more; raise it if this recipe needs longer"
        passed.append(TrainingError(msg))
        raise passed[-1]

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, stop)
    left, _ = signal.setitimer(signal.ITIMER_REAL, limit.total_seconds(), AGAIN_SECONDS)
    try:
        yield
    except Exception as error:
        if passed and not isinstance(error, TrainingError):  # a library that was interrupted may raise what it will
            raise passed[-1] from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001))


@contextmanager
def ended_if_stuck(limit: timedelta) -> Iterator[None]:
    """End this process if it is not through some time after the limit; for one that does nothing but train."""
    faulthandler.dump_traceback_later(limit.total_seconds() + GRACE_SECONDS, exit=True, file=STDERR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
