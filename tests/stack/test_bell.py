"""How the scheduler hears that there is something to do."""

import asyncio
import os
from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path

import pytest

from conftest import result_of
from tsflow.errors import StackError
from tsflow.stack.bell import Bell, RingsAfterChanges, ring


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def bell(folder: Path) -> Iterator[Bell]:
    made = Bell()
    yield made
    os.close(made.fileno())


def is_heard(bell: Bell) -> bool:
    heard = bool(wait([bell.fileno()], 0))
    bell.silence()
    return heard


def test_it_is_heard_once_however_often_it_was_rung(bell: Bell):
    assert not is_heard(bell)
    os.write(bell.fileno(), bytes(1 << 20))  # more than the pipe holds: it is full now
    ring()
    assert is_heard(bell)
    assert not is_heard(bell)


def test_a_stack_that_starts_again_takes_the_pipe_that_is_there_and_replaces_what_is_none(folder: Path, bell: Bell):
    again = Bell()
    ring()
    assert is_heard(again)
    os.close(again.fileno())
    (folder / "scheduler.bell").unlink()
    (folder / "scheduler.bell").write_text("no pipe")
    third = Bell()
    ring()
    assert is_heard(third)
    os.close(third.fileno())


def test_ringing_where_nobody_listens_does_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch):
    ring()
    assert not any(folder.iterdir())
    (folder / "scheduler.bell").write_text("no pipe")
    ring()
    assert (folder / "scheduler.bell").read_text() == "no pipe"
    (folder / "scheduler.bell").unlink()
    os.mkfifo(folder / "scheduler.bell")  # whose scheduler died
    ring()
    monkeypatch.delenv("AIRFLOW_HOME")
    ring()
    with pytest.raises(StackError, match="AIRFLOW_HOME is not set"):
        Bell()


def answered(scope: dict, bell: Bell, *, fails: bool = False) -> None:
    async def application(scope, receive, send):
        assert not is_heard(bell), "rung before the answer"
        if fails:
            raise LookupError

    asyncio.run(RingsAfterChanges(application)(scope, None, None))


def test_what_changes_something_or_ends_a_task_rings_after_its_answer_and_what_reads_or_tells_of_life_does_not(bell: Bell):
    runs, task = "/api/v2/dags/retrain/dagRuns", "/execution/task-instances/1"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answered({"type": "http", "method": method, "path": runs}, bell)
        assert is_heard(bell), method
    answered({"type": "http", "method": "PATCH", "path": f"{task}/state"}, bell)
    assert is_heard(bell), "its process may live on for seconds, for which the local executor waits"
    for method, path in (("GET", runs), ("HEAD", runs), ("PUT", f"{task}/heartbeat"), ("PATCH", f"{task}/run")):
        answered({"type": "http", "method": method, "path": path}, bell)
        assert not is_heard(bell), (method, path)
    answered({"type": "lifespan"}, bell)
    answered({"type": "websocket", "path": runs}, bell)
    assert not is_heard(bell)
    with pytest.raises(LookupError):
        answered({"type": "http", "method": "POST", "path": runs}, bell, fails=True)
    assert is_heard(bell), "what it did before it failed may count"


PATCHED = """
import json
from tsflow.stack import api_server
api_server.patch()
from airflow.api_fastapi.app import create_app
layers = [layer.cls.__name__ for layer in create_app().user_middleware]
print("RESULT" + json.dumps({"layers": layers}))
"""


def test_the_server_that_the_stack_starts_has_the_layer_around_all_that_writes(airflow_environment: dict[str, str]):
    assert result_of(PATCHED, airflow_environment)["layers"][:2] == ["HttpAccessLogMiddleware", "RingsAfterChanges"]
