"""Trigger a DAG, follow the run, and show which worker took which task."""

import json
import time
from collections.abc import Mapping

from tsflow.stack import Airflow
from tsflow.stack.api import TaskInstance

POLL_SECONDS = 0.5


def follow_run(url: str, password: str, dag: str, conf: Mapping[str, object], timeout_seconds: float) -> str:
    """Trigger a DAG, wait for the run's end, print the table of its tasks, and return the run's state."""
    airflow = Airflow(url, "admin", password)
    airflow.wait_for_dag(dag, timeout_seconds)
    begun = time.monotonic()
    run = airflow.dag_run(dag, airflow.trigger(dag, conf))
    while not run.ended and time.monotonic() - begun < timeout_seconds:
        time.sleep(POLL_SECONDS)
        run = airflow.dag_run(dag, run.dag_run_id)
    seconds = time.monotonic() - begun
    tasks = airflow.task_instances(dag, run.dag_run_id)
    print(f"\n{dag} {json.dumps(conf)}: {run.state} after {seconds:.1f} s\n\n{table(tasks)}\n", flush=True)
    return run.state


def table(tasks: list[TaskInstance]) -> str:
    """Return a run's tasks as a Markdown table, in the order of their start."""
    lines = ["| task | worker | queue | state | seconds |", "|---|---|---|---|---|"]
    for task in sorted(tasks, key=lambda task: task.start_date or "~"):
        cells = (task.label, task.hostname or "", task.queue or "", task.state or "", f"{task.duration or 0:.1f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
