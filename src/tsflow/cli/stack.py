"""Commands about the embedded stack: `up`, `down`, `status`."""

import json
import signal
from pathlib import Path

from tsflow import stack
from tsflow.cli.output import console, write_json
from tsflow.errors import StackError
from tsflow.settings import settings
from tsflow.stack import StackStatus


def up(json_out: str | None) -> None:
    """Start the stack and say where it answers."""
    with console.status("starting the object store and Airflow"):
        started = stack.up(settings())
    show_addresses(started)
    write_json(json_out, started.model_dump(mode="json"))


def stay() -> None:
    """Start the stack, and keep it up until SIGTERM or Ctrl-C; then stop it."""
    asked: list[int] = []
    heard = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup has it ignore that the terminal is gone
        heard.append(signal.SIGHUP)
    for number in heard:
        signal.signal(number, lambda received, _: asked.append(received))
    stack.stay(settings(), lambda: bool(asked))


def down() -> None:
    """Stop the stack."""
    stack.down()
    console.print("the stack is stopped; `tsflow up` starts it again with all its data")


def status(json_out: str | None) -> None:
    """Show every part of the stack; raise if it is not healthy."""
    found = stack.status()
    for part in found.components:
        mark = "[green]healthy[/]" if part.healthy else "[red]not healthy[/]"
        note = f", {part.reason}" if part.reason else ""
        console.print(f"{part.name:<14} {part.state:<9} {mark} pid {part.pid}, {part.restarts} restarts{note}")
    show_addresses(found)
    write_json(json_out, found.model_dump(mode="json"))
    if not found.healthy:
        raise StackError(found.reason or f"the stack is {found.state}")


def show_addresses(found: StackStatus) -> None:
    """Say where the UI and the object store answer; the password only on a terminal, as a log would keep it."""
    if found.ui_url is None:
        console.print(f"the stack is {found.state}: {found.reason}")
        return
    login = f"user {found.login_user}, password in {found.password_file}"
    if console.is_terminal:
        passwords = json.loads(Path(found.password_file).read_text(encoding="utf-8"))
        login = f"user {found.login_user}, password {passwords[found.login_user]}"
    console.print(f"Airflow   {found.ui_url}  {login}", markup=False)
    console.print(f"objects   {found.object_store_endpoint}  bucket {found.bucket}; logs in {found.logs}", markup=False)
    if found.reader_file:
        console.print(f"readers   {found.reader_file}  (address and keys that may only read)", markup=False)
