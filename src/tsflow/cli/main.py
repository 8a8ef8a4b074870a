"""The commands and what they exit with: 0, or the `exit_code` of the error in `tsflow.errors`."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tsflow import __version__
from tsflow.cli import local, show, through_airflow, tuning
from tsflow.cli.output import console, fail
from tsflow.errors import SettingsError, TsflowError
from tsflow.settings import override, settings

app = typer.Typer(
    name="tsflow",
    help="A weather station's 24-hour temperature forecast, kept good every day by an Apache Airflow workflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
champion_app = typer.Typer(
    help="The published champion: what it is, and whether every byte of it is as published.", no_args_is_help=True
)
app.add_typer(champion_app, name="champion")

StationOption = Annotated[
    str | None, typer.Option("--station", help="A station of include/stations; default: the setting `station`.")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
SetOption = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override a setting, such as splits.book.train=2/3.")
]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="Use only what was known at this moment of the station's clock.")
]
ProfileHelp = "How much work: smoke, quick or full."


@app.callback(invoke_without_command=True)
def _main(*, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def up(*, as_json: JsonFlag = False) -> None:
    """Start the embedded stack (object store and Airflow) and wait until it is healthy."""
    through_airflow.up(as_json=as_json)


@app.command()
def down() -> None:
    """Stop the embedded stack; data and settings stay."""
    through_airflow.down()


@app.command()
def status(*, as_json: JsonFlag = False) -> None:
    """Show the stack's parts and their health; exits with 9 if one is not healthy."""
    through_airflow.status(as_json=as_json)


@app.command()
def run(
    *,
    station: StationOption = None,
    profile: Annotated[str, typer.Option(help=ProfileHelp)] = "quick",
    split: Annotated[str, typer.Option(help="book or recent.")] = "recent",
    architectures: Annotated[str | None, typer.Option(metavar="A,B", help="Default: those of the profile.")] = None,
    seed: Annotated[int, typer.Option(help="Of every training.")] = 1,
    as_of: AsOfOption = None,
    source: Annotated[str | None, typer.Option(help="A source of the station file; default: its first.")] = None,
) -> None:
    """Ingest and retrain once through Airflow, and follow it to its end."""
    through_airflow.run(
        {
            "station": station or settings().station,
            "profile": profile,
            "split": split,
            "architectures": _listed(architectures),
            "seed": seed,
            "as_of": as_of,
        },
        source=source,
    )


@app.command()
def retrain(
    more_sources: Annotated[list[Path] | None, typer.Argument(hidden=True)] = None,
    *,
    run_locally: Annotated[bool, typer.Option("--local", help="In this process, without Airflow.")] = False,
    station: Annotated[
        str | None, typer.Option("--station", metavar="NAME|FILE", help="A station of include/stations, or a station file.")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", metavar="NAME|PATH...", help="A source of the station file, or files to read.")
    ] = None,
    split: Annotated[str, typer.Option(help="book or recent.")] = "recent",
    profile: Annotated[str, typer.Option(help=ProfileHelp)] = "full",
    architectures: Annotated[str | None, typer.Option(metavar="A,B", help="Default: those of the profile.")] = None,
    seed: Annotated[int, typer.Option(help="Of every training.")] = 1,
    as_of: AsOfOption = None,
    json_out: Annotated[
        Path | None, typer.Option("--json", metavar="OUT", help="Write the leaderboard as JSON to this file.")
    ] = None,
    assignments: SetOption = [],  # noqa: B006  # typer reads the default, nobody changes it
) -> None:
    """Run the same steps in this process: ingest, train, rank, publish."""
    if not run_locally:
        msg = "retrain runs in this process: say --local; `tsflow run` goes through Airflow"
        raise SettingsError(msg)
    override(assignments)
    local.retrain(
        {
            "station": station or settings().station,
            "split": split,
            "profile": profile,
            "architectures": _listed(architectures),
            "seed": seed,
            "as_of": as_of,
        },
        sources=[*(source or []), *(str(path) for path in more_sources or [])],
        json_out=json_out,
    )


