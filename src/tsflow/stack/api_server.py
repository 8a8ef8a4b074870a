"""Airflow's API server, whose record of who did what is written beside its event loop.

Airflow commits that record within the loop (`action_logging`). SQLite takes one writer at a time: if a request holds the database,
the loop waits for it, and it waits for the loop to be told that it is done, until SQLite's patience ends. So two requests at once,
two clicks or a click and a task that ends, stopped pages, tasks and API for a minute, and one of the two failed.
"""

import asyncio
import runpy
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from importlib import import_module
from typing import Any

Record = Callable[..., Awaitable[None]]  # given request, session and user by name

RECORDS = "airflow.api_fastapi.logging.decorators"  # by name, as the stack starts Airflow and does not use it


def beside_the_loop(record: Record) -> Record:
    """Return the same record of an action, whose commit stops nobody else."""

    @wraps(record)  # FastAPI reads from the signature what is to be given
    async def log_action(**given: Any) -> None:
        await given["request"].body()  # which the request keeps, so that the record need not ask this loop for it
        await asyncio.to_thread(lambda: asyncio.run(_recorded(record, given)))

    return log_action


async def _recorded(record: Record, given: Mapping[str, Any]) -> None:
    await record(**given)


def patch() -> None:
    """Let every route that Airflow makes from now on write its records so."""
    module: Any = import_module(RECORDS)
    within_the_loop: Callable[..., Record] = module.action_logging
    module.action_logging = lambda event=None: beside_the_loop(within_the_loop(event))


if __name__ == "__main__":
    patch()
    sys.argv = ["airflow", "api-server"]
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
