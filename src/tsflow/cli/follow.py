"""Following a run of Airflow's in the terminal: each task's state, each training's epoch and validation error."""

import time
from collections.abc import Mapping
from itertools import count
from typing import Any

from rich.live import Live
from rich.table import Table

from tsflow.cli.output import console
from tsflow.errors import RunFailed, SettingsError, StackError, StorageUnavailable, TsflowError
from tsflow.records.candidate import Epoch, StoredCandidate, StoredEpoch
from tsflow.records.files import FOLD, RUN
from tsflow.records.names import run_key
from tsflow.records.store import Records
from tsflow.stack import Airflow, DagRun, TaskInstance

_POLL_SECONDS = 1.0
_POLL_SHARE, _POLL_SECONDS_AT_MOST = 1 / 60, 3.0  # of a run's age: each look costs the processors that it waits for
_RUN_EVERY = 5  # looks at its tasks: how the run is, and what may hold it up, is asked less often; each question costs the server
_READ_SECONDS = 90.0  # Airflow reads DAG files, whose forms list the names, again and again
_PATIENCE_SECONDS = 300.0  # with an API or a store that is away: a restart takes less
_NEW_NAME = "is not one of"  # in the words of JSON Schema
_COLOURS = {"success": "green", "running": "cyan", "failed": "red", "upstream_failed": "red", "up_for_retry": "yellow"}


def follow(airflow: Airflow, records: Records, dag_id: str, conf: Mapping[str, Any]) -> str:
    """Trigger a DAG, show its run until it ends, and return the run's id.

    Raises
    ------
    RunFailed
        If the run did not succeed; names the tasks that failed and where their logs are.
    """
    airflow.wait_for_dag(dag_id)
    run_id = _triggered(airflow, dag_id, conf)
    console.print(f"[bold]{dag_id}[/]: {airflow.url}/dags/{dag_id}/runs/{run_id}")
    shown: dict[str, str] = {}
    progress: dict[str, str] = {}
    began = time.monotonic()
    away: float | None = None
    looks, settled = count(), False
    with Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else _Nothing() as live:
        while True:
            try:
                run = None
                if settled or away is not None or next(looks) % _RUN_EVERY == 0:
                    run = airflow.dag_run(dag_id, run_id)
                    if not run.ended:
                        airflow.require_working(dag_id)
                tasks = airflow.task_instances(dag_id, run_id)
                progress |= _progress(
                    records, dag_id, run_id, [task for task in tasks if not task.state == shown.get(task.label) == "success"]
                )
            except (StackError, StorageUnavailable) as absence:
                away = _wait_on(absence, away)
                continue
            away = None
            if console.is_terminal:
                live.update(_table(dag_id, tasks, progress))
            _print_changes(tasks, progress, shown, time.monotonic() - began)
            if run is not None and run.ended:
                break
            settled, were_settled = all(task.ended for task in tasks), settled
            if were_settled or not settled:  # else it is worth asking at once how the run ended
                time.sleep(_pause(time.monotonic() - began))
    _raise_if_failed(airflow, run, tasks)
    return run_id


def _pause(age: float) -> float:
    """Return how long to wait until the next look at a run that has gone on for so many seconds."""
    return min(max(_POLL_SECONDS, age * _POLL_SHARE), _POLL_SECONDS_AT_MOST)


def _wait_on(absence: TsflowError, since: float | None) -> float:
    """Wait a little for an API or a store that is away, and say so once; raise when it has been away for too long."""
    now = time.monotonic()
    if since is None:
        console.print(f"{absence}; the run goes on without us, waiting for an answer", markup=False)
    elif now - since > _PATIENCE_SECONDS:
        raise absence
    time.sleep(_POLL_SECONDS)
    return since or now


def _triggered(airflow: Airflow, dag_id: str, conf: Mapping[str, Any]) -> str:
    """Start a run; a station or a recipe whose file is new is known here some seconds before Airflow has read it."""
    deadline, told = time.monotonic() + _READ_SECONDS, False
    while True:
        try:
            return airflow.trigger(dag_id, conf)
        except SettingsError as refusal:
            if _NEW_NAME not in str(refusal) or time.monotonic() >= deadline:
                raise
        if not told:
            console.print("Airflow has not read a new file under include/ yet; waiting for that")
            told = True
        time.sleep(_POLL_SECONDS)


class _Nothing:
    """What stands for the live table where there is no terminal."""

    def __enter__(self) -> "_Nothing":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, table: Table) -> None:
        """Show nothing."""


def _progress(records: Records, dag_id: str, run_id: str, tasks: list[TaskInstance]) -> dict[str, str]:
    """Return by label the newest epoch of trainings that run, and the last one of those that ended, in words."""
    found = {}
    for task in tasks:
        if task.task_id == "train" and task.rendered_map_index and task.state in {"running", "success"}:
            epoch = _newest_epoch(records, dag_id, run_id, task.rendered_map_index, ended=task.state == "success")
            if epoch is not None:
                error = "" if epoch.val_mae is None else f", validation MAE {epoch.val_mae:.3f}"
                found[task.rendered_map_index] = f"epoch {epoch.epoch} of {epoch.of}{error}"
    return found


def _newest_epoch(records: Records, dag_id: str, run_id: str, label: str, *, ended: bool) -> Epoch | None:
    """Return the newest epoch, if there is one; a training that has ended keeps those of its candidate alone.

    A backtest's labels are fold and architecture.
    """
    fold, _, architecture = label.rpartition(" ")
    folder = FOLD.key(backtest=run_key(run_id), fold=fold) if dag_id == "backtest" else RUN.key(run=run_key(run_id))
    if not ended:
        return records.newest(StoredEpoch, folder=folder, architecture=architecture)
    done = records.find(StoredCandidate, folder=folder, architecture=architecture)
    return done.curve[-1] if done is not None and done.curve else None


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
