"""Options of the commands: those of a request are made from its fields, and mean on the command line what they mean in the form."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import click

from tsflow.cli.output import json_to_stdout
from tsflow.errors import SettingsError
from tsflow.names import LOCAL, PRODUCTION, Stage
from tsflow.requests import IngestRequest, Request
from tsflow.requests.knobs import Knob, knobs
from tsflow.settings import override

Command = TypeVar("Command", bound=Callable[..., Any])
_METAVARS = {"integer": "N", "number": "N", "date-time": "DATE", "string": "NAME", "list": "A,B"}


@dataclass(frozen=True)
class How:
    """How a workflow's command was called: where it runs, on which observations, and where its result goes."""

    here: bool
    sources: tuple[str, ...]  # names of sources, or files
    assignments: tuple[str, ...]  # settings of this process
    json_out: str | None

    def implied_here(self, *given: object) -> How:
        """Return it with `--here`, if one of these was given, which only this process can do."""
        return replace(self, here=self.here or any(one is not None for one in given))

    def named_source(self) -> str | None:
        """Return the source that Airflow's tasks are to read.

        Raises
        ------
        SettingsError
            If something was given that they would not see: settings of this process, or files of this machine.
        """
        if self.assignments or len(self.sources) > 1:
            given = ", ".join([*(f"--set {pair}" for pair in self.assignments), *self.sources[1:]])
            msg = f"{given}: Airflow's tasks read their own settings and the sources of the station file; add --here"
            raise SettingsError(msg)
        return self.sources[0] if self.sources else None


def workflow(request: type[Request], *, json_out: bool = True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a workflow: options for the fields of its request, which it gets as a dict, and for `How`.

    A field that is required becomes an argument.
    """
    of_request = [knob for knob in knobs(request, settings_may_be_wrong=True) if knob.name != "source"]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def called(
            *,
            here: bool = False,
            run_locally: bool = False,
            source: tuple[str, ...],
            files: tuple[str, ...],
            assignments: tuple[str, ...],
            json_out: str | None = None,
            **options: object,
        ) -> None:
            asked = {knob.name: options.pop(knob.name) for knob in of_request}
            how = How(here or run_locally, (*source, *files), assignments, json_to_stdout(json_out))
            command(asked, how, **options)

        outer: Callable[..., None] = _sources(_overrides(called))
        if json_out:
            outer = as_json(outer)
        for knob in reversed(of_request):
            outer = click.argument(knob.name)(outer) if knob.required else option_of(knob)(outer)
        return outer

    return decorate


def option_of(knob: Knob, more: str = "", **details: Any) -> Callable[[Command], Command]:
    """Return the option of a field, with the field's own sentence."""
    text = f"{knob.sentence}{more}{_default(knob)}"
    if knob.kind == "boolean":
        return click.option(f"{knob.option}/--no-{knob.option.removeprefix('--')}", knob.name, default=None, help=text)
    return click.option(
        knob.option, knob.name, metavar=_METAVARS[knob.kind], callback=lambda *given: _value(knob, given[-1]), help=text, **details
    )


def _default(knob: Knob) -> str:
    return "" if knob.default in (None, []) else f" Default: {str(knob.default).lower()}."


def _value(knob: Knob, given: str | None) -> object:
    """Return what was given as the form would send it; what cannot be read so is left for the request to refuse."""
    if given is None:
        return None
    if knob.kind == "list":
        return [name.strip() for name in given.split(",") if name.strip()]
    if knob.kind in {"integer", "number"}:
        try:
            return json.loads(given)
        except ValueError:
            return given
    return given


def _sources(command: Command) -> Command:
    """Give a command where its observations come from: one source by its name, or files."""
    (knob,) = [knob for knob in knobs(IngestRequest, settings_may_be_wrong=True) if knob.name == "source"]
    more = " With --here also a file or a pattern; give --source again, or more files after it, for several."
    text = f"{knob.sentence}{more}"
    command = click.argument("files", nargs=-1, metavar="[FILE]...")(command)
    return click.option("--source", "source", multiple=True, metavar="NAME|FILE", help=text)(command)


here = click.option(
    "--here", is_flag=True, help="Run the workflow's steps in this process, without Airflow; by default Airflow runs them."
)
local = click.option("--local", "run_locally", is_flag=True, hidden=True, help="The old name of --here.")
as_json = click.option(
    "--json",
    "json_out",
    is_flag=False,
    flag_value="-",
    default=None,
    metavar="[PATH]",
    help="Write the result as JSON to this file, or without a path to standard output.",
)


def _override(_: click.Context, __: click.Parameter, pairs: tuple[str, ...]) -> tuple[str, ...]:
    override(list(pairs))
    return pairs


_overrides = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_override,
    is_eager=True,
    help="Override a setting in this process, such as splits.book.train=2/3; give --set again for several.",
)
task_option = click.option("--task", metavar="NAME", help="Work on this task of the station. Default: its first task.")
station_option = click.option(
    "--station",
    metavar="NAME|FILE",
    help="Work on this station: a name, or the path of a station file. Default: setting `station`.",
)
publish_option = click.option(
    "--publish",
    is_flag=True,
    help="With --here: let the gate move the champion that production reads. Without it, a run in this process publishes to a "
    "pointer of its own, which `--local` of `tsflow champion` and `tsflow forecast` reads.",
)
of_local_option = click.option(
    "--local", "of_local", is_flag=True, help="Read what `tsflow run --here` tried out, not the champion of production."
)


def stage_of(*, local: bool) -> Stage:
    """Return the stage that `--local` means."""
    return LOCAL if local else PRODUCTION
