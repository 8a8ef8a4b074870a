"""Airflow's scheduler, woken when a task has ended or somebody asked for something.

Airflow's own sleeps between two looks, so that what follows on a task waits for half of that time: in a run of a dozen tasks one
after another, seconds; and a shorter sleep would cost an idle stack its quiet. Two pipes can be waited for. The `bell` tells
of what the API server was asked for, and that a task reported its end; one of the executor's tells that its process is gone.
What else it must see (a schedule that is due, a retry, what the command `airflow` writes itself) it sees when the sleep of the
settings is over.

The server that tasks are forked from starts with it, and not with the first task, which would wait until all is loaded.
"""

import multiprocessing
import runpy
import sys
import time
from importlib import import_module
from multiprocessing import forkserver
from multiprocessing.connection import wait
from types import ModuleType
from typing import Any

from tsflow.libraries import collect_seldom
from tsflow.stack.bell import Bell

RUNNER = "airflow.jobs.scheduler_job_runner"  # by name, as the stack stands apart from Airflow
AT_MOST = 8.0  # seconds, however long it may be idle: Airflow's timers, its heartbeat among them, are looked at in between
AWAKE = 10.0  # seconds after something happened, in which it looks with each new one


def runner_of(module: ModuleType) -> type:
    """Return Airflow's scheduler that sleeps no longer than until a task of the local executor has ended, or somebody rang."""
    bell = Bell()

    class Runner(module.SchedulerJobRunner):  # type: ignore[name-defined, misc]  # loaded by name
        """Airflow reads how long to sleep each time before it sleeps; here that reading is the wait.

        What has happened may have consequences that nobody announces: a run that was just made begins with SQLite's next whole
        second, a failed task's successors are given up level by level, one a look. So it stays awake for a while.
        """

        idle_seconds: float
        awake_until = 0.0  # by the monotonic clock

        def _execute(self) -> int | None:
            if multiprocessing.get_start_method() == "forkserver":
                forkserver.ensure_running()  # it loads while the scheduler goes on
            code: int | None = super()._execute()
            return code

        def _do_scheduling(self, *given: Any, **named: Any) -> int:
            return self._noted(super()._do_scheduling(*given, **named))

        def _process_executor_events(self, *given: Any, **named: Any) -> int:
            return self._noted(super()._process_executor_events(*given, **named))

        def _noted(self, happened: int) -> int:
            if happened:
                self.awake_until = time.monotonic() + AWAKE
            return happened

        @property
        def _scheduler_idle_sleep_time(self) -> float:
            """0, after the wait."""
            queues = [getattr(executor, "result_queue", None) for executor in self.executors]
            pipes = [pipe for queue in queues if (pipe := getattr(queue, "_reader", None)) is not None]
            seconds = min(self.idle_seconds, AT_MOST)
            if time.monotonic() < self.awake_until:
                seconds = min(seconds, 1.01 - time.time() % 1)
            heard = wait([bell.fileno(), *pipes], seconds)
            self._noted(len(heard) + bell.silence())
            return 0.0

        @_scheduler_idle_sleep_time.setter
        def _scheduler_idle_sleep_time(self, seconds: float) -> None:
            self.idle_seconds = seconds

    Runner.__name__ = Runner.__qualname__ = "SchedulerJobRunner"  # as logs and metrics call it
    return Runner


if __name__ == "__main__":
    collect_seldom()
    module = import_module(RUNNER)
    module.SchedulerJobRunner = runner_of(module)  # type: ignore[attr-defined]  # loaded by name
    sys.argv = ["airflow", "scheduler", "--skip-serve-logs"]  # the log servers would listen on every address
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
