"""What a stack costs that nobody uses, and how soon a run that is triggered begins.

    .venv/bin/tsflow up
    .venv/bin/python benchmarks/idle.py --seconds 600 --triggers 5 --output idle.json

Looks at the stack that is up: each part's processor time, its children's that came and went included, as a share of one core, and
the memory that is its own; then it triggers a DAG and asks Airflow when the first task of the run began. Let the stack
stand for a minute before, and leave its pages closed.
"""

import argparse
import json
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from tsflow.stack import Airflow, StackStatus, status
from tsflow.stack.record import KEEPER, SUPERVISOR, living


def processes(stack: StackStatus) -> dict[str, psutil.Process]:
    """Return the processes of the stack by name; those that a part keeps are numbered."""
    daemons = {name: record.pid for name in (SUPERVISOR, KEEPER) if (record := living(name)) is not None}
    parts = {part.name: part.pid for part in stack.components if part.pid is not None}
    found = {name: psutil.Process(pid) for name, pid in {**daemons, **parts}.items()}
    for name in parts:
        for number, child in enumerate(found[name].children(recursive=True), 1):
            found[f"{name} {number}"] = child
    return found


def spent(one: psutil.Process) -> float:
    """Return the seconds of processor time of a process and of its children that have ended."""
    times = one.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def idle(seconds: float) -> dict[str, Any]:
    """Watch the stack for so long. A part that is restarted meanwhile spoils the measurement, which then ends with an error."""
    watched = processes(status())
    before = {name: spent(one) for name, one in watched.items() if one.is_running()}
    began = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    found: dict[str, dict[str, float]] = {}
    for name, one in watched.items():
        try:
            share, memory = 100 * (spent(one) - before[name]) / passed, one.memory_full_info().uss / 1e6
        except (psutil.NoSuchProcess, KeyError):
            if " " not in name:
                raise
            continue  # a child that reads a DAG file: its parent counts its time
        part = found.setdefault(name.split()[0], {"percent_of_a_core": 0.0, "memory_mb": 0.0})
        part["percent_of_a_core"] += share
        part["memory_mb"] += memory
    total = {key: sum(part[key] for part in found.values()) for key in ("percent_of_a_core", "memory_mb")}
    rounded = {name: {key: round(value, 2) for key, value in part.items()} for name, part in {**found, "total": total}.items()}
    return {"seconds": round(passed), "parts": rounded}


def seconds_to_first_task(airflow: Airflow, dag: str) -> float:
    """Trigger a run and return how long it took until its first task began, by Airflow's own clock."""
    asked = datetime.now(UTC)
    run = airflow.trigger(dag)
    while not airflow.dag_run(dag, run).ended:
        time.sleep(1)
    begun = [task.start_date for task in airflow.task_instances(dag, run) if task.start_date]
    return (min(datetime.fromisoformat(moment) for moment in begun) - asked).total_seconds()


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--triggers", type=int, default=5)
    parser.add_argument("--dag", default="monitor", help="what is triggered")
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    stack = status()
    if not stack.healthy:
        parser.error(f"the stack is not up and well: {stack.reason}; run `tsflow up`, wait a minute, and try again")
    found = idle(asked.seconds)
    waits = [round(seconds_to_first_task(Airflow.of_stack(stack), asked.dag), 2) for _ in range(asked.triggers)]
    found |= {"seconds_to_first_task": waits, "median": statistics.median(waits) if waits else None}
    print(json.dumps(found, indent=2))
    if asked.output:
        asked.output.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
