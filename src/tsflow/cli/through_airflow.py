"""Commands about the stack: `up`, `down`, `status`, and `run`, which goes through Airflow."""

import json
from pathlib import Path
from typing import Any

from tsflow import stack
from tsflow.cli.follow import follow
from tsflow.cli.output import console, say_json, show_backtest, show_board, write_json
from tsflow.errors import StackError
from tsflow.settings import settings
from tsflow.stack import Airflow, StackStatus
from tsflow.stations.station import load_station
from tsflow.steps.requests import BacktestRequest, RetrainRequest, TrainingRequest
from tsflow.storage.keys import run_key
from tsflow.storage.objects import ObjectStore
from tsflow.texts import without_passwords


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
    with stack.object_store(settings()) as store:
        objects = ObjectStore.from_settings(store)
        run_id = _ingest_and(Airflow.of_stack(started), objects, "retrain", checked, source)
        from tsflow.client import load_champion
        from tsflow.steps import latest_leaderboard

        board = latest_leaderboard(objects, run_key(run_id))
        champion = load_champion(board.station, objects)
        address = objects.address(champion.pointer.manifest_key)
    show_board(board)
    console.print(f"champion  {champion.manifest.architecture}, version {champion.manifest.version}")
    console.print(f"          {address} at {without_passwords(store.endpoint_url or 'AWS')}")
    _show_addresses(started)


def backtest(request: dict[str, Any], *, source: str | None, json_out: Path | None) -> None:
    """Trigger `ingest_weather`, then `backtest`, follow both, and show what came out."""
    checked = BacktestRequest.of(request).checked()
    load_station(checked.station).source(source)
    started = stack.up(settings())
    with stack.object_store(settings()) as store:
        objects = ObjectStore.from_settings(store)
        run_id = _ingest_and(Airflow.of_stack(started), objects, "backtest", checked, source)
        from tsflow.steps import latest_summary

        summary = latest_summary(objects, run_key(run_id))
    show_backtest(summary)
    if json_out is not None:
        write_json(json_out, summary.model_dump(mode="json"))
    _show_addresses(started)


def _ingest_and(airflow: Airflow, objects: ObjectStore, dag_id: str, request: TrainingRequest, source: str | None) -> str:
    """Follow a run of `ingest_weather` and then one of another DAG; return the latter's id."""
    as_of = f"{request.as_of.isoformat()}Z" if request.as_of else None  # the form wants a zone; it is the station's clock
    follow(airflow, objects, "ingest_weather", {"station": request.station, "as_of": as_of, "source": source, "retrain": False})
    return follow(airflow, objects, dag_id, {**request.model_dump(exclude={"start"}), "as_of": as_of})


def _show_addresses(found: StackStatus) -> None:
    if found.ui_url is None:
        console.print(f"the stack is {found.state}: {found.reason}")
        return
    login = f"user {found.login_user}, password in {found.password_file}"
    if console.is_terminal:  # what is not one, such as CI, keeps what it is shown
        passwords = json.loads(Path(found.password_file).read_text(encoding="utf-8"))
        login = f"user {found.login_user}, password {passwords[found.login_user]}"
    console.print(f"Airflow   {found.ui_url}  {login}", markup=False)
    console.print(f"objects   {found.object_store_endpoint}  bucket {found.bucket}; logs in {found.logs}")
