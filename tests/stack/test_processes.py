"""Kept processes: restarted, with a limit; stopped with all that they started."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tsflow.errors import StackError
from tsflow.stack import processes
from tsflow.stack.locks import FileLock
from tsflow.stack.marks import marked, marked_environment, part_of, sweep
from tsflow.stack.places import log_file
from tsflow.stack.processes import Component, Kept, stop

# Starts a child in a session of its own, which outlives it, and writes down the child's pid.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(600)
"""


# Looks again after ten minutes, or when a signal or the end of a child wakes it; says how often it looked.
CALM = """
import subprocess, sys
from tsflow.stack import daemon

daemon._CALM_SECONDS = 600.0


class Calm(daemon.Daemon):
    def work(self):
        self.state, looks = "running", 0
        subprocess.Popen(["true"])
        while not self.stopping():
            looks += 1
            print(looks, flush=True)
            self.pause()


calm = Calm("calm", 1.0)
sys.exit(calm.live(calm.work, lambda: None))
"""


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path / "state"))
    yield
    sweep(lambda part: True)


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def component(folder: Path, code: str, *arguments: str, stop_seconds: float = 4.0) -> Component:
    return Component("part", [sys.executable, "-c", code, *arguments], os.environ, folder, stop_seconds)


def test_a_component_that_dies_is_started_again_until_its_restarts_are_used_up(tmp_path: Path) -> None:
    kept = Kept(component(tmp_path, "import sys; print('no such thing'); sys.exit(3)"), max_restarts=2)
    now = 0.0
    while kept.state != "failed":
        kept.tick(now)
        if kept.process is not None:
            kept.process.wait()
        now += 5.0  # more than the pause before a restart
    status = kept.status()
    assert status.restarts == 2
    assert status.pid is None
    assert "exit code 3" in (status.reason or "")
    assert Path(status.log).read_text() == "no such thing\n" * 3


def test_restarts_of_more_than_ten_minutes_ago_do_not_count(tmp_path: Path) -> None:
    kept = Kept(component(tmp_path, ""), max_restarts=1)
    for now in (0.0, 601.0, 1202.0, 1803.0):
        kept.tick(now)
        kept.tick(now)
        if kept.process is not None:
            kept.process.wait()
    assert kept.state != "failed"
    assert kept.restarts >= 2


def test_what_a_dead_component_had_started_is_gone_before_its_successor_starts(tmp_path: Path) -> None:
    kept = Kept(component(tmp_path, PARENT, str(tmp_path / "child")), max_restarts=5)
    kept.tick(0.0)
    until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text())
    child = psutil.Process(int((tmp_path / "child").read_text()))
    assert kept.process is not None
    kept.process.kill()
    kept.process.wait()
    kept.tick(1.0)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    stop([kept])


def test_a_process_is_known_as_soon_as_it_runs_its_program(tmp_path: Path) -> None:
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"], env=marked_environment("busy", os.environ))
        for _ in range(2 * (os.cpu_count() or 1))
    ]
    parts = []
    for _ in range(200):  # beside busy ones several in a hundred show no environment yet
        child = psutil.Popen(["sleep", "60"], env=marked_environment("part", {"PATH": os.environ["PATH"]}))
        parts.append(part_of(child))
        child.kill()
        child.wait()
    for one in busy:
        one.kill()
        one.wait()
    assert set(parts) == {"part"}


def test_an_environment_that_comes_between_two_looks_is_not_missed() -> None:
    child = psutil.Popen(["sleep", "60"], env=marked_environment("part", {"PATH": os.environ["PATH"]}))
    until(lambda: part_of(child) == "part")
    looks = []

    class Beginning(psutil.Process):
        def environ(self) -> dict[str, str]:
            looks.append(True)  # the system sets its place as the first look ends
            return {} if len(looks) == 1 else super().environ()

    assert part_of(Beginning(child.pid)) == "part"
    child.kill()
    child.wait()


def test_a_calm_daemon_looks_at_once_when_a_child_ends_and_when_it_is_asked_to_stop() -> None:
    with subprocess.Popen([sys.executable, "-c", CALM], stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        try:
            assert [daemon.stdout.readline() for _ in range(2)] == ["1\n", "2\n"]  # the second when its child has ended
            daemon.terminate()
            assert daemon.wait(timeout=60) == 0
        finally:
            daemon.kill()


def test_stopping_leaves_nothing_also_of_those_that_ignore_the_request(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    kept = Kept(component(tmp_path, deaf, stop_seconds=0.2), max_restarts=5)
    kept.tick(0.0)
    until(lambda: "deaf" in Path(kept.status().log).read_text())
    stop([kept])
    assert kept.state == "stopped"
    assert marked() == []


def test_a_command_that_fails_shows_the_end_of_its_log(tmp_path: Path) -> None:
    failing = component(tmp_path, "import sys; sys.exit('the reason')")
    process = failing.start()
    with pytest.raises(StackError, match=r"(?s)part ended with exit code 1; the end of .*part\.log.*\| the reason"):
        failing.wait(process, lambda: False)


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = "import sys, time, pathlib; from tsflow.stack.locks import FileLock; lock = FileLock(pathlib.Path(sys.argv[1]));"
    code += "assert lock.acquire(); print('held', flush=True); time.sleep(600)"
    kept = Kept(component(tmp_path, code, str(tmp_path / "lock")), max_restarts=0)
    kept.tick(0.0)
    until(lambda: "held" in Path(kept.status().log).read_text())
    lock = FileLock(tmp_path / "lock")
    assert not lock.acquire()
    assert kept.process is not None
    kept.process.kill()
    kept.process.wait()
    assert lock.acquire()
    lock.release()


def test_the_log_of_what_runs_for_months_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "_LOG_BYTES", 10_000)
    talker = [sys.executable, "-u", "-c", "import time\nwhile True: print('x' * 999); time.sleep(0.001)"]
    kept = Kept(Component("talker", talker, {}, tmp_path, 5.0), max_restarts=1)
    kept.tick(time.monotonic())
    log = log_file("talker")
    until(lambda: log.stat().st_size > 20_000)
    kept.tick(time.monotonic() + 60)
    assert log.with_suffix(".log.1").stat().st_size > 10_000
    assert stat.S_IMODE(log.with_suffix(".log.1").stat().st_mode) == 0o600
    until(lambda: log.stat().st_size > 0)
    assert b"\0" not in log.read_bytes(), "it is written to at its end"
    assert (kept.restarts, kept.state) == (0, "running")
    stop([kept])
