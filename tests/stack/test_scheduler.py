"""When the embedded stack's scheduler wakes: once a task has ended or somebody rang; and what its tasks are forked from."""

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
from tsflow.stack.bell import ring

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
slept = {"a task has ended": runner._scheduler_idle_sleep_time}
queue.get()
ring()
slept["somebody rang"] = runner._scheduler_idle_sleep_time
slept["soon after"] = runner._scheduler_idle_sleep_time
runner.awake_until = 0.0
runner._scheduler_idle_sleep_time = 0.01
slept["nothing happened"] = runner._scheduler_idle_sleep_time
runner.executors = [without]
slept["an executor without a pipe"] = runner._scheduler_idle_sleep_time
awake = {}
for name, hook in (("nothing", "_do_scheduling"), ("queued", "_do_scheduling"), ("ended", "_process_executor_events")):
    runner.awake_until, happened = 0.0, {"nothing": 0, "queued": 3, "ended": 2}[name]
    setattr(module.SchedulerJobRunner, hook, lambda self, *given, **named: happened)
    awake[name] = [getattr(runner, hook)() or False, runner.awake_until > 0]
loop = inspect.getsource(module.SchedulerJobRunner._run_scheduler_loop)
print("RESULT" + json.dumps({"waited": waited, "slept": slept, "awake": awake, "asked": loop.count("_scheduler_idle_sleep_time")}))
"""


def test_it_sleeps_until_a_task_of_the_local_executor_has_ended_or_somebody_rang(airflow_environment: dict[str, str]) -> None:
    found = result_of(PROGRAM, airflow_environment)
    pipes, heard, seconds = zip(*found["waited"], strict=True)
    assert (pipes, heard) == ((2, 2, 2, 2, 1), (1, 1, 0, 0, 0)), "the executor's and the bell; one, the other, nothing"
    assert seconds[0] == 8.0, "an hour is too long"
    assert max(seconds[1:3]) <= 1.01, "what happened may have consequences with the next second"
    assert seconds[3:] == (0.01, 0.01)
    assert set(found["slept"].values()) == {0.0}, "by waiting; Airflow sleeps no more"
    assert found["asked"] == 1, "it asks how long before it sleeps"
    assert found["awake"] == {"nothing": [False, False], "queued": [3, True], "ended": [2, True]}


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
