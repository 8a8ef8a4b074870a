"""A whole stack of a test's own, used as its user does: by the command line and by Airflow's REST API."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import yaml

from conftest import REPOSITORY
from tsflow.stack import Airflow

TSFLOW = Path(sys.executable).parent / "tsflow"


class Shell:
    """A clone of its own, its state folder, and `tsflow` in it."""

    def __init__(self, folder: Path, entrants: Sequence[str], **settings: str) -> None:
        self.home, self.state = folder / "home", folder / "state"
        for part in ("include", "dags", "plugins"):
            shutil.copytree(REPOSITORY / part, self.home / part)
        demo = self.home / "include" / "stations" / "demo.yaml"
        content = yaml.safe_load(demo.read_text())
        content["sources"]["simulator"]["history_days"] = 100  # enough for the gate
        content["tasks"] = {"main": {}, "half_day": {"horizon_hours": 12}}
        demo.write_text(yaml.safe_dump(content, sort_keys=False))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TSFLOW_", "PYTHONDONTWRITE"))}
        self.environment = inherited | {
            "TSFLOW_HOME": str(self.home),
            "TSFLOW_STATE": str(self.state),
            "TSFLOW_SCHEDULE__PROFILE": "smoke",
            **{f"TSFLOW_SCHEDULE__{what}_CRON": "30 4 29 2 *" for what in ("INGEST", "RETRAIN", "MONITOR")},  # not while tests run
            "TSFLOW_PROFILES__SMOKE__ARCHITECTURES": json.dumps(entrants),
            "TSFLOW_PROFILES__SMOKE__HISTORY_DAYS": "100",
            "TSFLOW_PROFILES__SMOKE__MAY_PROMOTE": "true",
            **settings,
        }

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([TSFLOW, *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=580)

    def processes(self) -> list[psutil.Process]:
        """Every process that works in this state folder, whoever its parent is."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("TSFLOW_STATE") == self.environment["TSFLOW_STATE"]:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found


def ended(airflow: Airflow, dag_id: str, conf: dict) -> str:
    """Trigger a DAG and wait for the run's success; return its id."""
    run_id = airflow.trigger(dag_id, conf)
    wait_until(lambda: airflow.dag_run(dag_id, run_id).ended)
    assert airflow.dag_run(dag_id, run_id).state == "success"
    return run_id


def wait_until(condition, seconds: float = 1000, *, every: float = 0.5) -> None:
    """Poll until a condition holds, more seldom what starts a process each time; the deadline only ends a test that has failed."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(every)
