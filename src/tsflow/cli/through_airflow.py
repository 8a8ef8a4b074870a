"""Commands about the stack: `up`, `down`, `status`, and `run`, which goes through Airflow."""

import json
from pathlib import Path
from typing import Any

from tsflow import stack
from tsflow.cli.follow import follow
from tsflow.cli.output import console, say_json, show_board
from tsflow.errors import StackError
from tsflow.settings import settings
from tsflow.stack import Airflow, StackStatus
from tsflow.stations.station import load_station
from tsflow.steps.requests import RetrainRequest
from tsflow.storage.keys import run_key
from tsflow.storage.objects import ObjectStore


def up(*, as_json: bool) -> None:
    """Start the stack and say where it answers."""
    if as_json:
        say_json(stack.up(settings()).model_dump(mode="json"))
        return
    with console.status("starting the object store and Airflow"):
        started = stack.up(settings())
    _show_addresses(started)


def down() -> None:
    """Stop the stack."""
    stack.down()
    console.print("the stack is stopped; `tsflow up` starts it again with all its data")


def status(*, as_json: bool) -> None:
    """Show every part of the stack; raise if it is not healthy."""
    found = stack.status()
    if as_json:
        say_json(found.model_dump(mode="json"))
    else:
        for part in found.components:
            mark = "[green]healthy[/]" if part.healthy else "[red]not healthy[/]"
            note = f", {part.reason}" if part.reason else ""
            console.print(f"{part.name:<14} {part.state:<9} {mark} pid {part.pid}, {part.restarts} restarts{note}")
        _show_addresses(found)
    if not found.healthy:
        raise StackError(found.reason or f"the stack is {found.state}")


def run(request: dict[str, Any], *, source: str | None) -> None:
    """Trigger `ingest_weather`, then `retrain`, follow both, and show what came out."""
    checked = RetrainRequest.of(request).checked()
    load_station(checked.station).source(source)
    started = stack.up(settings())
    airflow = Airflow.of_stack(started)
    as_of = f"{checked.as_of.isoformat()}Z" if checked.as_of else None  # the form wants a zone; it is the station's clock
    ingest = {"station": checked.station, "as_of": as_of, "source": source, "retrain": False}
    with stack.object_store(settings()) as store:
        objects = ObjectStore.from_settings(store)
        follow(airflow, objects, "ingest_weather", ingest)
        conf = {name: getattr(checked, name) for name in ("station", "split", "profile", "architectures", "seed")}
        run_id = follow(airflow, objects, "retrain", {**conf, "as_of": as_of})
        from tsflow.client import load_champion
        from tsflow.steps import latest_leaderboard

        board = latest_leaderboard(objects, run_key(run_id))
        champion = load_champion(board.station, objects)
        address = objects.address(champion.pointer.manifest_key)
    show_board(board)
    console.print(f"champion  {champion.manifest.architecture}, version {champion.manifest.version}")
    console.print(f"          {address} at {store.endpoint_url or 'AWS'}")
    _show_addresses(started)


def _show_addresses(found: StackStatus) -> None:
    if found.ui_url is None:
        console.print(f"the stack is {found.state}: {found.reason}")
        return
    passwords = json.loads(Path(found.password_file).read_text(encoding="utf-8"))
    console.print(f"Airflow   {found.ui_url}  user {found.login_user}, password {passwords[found.login_user]}", markup=False)
    console.print(f"objects   {found.object_store_endpoint}  bucket {found.bucket}; logs in {found.logs}")
