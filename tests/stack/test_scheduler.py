"""When the embedded stack's scheduler wakes: once a task has ended; and what its tasks are forked from."""

import sys

import pytest

from conftest import result_of
from tsflow.stack.airflow import _workers

PROGRAM = """
import inspect, json
from multiprocessing import SimpleQueue
from types import SimpleNamespace
from airflow.jobs import scheduler_job_runner as module
from airflow.jobs.job import Job
from tsflow.stack import scheduler

waited, wait = [], scheduler.wait

def waiting(pipes, seconds):
    ready = wait(pipes, seconds)
    waited.append((len(pipes), len(ready), seconds))
    return ready

scheduler.wait = waiting
Runner = scheduler.runner_of(module)
runner = Runner(Job(), scheduler_idle_sleep_time=3600.0)
queue, without = SimpleQueue(), SimpleNamespace()
runner.executors = [without, SimpleNamespace(result_queue=queue)]
queue.put("a task has ended")
found = {"woken": runner._scheduler_idle_sleep_time}
runner._scheduler_idle_sleep_time = 0.01
queue.get()
found["nothing ended"] = runner._scheduler_idle_sleep_time
runner.executors = [without]
found["no pipe"] = runner._scheduler_idle_sleep_time
loop = inspect.getsource(module.SchedulerJobRunner._run_scheduler_loop)
found["asked before it sleeps"] = loop.count("_scheduler_idle_sleep_time")
print("RESULT" + json.dumps(found | {"waited": waited}))
"""


def test_it_sleeps_until_a_task_of_the_local_executor_has_ended(airflow_environment: dict[str, str]) -> None:
    found = result_of(PROGRAM, airflow_environment)
    assert found.pop("waited") == [[1, 1, 5.0], [1, 0, 0.01]], "of one pipe it has heard, then not; an hour is too long"
    assert found == {"woken": 0.0, "nothing ended": 0.0, "no pipe": 0.01, "asked before it sleeps": 1}


PRELOADED = """
import gc, json, logging, sys
for name in sys.argv[1].split(","):
    __import__(name)
loaded = [name for name in ("tensorflow", "great_expectations", "onnxruntime") if name in sys.modules]
quiet = logging.getLogger("great_expectations").getEffectiveLevel() >= logging.WARNING
ours = sorted(name for name in sys.modules if name.startswith("tsflow"))
print("RESULT" + json.dumps({"loaded": loaded, "ours": ours, "frozen": gc.get_freeze_count(), "quiet": quiet}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere tasks are not forked")
def test_what_tasks_are_forked_from_is_frozen_and_holds_nothing_of_ours_that_a_change_would_leave_old(
    airflow_environment: dict[str, str],
) -> None:
    found = result_of(PRELOADED, airflow_environment, _workers()["AIRFLOW__SCHEDULER__MP_FORKSERVER_PRELOAD"])
    assert found["loaded"] == ["tensorflow", "great_expectations", "onnxruntime"]
    assert found["ours"] == ["tsflow", "tsflow.preloaded"]
    assert found["quiet"], "it tells of two hundred functions else"
    assert found["frozen"] > 100_000
