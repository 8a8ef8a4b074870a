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


def runner_of(module: ModuleType) -> type:
    """Return Airflow's scheduler that sleeps no longer than until a task of the local executor has ended."""

    class Runner(module.SchedulerJobRunner):  # type: ignore[name-defined, misc]  # loaded by name
        """Waits where it says how long it will sleep, which it is asked each time before it sleeps."""

        idle_seconds = 1.0

        @property
        def _scheduler_idle_sleep_time(self) -> float:
            """No time, once it has waited; all of it where no executor has a pipe."""
            queues = [queue for executor in self.executors if (queue := getattr(executor, "result_queue", None)) is not None]
            if not queues:
                return self.idle_seconds
            wait([queue._reader for queue in queues], self.idle_seconds)
            return 0.0

        @_scheduler_idle_sleep_time.setter
        def _scheduler_idle_sleep_time(self, seconds: float) -> None:
            self.idle_seconds = seconds

    return Runner


if __name__ == "__main__":
    module = import_module(RUNNER)
    module.SchedulerJobRunner = runner_of(module)  # type: ignore[attr-defined]  # loaded by name
    sys.argv = ["airflow", "scheduler", "--skip-serve-logs"]  # the log servers would listen on every address
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
