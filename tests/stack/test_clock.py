"""A daemon is known by its process, whatever the clock does."""

import json
import time
from pathlib import Path

import psutil
import pytest

from tsflow.stack.marks import marked_environment
from tsflow.stack.places import private_dir, write_private
from tsflow.stack.record import SUPERVISOR, DaemonRecord, began, living, since_epoch


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> psutil.Process:
    """A process that bears the supervisor's mark."""
    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path / "state"))
    child = psutil.Popen(["sleep", "60"], env=marked_environment(SUPERVISOR, {"PATH": "/usr/bin:/bin"}))
    yield child
    child.kill()
    child.wait()


def record(pid: int, created: float) -> DaemonRecord:
    return DaemonRecord(name=SUPERVISOR, pid=pid, created=created, state="running")


def test_a_step_of_the_clock_does_not_look_like_death(daemon: psutil.Process, monkeypatch: pytest.MonkeyPatch):
    written = record(daemon.pid, began(daemon.pid))
    of_old = record(daemon.pid, daemon.create_time())
    assert written.process() == daemon
    assert of_old.process() == daemon, "a stack that an earlier tsflow started is still known"
    stepped = psutil.boot_time() + 3600  # what the system says of its start follows the clock
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: stepped)
    assert written.process() == daemon


def test_another_process_of_the_same_number_is_not_the_daemon(daemon: psutil.Process):
    assert record(daemon.pid, began(daemon.pid) - 1).process() is None
    assert record(2**22 - 1, began(daemon.pid)).process() is None


def test_when_a_process_began_goes_with_the_clock_by_which_heartbeats_are_told(
    daemon: psutil.Process, monkeypatch: pytest.MonkeyPatch
):
    before, now = since_epoch(daemon.pid), time.time
    assert before == pytest.approx(daemon.create_time(), abs=1)
    monkeypatch.setattr(time, "time", lambda: now() - 3600)
    assert since_epoch(daemon.pid) == pytest.approx(before - 3600, abs=1), "its heartbeats of before lie after it"


def test_what_a_newer_tsflow_wrote_down_is_read(daemon: psutil.Process):
    part = {"name": "scheduler", "state": "running", "log": "scheduler.log", "colour": "blue"}
    content = {**record(daemon.pid, began(daemon.pid)).model_dump(), "since_version": "9.9", "components": [part]}
    write_private(private_dir("run") / f"{SUPERVISOR}.json", json.dumps(content))
    found = living(SUPERVISOR)
    assert found is not None
    assert [each.name for each in found.components] == ["scheduler"]
