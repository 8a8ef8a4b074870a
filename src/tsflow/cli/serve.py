"""`tsflow serve`: forecasts over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tsflow.cli.output import console
from tsflow.settings import settings

if TYPE_CHECKING:
    from tsflow.storage.objects import ObjectStore


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Listen on this address.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), metavar="N", help="Listen on this port.")
@click.option(
    "--refresh",
    default=15.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="Look for a newer champion and a newer forecast after so many seconds.",
)
def serve(host: str, port: int, refresh: float) -> None:
    """Answer HTTP requests for forecasts, with keys that only read.

    The keys are those of TSFLOW_OBJECT_STORE__*, such as .tsflow/reader.env has; without them the embedded store's reader keys.
    """
    from tsflow.service.run import run

    objects = _store()
    console.print(f"http://{host}:{port}/docs", markup=False)
    run(objects, host=host, port=port, refresh_seconds=refresh)


def _store() -> ObjectStore:
    from tsflow.stack.reader import reader_settings

    store = settings().object_store
    return store.open() if store.endpoint_url is not None else reader_settings(store).open()