@app.command()
def backtest(
    *,
    run_locally: Annotated[bool, typer.Option("--local", help="In this process, without Airflow.")] = False,
    show_newest: Annotated[bool, typer.Option("--show", help="Only show the station's newest backtest.")] = False,
    run_id: Annotated[str | None, typer.Option("--run", help="With --show: a backtest; default: the newest.")] = None,
    station: StationOption = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="NAME|PATH", help="A source of the station file; with --local also files."),
    ] = None,
    folds: Annotated[int, typer.Option(help="The last one ends with the record.")] = 4,
    test_days: Annotated[int, typer.Option(help="Of each fold.")] = 60,
    validation_days: Annotated[int, typer.Option(help="Before them; decide when a training stops.")] = 60,
    train_days: Annotated[int | None, typer.Option(help="Before those; default: all there is.")] = None,
    step_days: Annotated[int | None, typer.Option(help="From fold to fold; default: 91, or --test-days if those are more.")] = None,
    profile: Annotated[str, typer.Option(help=ProfileHelp)] = "quick",
    architectures: Annotated[str | None, typer.Option(metavar="A,B", help="Default: those of the profile.")] = None,
    seed: Annotated[int, typer.Option(help="Of every training.")] = 1,
    as_of: AsOfOption = None,
    json_out: Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Write the summary as JSON to this file.")] = None,
    assignments: SetOption = [],  # noqa: B006  # typer reads the default, nobody changes it
) -> None:
    """Train and test every architecture at several ends of the record, through Airflow or --local."""
    if show_newest:
        show.backtest(station or settings().station, run_id, json_out)
        return
    if run_id is not None:
        msg = f"--run {run_id} goes with --show; a new backtest gets an id of its own"
        raise SettingsError(msg)
    if not run_locally and (assignments or len(source or []) > 1):
        msg = "--set and several --source are for --local: Airflow's tasks read their own settings and one source"
        raise SettingsError(msg)
    override(assignments)
    request = {
        "station": station or settings().station,
        "folds": folds,
        "test_days": test_days,
        "validation_days": validation_days,
        "train_days": train_days,
        "step_days": step_days,
        "profile": profile,
        "architectures": _listed(architectures),
        "seed": seed,
        "as_of": as_of,
    }
    if run_locally:
        local.backtest(request, sources=source or [], json_out=json_out)
    else:
        through_airflow.backtest(request, source=source[0] if source else None, json_out=json_out)


@app.command()
def tune(
    architecture: Annotated[str, typer.Argument(help="A recipe of include/architectures with a search space.")],
    *,
    minutes: Annotated[float | None, typer.Option(help="Of work in all, however often it is resumed; default: 10.")] = None,
    trials: Annotated[int | None, typer.Option(help="At most so many; default: what the minutes allow.")] = None,
    resume: Annotated[str | None, typer.Option(metavar="TUNING", help="Go on with a tuning that was stopped or killed.")] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the best recipe to this file.")] = None,
    station: Annotated[
        str | None, typer.Option("--station", metavar="NAME|FILE", help="A station of include/stations, or a station file.")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", metavar="NAME|PATH...", help="A source of the station file, or files to read.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="book or recent; default: recent.")] = None,
    profile: Annotated[str | None, typer.Option(help=ProfileHelp + " Default: full.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the search and of every training; default: 1.")] = None,
    as_of: AsOfOption = None,
    assignments: SetOption = [],  # noqa: B006  # typer reads the default, nobody changes it
) -> None:
    """Search better settings of one recipe in this process, by validation MAE."""
    override(assignments)
    asked = {
        "architecture": architecture,
        "station": station,
        "split": split,
        "profile": profile,
        "seed": seed,
        "as_of": as_of,
        "minutes": minutes,
        "trials": trials,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    tuning.tune(given, sources=source or [], resume=resume, output=output)


@app.command()
def leaderboard(
    *,
    station: StationOption = None,
    run_id: Annotated[str | None, typer.Option("--run", help="A run; default: the station's newest.")] = None,
    as_json: JsonFlag = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table, as in docs/results.md.")] = False,
) -> None:
    """Show a run's leaderboard."""
    show.leaderboard(station, run_id, form="json" if as_json else "markdown" if as_markdown else "terminal")


@champion_app.command("show")
def champion_show(*, station: StationOption = None, as_json: JsonFlag = False) -> None:
    """Show what the station's champion is and where it lies."""
    show.champion(station or settings().station, as_json=as_json)


@champion_app.command("verify")
def champion_verify(*, station: StationOption = None, as_json: JsonFlag = False) -> None:
    """Check every file of the champion against its manifest; exits with 5 if one differs."""
    show.verify(station or settings().station, as_json=as_json)


@app.command()
def forecast(
    *,
    station: StationOption = None,
    observations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file of the station's form; default: what is in the store.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Forecast with the champion from the last 120 hours."""
    show.forecast(station or settings().station, observations, as_json=as_json)


def _listed(names: str | None) -> list[str]:
    return [name.strip() for name in (names or "").split(",") if name.strip()]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        app(args=arguments, standalone_mode=True)
    except TsflowError as error:
        fail(error)
    except KeyboardInterrupt:
        console.print("stopped; whatever was written is complete, run the command again to go on")
        sys.exit(130)
