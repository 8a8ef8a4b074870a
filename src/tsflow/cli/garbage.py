"""`tsflow gc`: what nobody needs any more, by kind, with the reason; removed, or only shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.table import Table

from tsflow.cli.options import as_json
from tsflow.cli.output import console, json_to_stdout, write_json
from tsflow.cli.stores import store
from tsflow.settings import settings

if TYPE_CHECKING:
    from tsflow.records.retention import Collection
    from tsflow.steps import Garbage

_UNITS = ("B", "kB", "MB", "GB", "TB")


@click.command("gc")
@click.option("--dry-run", is_flag=True, help="Only show what would go, and why.")
@as_json
def collect_garbage(*, dry_run: bool, json_out: str | None) -> None:
    """Remove what nobody needs any more: old runs, models, datasets, batches, forecasts, logs.

    How long each kind is kept are the settings `retention`. Champions that may come back, and whatever is under way, stay.
    """
    json_to_stdout(json_out)
    from tsflow import steps

    with store() as records:
        garbage = steps.collect_garbage(records, settings(), dry_run=dry_run)
    write_json(json_out, {**garbage.model_dump(mode="json"), "dry_run": dry_run})
    if json_out != "-":
        _show(garbage, dry_run=dry_run)


def _show(garbage: Garbage, *, dry_run: bool) -> None:
    found = garbage.store
    if found.objects:
        console.print(_table(found, "would go" if not found.removed else "went"))
    else:
        console.print("store     nothing is due")
    console.print(f"stays     {found.stay_objects:,} objects, {size_text(found.stay_size)}, and all observations")
    if found.packed_parts:
        console.print(f"packed    {found.packed_parts:,} parts of observations, by month; they go once nobody reads them any more")
    if (disk := garbage.disk) is not None:
        console.print(f"disk      {size_text(disk.before)} before, {size_text(disk.after)} after")
    if (logs := garbage.logs) is not None:
        console.print(f"logs      {logs.files:,} old files, {size_text(logs.size)}, in {logs.folder}", markup=False)
    if (database := garbage.database) is not None:
        told = f"{database.rows:,} old rows of {size_text(database.size)}, by `airflow db clean`"
        console.print(f"database  {told}; what they took is used again", markup=False)
    for note in [*found.notes, *([disk.note] if disk and disk.note else [])]:
        console.print(note, style="yellow", markup=False)
    if dry_run:
        console.print("nothing was removed: `tsflow gc` does that, and the DAG retention once a week", style="dim", markup=False)


def _table(found: Collection, title: str) -> Table:
    table = Table(title=f"What {title}, by the store's clock at {found.at:%Y-%m-%d %H:%M} UTC", title_justify="left")
    for heading in ("kind", "objects", "size", "oldest", "why", "kept longer by"):
        right = heading in {"objects", "size"}
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading not in {"why"}, overflow="fold")
    for kind in found.kinds:
        if kind.objects:
            oldest = "" if kind.oldest is None else f"{kind.oldest:%Y-%m-%d}"
            table.add_row(kind.kind, f"{kind.objects:,}", size_text(kind.size), oldest, kind.why, f"retention.{kind.setting}")
    table.add_row("all", f"{found.objects:,}", size_text(found.size), "", "", "", style="bold")
    return table


def size_text(size: float) -> str:
    """Return a size as people say it."""
    for unit in _UNITS[:-1]:
        if abs(size) < 1000:  # of the next unit
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {_UNITS[-1]}"
