"""Airflow's scheduler, woken when a task has ended.

Airflow's own sleeps between two looks, so that what follows on a task waits for half of that time: in a run of a dozen tasks one
after another, seconds; and a shorter sleep would cost an idle stack its quiet. The end of a task comes through a pipe of the
executor's, which can be waited for.
"""

import runpy
import sys
from importlib import import_module
from multiprocessing.connection import wait
from types import ModuleType

RUNNER = "airflow.jobs.scheduler_job_runner"  # by name, as the stack stands apart from Airflow
AT_MOST = 5.0  # seconds, however long it may be idle: Airflow's timers, its heartbeat among them, are looked at in between


def runner_of(module: ModuleType) -> type:
    """Return Airflow's scheduler that sleeps no longer than until a task of the local executor has ended."""

    class Runner(module.SchedulerJobRunner):  # type: ignore[name-defined, misc]  # loaded by name
        """Airflow reads how long to sleep each time before it sleeps; here that reading is the wait."""

        idle_seconds: float

        @property
        def _scheduler_idle_sleep_time(self) -> float:
            """0 after waiting for the end of a task; without a pipe the whole time, for Airflow to sleep."""
            queues = [getattr(executor, "result_queue", None) for executor in self.executors]
            pipes = [pipe for queue in queues if (pipe := getattr(queue, "_reader", None)) is not None]
            if not pipes:
                return self.idle_seconds
            wait(pipes, min(self.idle_seconds, AT_MOST))
            return 0.0

        @_scheduler_idle_sleep_time.setter
        def _scheduler_idle_sleep_time(self, seconds: float) -> None:
            self.idle_seconds = seconds

    Runner.__name__ = Runner.__qualname__ = "SchedulerJobRunner"  # as logs and metrics call it
    return Runner


if __name__ == "__main__":
    module = import_module(RUNNER)
    module.SchedulerJobRunner = runner_of(module)  # type: ignore[attr-defined]  # loaded by name
    sys.argv = ["airflow", "scheduler", "--skip-serve-logs"]  # the log servers would listen on every address
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
