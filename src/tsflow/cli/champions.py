"""`tsflow champion history|promote|rollback|refuse|pin|unpin`: what became of a champion, and what a person does with it."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from tsflow.cli.options import as_json, of_local_option, stage_of, station_option, task_option
from tsflow.cli.output import console, json_to_stdout, write_json
from tsflow.cli.stores import read_only_store, store
from tsflow.settings import settings

if TYPE_CHECKING:
    from tsflow.champion.history import History
    from tsflow.records.history import Entry
    from tsflow.records.store import Records

Command = Callable[..., None]
_KINDS = {"promotion": "green", "refresh": "green", "adoption": "green", "rollback": "yellow", "refusal": "yellow", "pin": "cyan"}


def person() -> str:
    """Return who gives a command, for the history: the user of this machine."""
    return getpass.getuser()


def add_commands(group: click.Group) -> None:
    """Add the commands to `tsflow champion`."""
    group.add_command(_history)
    for name, text in {
        "promote": "Make VERSION the champion, whatever the gate said of it.",
        "rollback": "Make VERSION, which was champion before, the champion again.",
        "refuse": "Keep VERSION from ever becoming champion.",
    }.items():
        group.add_command(_on_version(name, text))
    for name, text in {
        "pin": "Hold the champion that there is: nothing moves it until `unpin`.",
        "unpin": "Lift a pin: the next run may move the champion again.",
    }.items():
        group.add_command(_on_champion(name, text))


_reason_option = click.option("--reason", required=True, metavar="TEXT", help="Say why; it stays in the history.")


@click.command("history")
@station_option
@task_option
@of_local_option
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="Show the newest N entries.")
@click.option("--rules", is_flag=True, help="Show of each entry every rule of the gate with its figure.")
@as_json
def _history(*, station: str | None, task: str | None, of_local: bool, last: int, rules: bool, json_out: str | None) -> None:
    """Show every promotion, refusal, rollback and pin with its reason, the newest first."""
    json_out = json_to_stdout(json_out)
    with read_only_store() as records:
        history = _opened(records, station, task, local=of_local)
        history.as_it_lies()  # a pointer or an entry that cannot be read is told first
        entries = [entry for entry, _ in zip(history.entries(), range(last), strict=False)]
    write_json(json_out, {"entries": [entry.model_dump(mode="json") for entry in entries]})
    if json_out != "-":
        _show(entries, history, rules=rules)


def _on_version(action: str, text: str) -> click.Command:
    @click.command(action, help=text)
    @click.argument("version")
    @station_option
    @task_option
    @of_local_option
    @_reason_option
    @as_json
    def command(*, version: str, station: str | None, task: str | None, of_local: bool, reason: str, json_out: str | None) -> None:
        _do(action, (version,), station, task, local=of_local, reason=reason, json_out=json_out)

    return command


def _on_champion(action: str, text: str) -> click.Command:
    @click.command(action, help=text)
    @station_option
    @task_option
    @of_local_option
    @_reason_option
    @as_json
    def command(*, station: str | None, task: str | None, of_local: bool, reason: str, json_out: str | None) -> None:
        _do(action, (), station, task, local=of_local, reason=reason, json_out=json_out)

    return command


def _do(
    action: str,
    version: tuple[str, ...],
    station: str | None,
    task: str | None,
    *,
    local: bool,
    reason: str,
    json_out: str | None,
) -> None:
    from tsflow.champion import actions

    json_out = json_to_stdout(json_out)
    with store() as records:
        history = _opened(records, station, task, local=local)
        last = history.standing().last
        seen = last.number if last else None
        entry: Entry = getattr(actions, action)(history, *version, actor=person(), reason=reason, seen=seen)
    write_json(json_out, entry.model_dump(mode="json"))
    if json_out != "-":
        console.print(f"[green]{entry.kind}[/] {entry.version} ({entry.architecture}), entry {entry.number} of the history")


def _opened(records: Records, station: str | None, task: str | None, *, local: bool) -> History:
    from tsflow.champion.history import History
    from tsflow.cli.show import of_station

    name, asked = of_station(records, station or settings().station, task)
    return History(records, name, asked, stage_of(local=local), private_key=settings().signing.private_key())


def _show(entries: list[Entry], history: History, *, rules: bool) -> None:
    if not entries:
        console.print(f"station {history.station}, task {history.task}: no champion and no refusal yet", markup=False)
        return
    table = Table(title=f"{history.station}, task {history.task}: the champion's history, newest first", title_justify="left")
    for heading in ("", "when (UTC)", "what", "model", "version", "val. MAE", "by", "why"):
        table.add_column(heading, no_wrap=heading in {"version", "when (UTC)", "what"}, overflow="fold")
    champion = entries[0].state.champion
    for entry in entries:
        mark = "champion" if entry.number == champion else str(entry.number)
        error = "" if entry.val_mae is None else f"{entry.val_mae:.3f}"
        why = [
            entry.reason,
            *(f"{'ok' if check.passed else 'FAILED'} {check.rule}: {check.found}" for check in entry.checks if rules),
        ]
        cells = [mark, f"{entry.at:%Y-%m-%d %H:%M}", entry.kind, entry.architecture or "", entry.version or "", error, entry.actor]
        table.add_row(*map(escape, [*cells, "\n".join(why)]), style=_KINDS.get(entry.kind, "default") if mark == "champion" else "")
    console.print(table)
