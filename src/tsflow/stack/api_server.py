"""Airflow's API server, whose record of who did what is written beside its event loop.

Airflow commits that record within the loop (`action_logging`). SQLite takes one writer at a time: if a request holds the database,
the loop waits for it, and it waits for the loop to be told that it is done, until SQLite's patience ends. So two requests at once,
two clicks or a click and a task that ends, stopped pages, tasks and API for a minute, and one of the two failed.

And a request that changed something wakes the scheduler, which else would see it some seconds later.
"""

import asyncio
import runpy
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from importlib import import_module
from typing import Any

from tsflow.libraries import collect_seldom
from tsflow.stack.bell import RingsAfterChanges

Record = Callable[..., Awaitable[None]]  # given request, session and user by name

# By name, as the stack starts Airflow and does not use it.
RECORDS, SERVER = "airflow.api_fastapi.logging.decorators", "airflow.api_fastapi.app"


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
    """Let every route that Airflow makes from now on write its records so, and every server ring for its scheduler."""
    records: Any = import_module(RECORDS)
    within_the_loop: Callable[..., Record] = records.action_logging
    records.action_logging = lambda event=None: beside_the_loop(within_the_loop(event))
    server: Any = import_module(SERVER)  # after the records, which its routes take when they are made
    airflows: Callable[[Any], None] = server.init_middlewares

    def init_middlewares(app: Any) -> None:
        airflows(app)
        app.add_middleware(RingsAfterChanges)

    server.init_middlewares = init_middlewares


if __name__ == "__main__":
    collect_seldom()
    patch()
    sys.argv = ["airflow", "api-server"]
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
