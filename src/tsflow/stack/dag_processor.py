"""Airflow's DAG processor, as a stack that mostly stands idle wants it.

It forks a process for each reading of each DAG file. What the files import is loaded before the first fork, as Airflow does for
its own modules alone. And it reads them when they or what they are made of (stations, recipes, settings) have changed, within two
seconds, in place of over and over again.
"""

import runpy
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import ModuleType
from typing import Any

from tsflow.folders import home
from tsflow.libraries import collect_seldom
from tsflow.stack.watched import Watched

# By name, as the stack stands apart from both: it starts them and uses neither.
LOADED = ("airflow.sdk.definitions.decorators", "tsflow.requests.form", "tsflow.settings")
COMMAND, MANAGER = "airflow.cli.commands.dag_processor_command", "airflow.dag_processing.manager"
REST_SECONDS = 2.0  # of a loop in which no file is read
ASKS_EVERY, TIDIES_EVERY = 3, 30  # loops


def reader_of(manager: ModuleType, watched: Watched) -> type:
    """Return Airflow's manager of DAG files with four of its methods overridden, two of which say "override" themselves."""

    class Reader(manager.DagFileProcessorManager):  # type: ignore[name-defined, misc]  # loaded by name
        """Reads what is older than the newest change, and asks the database less often for what rarely is there."""

        loops = 0
        changed_at = datetime.min.replace(tzinfo=UTC)

        def claim_priority_files(self) -> list[Any]:
            self.loops += 1
            self.changed_at = min(self.changed_at, now := datetime.now(UTC))  # a clock that was set back since
            if watched.changed():
                self.changed_at = now
                self.request_bundle_refresh([bundle.name for bundle in self._dag_bundles])  # which finds files that are new
            outdated = [file for file, stat in self._file_stats.items() if begun(stat) < self.changed_at]
            waiting = [file for file in outdated if file not in self._processors and file not in self._file_queue]
            return waiting + (super().claim_priority_files() if self.loops % ASKS_EVERY == 0 else [])

        def fetch_callbacks(self) -> list[Any]:
            return super().fetch_callbacks() if self.loops % ASKS_EVERY == 0 else []

        def _service_processor_sockets(self, timeout: float | None = 1.0) -> None:
            resting = not (self._processors or self._file_queue)
            super()._service_processor_sockets(REST_SECONDS if resting else timeout)

        def purge_inactive_dag_warnings(self) -> None:
            if self.loops % TIDIES_EVERY == 0:
                super().purge_inactive_dag_warnings()

    def begun(stat: Any) -> datetime:
        """When the last reading that has ended began; one that never ended is under way or waits already."""
        if stat.last_finish_time is None:
            return datetime.max.replace(tzinfo=UTC)
        ended: datetime = stat.last_finish_time
        return ended - timedelta(seconds=stat.last_duration or 0.0)

    return Reader


if __name__ == "__main__":
    collect_seldom()
    for module in LOADED:
        import_module(module)
    reader = reader_of(import_module(MANAGER), Watched([home() / "dags", home() / "include"]))
    import_module(COMMAND).DagFileProcessorManager = reader  # type: ignore[attr-defined]  # loaded by name
    sys.argv = ["airflow", "dag-processor"]
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
