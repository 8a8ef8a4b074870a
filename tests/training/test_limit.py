"""A training that hangs: in Python, and in a library that does not come back."""

import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from tsflow.errors import TrainingError
from tsflow.training.limit import limited

STUCK = """
import ctypes, signal
from datetime import timedelta
from tsflow.training import limit
limit.GRACE_SECONDS = 0.5
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])  # else it would cut the sleep short, which other work does not
with limit.ended_if_stuck(timedelta(seconds=0.5)), limit.limited(timedelta(seconds=0.5)):
    ctypes.PyDLL(None).usleep(30_000_000)  # and hold the interpreter
"""


def test_a_training_that_takes_too_long_fails_and_says_which_setting_allows_more():
    with (
        pytest.raises(TrainingError, match=r"still training after 0:00:00.200000, and `training.time_limit`"),
        limited(timedelta(seconds=0.2)),
    ):
        signal.pause()


def test_a_training_is_stopped_although_the_first_error_met_the_end_of_an_object(monkeypatch: pytest.MonkeyPatch):
    class Slow:
        def __del__(self) -> None:
            time.sleep(0.5)

    def train() -> None:
        Slow()  # dropped at once: the error comes within `__del__`, which raises nothing
        signal.pause()

    monkeypatch.setattr("tsflow.training.limit.AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(sys, "unraisablehook", lambda told: dropped.append(told.exc_type))
    dropped: list[type[BaseException]] = []
    with pytest.raises(TrainingError, match="still training after"), limited(timedelta(seconds=0.1)):
        train()
    assert dropped == [TrainingError]


def test_a_training_in_time_is_left_alone():
    before = signal.getsignal(signal.SIGALRM)
    with limited(timedelta(seconds=20)):
        assert signal.getsignal(signal.SIGALRM) is not before
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_timer_that_ran_before_goes_on_after_it():
    """Airflow's own time-out of a task is one."""
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0.3)  # the time-out of this test
    try:
        with limited(timedelta(seconds=20)):
            pass
        signal.pause()
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)
    assert len(rung) == 1


def test_a_process_that_is_stuck_in_a_library_ends_and_says_where():
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=25, check=False)
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert 'File "<string>", line 8' in done.stderr


def test_what_a_library_makes_of_the_interruption_does_not_hide_the_reason():
    def looks_up() -> None:
        try:
            while True:
                pass
        except TrainingError:
            raise TypeError("unsupported callable") from None

    with pytest.raises(TrainingError, match="still training after"), limited(timedelta(seconds=0.05)):
        looks_up()
