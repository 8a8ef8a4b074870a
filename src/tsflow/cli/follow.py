"""Following a run of Airflow's in the terminal: each task's state, each training's epoch and validation error."""

import time
from collections.abc import Mapping
from typing import Any

from rich.live import Live
from rich.table import Table

from tsflow.cli.output import console
from tsflow.errors import RunFailed
from tsflow.stack import Airflow, DagRun, TaskInstance
from tsflow.storage import keys
from tsflow.storage.codecs import from_json
from tsflow.storage.objects import ObjectStore

_POLL_SECONDS = 1.0
_COLOURS = {"success": "green", "running": "cyan", "failed": "red", "upstream_failed": "red", "up_for_retry": "yellow"}


def follow(airflow: Airflow, objects: ObjectStore, dag_id: str, conf: Mapping[str, Any]) -> str:
    """Trigger a DAG, show its run until it ends, and return the run's id.

    Raises
    ------
    RunFailed
        If the run did not succeed; names the tasks that failed and where their logs are.
    """
    airflow.wait_for_dag(dag_id)
    run_id = airflow.trigger(dag_id, conf)
    console.print(f"[bold]{dag_id}[/]: {airflow.url}/dags/{dag_id}/runs/{run_id}")
    shown: dict[str, str] = {}
    began = time.monotonic()
    with Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else _Nothing() as live:
        while True:
            run, tasks = airflow.dag_run(dag_id, run_id), airflow.task_instances(dag_id, run_id)
            progress = {name: _progress(objects, _folder(dag_id, run_id, name)) for name in _in_training(tasks)}
            if console.is_terminal:
                live.update(_table(dag_id, tasks, progress))
            _print_changes(tasks, progress, shown, time.monotonic() - began)
            if run.ended:
                break
            time.sleep(_POLL_SECONDS)
    _raise_if_failed(airflow, run, tasks)
    return run_id


class _Nothing:
    """What stands for the live table where there is no terminal."""

    def __enter__(self) -> "_Nothing":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, table: Table) -> None:
        """Show nothing."""


def _in_training(tasks: list[TaskInstance]) -> list[str]:
    return [task.rendered_map_index for task in tasks if task.task_id == "train" and task.rendered_map_index]


def _folder(dag_id: str, run_id: str, label: str) -> str:
    """Return the prefix of a training's epochs; a backtest's trainings are labelled with fold and architecture."""
    fold, _, architecture = label.rpartition(" ")
    folder = keys.fold_folder(keys.run_key(run_id), fold) if dag_id == "backtest" else keys.run_folder(keys.run_key(run_id))
    return keys.progress(folder, architecture)


def _progress(objects: ObjectStore, prefix: str) -> str:
    """Return a training's newest epoch, in words; empty before the first."""
    written = [key for key in objects.keys(prefix) if key.endswith(".json")]
    if not written:
        return ""
    epoch = from_json(objects.get(written[-1]), written[-1])
    return f"epoch {epoch['epoch']} of {epoch['of']}, validation MAE {epoch['val_mae']:.3f}"


def _table(dag_id: str, tasks: list[TaskInstance], progress: dict[str, str]) -> Table:
    table = Table(title=dag_id, title_justify="left")
    for heading in ("task", "state", "progress", "seconds"):
        table.add_column(heading, no_wrap=True)
    for task in tasks:
        state = task.state or "waiting"
        seconds = f"{task.duration:.0f}" if task.duration else ""
        table.add_row(
            task.label, f"[{_COLOURS.get(state, 'dim')}]{state}[/]", progress.get(task.rendered_map_index or "", ""), seconds
        )
    return table


def _print_changes(tasks: list[TaskInstance], progress: dict[str, str], shown: dict[str, str], seconds: float) -> None:
    """Print what is new since the last look; on a terminal the live table shows all but the ends of tasks."""
    for task in tasks:
        known = (task.state or "") in {"success", "failed", "upstream_failed", "skipped", "up_for_retry"}
        if (known or not console.is_terminal) and task.state and shown.get(task.label) != task.state:
            shown[task.label] = task.state
            colour = _COLOURS.get(task.state, "default")
            console.print(f"{seconds:5.0f} s  {task.label.replace('[', chr(92) + '[')}: [{colour}]{task.state}[/]")
    for name, text in progress.items():
        if text and shown.get(f"progress {name}") != text and not console.is_terminal:
            console.print(f"{seconds:5.0f} s  {name}: {text}")
            shown[f"progress {name}"] = text


def _raise_if_failed(airflow: Airflow, run: DagRun, tasks: list[TaskInstance]) -> None:
    if run.state == "success":
        return
    failed = ", ".join(task.label for task in tasks if task.state == "failed") or "no task; see the scheduler's log"
    msg = (
        f"run {run.dag_run_id} of {run.dag_id} ended as {run.state}; failed: {failed}; "
        f"the reason stands at the end of the task's log: {airflow.url}/dags/{run.dag_id}/runs/{run.dag_run_id}"
    )
    raise RunFailed(msg)
