"""Finding every process of this stack, also those whose parents are gone: all bear a mark in their environment."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import psutil

from tsflow.stack.places import stack_id

# Not TSFLOW_: the settings reject variables of that prefix which they do not know.
ID_VARIABLE, PART_VARIABLE = "TSFSTACK_ID", "TSFSTACK_PART"


def marked_environment(part: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the mark of this stack and of one of its parts."""
    # setproctitle, which Airflow uses, would write its titles over the mark.
    return {**environment, ID_VARIABLE: stack_id(), PART_VARIABLE: part, "SPT_NOENV": "1"}


def unmarked_environment() -> dict[str, str]:
    """Return this process's environment without a mark, for processes to come."""
    return {name: value for name, value in os.environ.items() if name not in {ID_VARIABLE, PART_VARIABLE}}


def part_of(process: psutil.Process) -> str | None:
    """Return which part of this stack a process is, or None if it is dead or none of ours."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        environment = _environment(process)
    except (psutil.Error, OSError):
        return None
    return environment.get(PART_VARIABLE) if environment.get(ID_VARIABLE) == stack_id() else None


def stat_fields(pid: int) -> list[str]:
    """Return what Linux says of a process, from its state on (see proc_pid_stat(5), where that is field 3).

    Raises
    ------
    OSError
        If the process is gone, or this is not Linux.
    """
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def marked(wanted: Callable[[str], bool] = lambda part: True) -> list[psutil.Process]:
    """Return the living processes of the parts that are wanted, but for this one and those that it runs in."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in own and (part := part_of(process)) is not None and wanted(part)
    ]


def end(processes: Iterable[psutil.Process], grace_seconds: float) -> None:
    """Ask processes to stop, wait, and kill those that did not."""
    living = list(processes)
    for process in living:
        _signal(process.terminate)
    living = wait_gone(living, grace_seconds)
    for process in living:
        _signal(process.kill)
    wait_gone(living, 5.0)


def sweep(wanted: Callable[[str], bool], grace_seconds: float = 0.0) -> None:
    """End every process of the parts that are wanted, and what they start meanwhile."""
    deadline = time.monotonic() + grace_seconds + 10.0
    while (left := marked(wanted)) and time.monotonic() < deadline:
        end(left, grace_seconds)


def wait_gone(processes: Iterable[psutil.Process], timeout_seconds: float) -> list[psutil.Process]:
    """Return those that still live after a while; a dead child that nobody waited for counts as gone."""
    deadline = time.monotonic() + timeout_seconds
    living = list(processes)
    while True:
        living = [process for process in living if _lives(process)]
        if not living or time.monotonic() >= deadline:
            return living
        time.sleep(0.05)


def _environment(process: psutil.Process) -> dict[str, str]:
    """Return the environment, once the system has it: for some milliseconds after a process began its program it shows none."""
    deadline = time.monotonic() + 1.0
    while not (environment := process.environ()) and time.monotonic() < deadline:
        if not _lacks_environment(process):
            return process.environ()  # which may have come between the two looks
        time.sleep(0.001)
    return environment


def _lacks_environment(process: psutil.Process) -> bool:
    """Return whether a process has a program, but not yet the place of its environment (see proc_pid_stat(5): env_end)."""
    try:
        return stat_fields(process.pid)[48] == "0" and bool(process.exe())
    except OSError:
        return False


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return
