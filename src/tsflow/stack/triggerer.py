"""Airflow's triggerer, as a stack that mostly stands idle wants it: what the database rarely has is asked for less often.

tsflow's own tasks defer nothing; a workflow that somebody adds may.
"""

import asyncio
import runpy
import sys
from importlib import import_module
from types import ModuleType

from tsflow.libraries import collect_seldom

RUNNER = "airflow.jobs.triggerer_job_runner"  # by name, as the stack stands apart from Airflow
# Loops, which take a second each.
LOADS_EVERY, TIDIES_EVERY = 5, 60


def supervisor_of(runner: ModuleType) -> type:
    """Return Airflow's supervisor of triggers, which looks for new ones every five seconds; an event of one it handles at once."""

    class Supervisor(runner.TriggerRunnerSupervisor):  # type: ignore[name-defined, misc]  # loaded by name
        """Asks the database for new triggers, and removes those that nobody waits for, in some loops only."""

        loops = 0

        def load_triggers(self) -> None:
            if self.loops % LOADS_EVERY == 0:
                super().load_triggers()
            self.loops += 1

        def clean_unused(self) -> None:
            if self.loops % TIDIES_EVERY == 0:
                super().clean_unused()

    return Supervisor


def runner_of(runner: ModuleType) -> type:
    """Return the process that runs Airflow's triggers, which is almost still as long as there is none."""

    class Runner(runner.TriggerRunner):  # type: ignore[name-defined, misc]  # loaded by name
        """Asks its supervisor for triggers, and looks whether one blocks the others, less often while it has none."""

        loops = 0

        async def sync_state_to_supervisor(self, finished_ids: list[int]) -> None:
            idle = not (self.triggers or finished_ids or self.events or self.failed_triggers)
            if not idle or self.loops % LOADS_EVERY == 0:
                await super().sync_state_to_supervisor(finished_ids)
            self.loops += 1

        async def block_watchdog(self) -> None:
            while not (self.triggers or self.stop):
                await asyncio.sleep(1)
            await super().block_watchdog()  # ten times a second from then on

    return Runner


if __name__ == "__main__":
    collect_seldom()
    module = import_module(RUNNER)
    module.TriggerRunnerSupervisor = supervisor_of(module)  # type: ignore[attr-defined]  # loaded by name
    module.TriggerRunner = runner_of(module)  # type: ignore[attr-defined]
    sys.argv = ["airflow", "triggerer", "--skip-serve-logs"]
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
