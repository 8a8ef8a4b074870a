"""The commands and what they exit with: 0, or the `exit_code` of the error in `tsflow.errors`."""

import logging
import sys
from pathlib import Path

import click

from tsflow import __version__
from tsflow.cli import champions, show
from tsflow.cli.garbage import collect_garbage
from tsflow.cli.observations import observations
from tsflow.cli.options import (
    How,
    as_json,
    here,
    local,
    of_local_option,
    publish_option,
    stage_of,
    station_option,
    task_option,
    workflow,
)
from tsflow.cli.output import console, fail, json_to_stdout
from tsflow.cli.replay import replay
from tsflow.cli.report import report
from tsflow.cli.serve import serve
from tsflow.cli.service import service
from tsflow.cli.station import station
from tsflow.errors import SettingsError, TsflowError
from tsflow.libraries import tell_tensorflow
from tsflow.names import LOCAL, PRODUCTION
from tsflow.requests import BacktestRequest, IngestRequest, RetrainRequest, TuneRequest
from tsflow.settings import settings

Asked = dict[str, object]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="%(version)s")
def app() -> None:
    """Keep a weather station's forecast good every day, by an Apache Airflow workflow."""


@app.command()
@click.option("--stay", is_flag=True, help="Stay, bring back what dies, and stop the stack at the end: for a service manager.")
@as_json
def up(json_out: str | None, *, stay: bool) -> None:
    """Start object store and Airflow, wait until both are healthy."""
    if stay and json_out is not None:
        msg = "--stay ends only when it is stopped, and has no result for --json; leave one of them out"
        raise SettingsError(msg)
    from tsflow.cli import stack

    if stay:
        stack.stay()
    else:
        stack.up(json_to_stdout(json_out))


@app.command()
def down() -> None:
    """Stop the embedded stack; data and settings stay."""
    from tsflow.cli import stack

    stack.down()


@app.command()
@as_json
def status(json_out: str | None) -> None:
    """Show the stack's parts and their health. Exits with 9 if one is not healthy."""
    from tsflow.cli import stack

    stack.status(json_to_stdout(json_out))


@app.command()
@here
@workflow(IngestRequest, json_out=False)
def ingest(asked: Asked, how: How) -> None:
    """Bring a station's newest observations into the store."""
    from tsflow.cli import here as in_this_process
    from tsflow.cli import through_airflow

    if how.here:
        in_this_process.ingest_once(IngestRequest.of(asked), how.sources)
    else:
        through_airflow.ingest(IngestRequest.of({**asked, "source": how.named_source()}))


@app.command()
@here
@publish_option
@workflow(RetrainRequest)
def run(asked: Asked, how: How, *, publish: bool) -> None:
    """Ingest, train every entrant, rank them and publish the best. Follows it to its end."""
    _run(asked, how, publish=publish)


@app.command(hidden=True)
@local
@publish_option
@workflow(RetrainRequest)
def retrain(asked: Asked, how: How, *, publish: bool) -> None:
    """Run in this process: the old name of `tsflow run --here`."""
    if not how.here:
        msg = "retrain is the old name of `tsflow run --here`; use that, or `tsflow run` to go through Airflow"
        raise SettingsError(msg)
    click.echo("`tsflow retrain --local` is the old name of `tsflow run --here`, which does the same", err=True)
    _run(asked, how, publish=publish)


def _run(asked: Asked, how: How, *, publish: bool) -> None:
    request = RetrainRequest.of(asked)
    from tsflow.cli import here as in_this_process
    from tsflow.cli import through_airflow

    if how.here:
        in_this_process.run(request, how.sources, how.json_out, stage=PRODUCTION if publish else LOCAL)
    else:
        through_airflow.run(request, how.named_source(), how.json_out)


@app.command()
@here
@local
@click.option("--show", "show_newest", is_flag=True, help="Show the station's newest backtest, and train nothing.")
@click.option("--run", "run_id", metavar="ID", help="Show this backtest; goes with --show.")
@workflow(BacktestRequest)
def backtest(asked: Asked, how: How, *, show_newest: bool, run_id: str | None) -> None:
    """Train and test every recipe at several ends of the record."""
    if show_newest:
        show.backtest(_text(asked["station"]), _text(asked["task"]), run_id, how.json_out)
        return
    if run_id is not None:
        msg = f"--run {run_id} goes with --show; a new backtest gets an id of its own"
        raise SettingsError(msg)
    request = BacktestRequest.of(asked)
    from tsflow.cli import here as in_this_process
    from tsflow.cli import through_airflow

    if how.here:
        in_this_process.backtest(request, how.sources, how.json_out)
    else:
        through_airflow.backtest(request, how.named_source(), how.json_out)


@app.command()
@here
@click.option(
    "--resume", metavar="TUNING", help="Go on with this tuning, which was stopped or killed, in this process; implies --here."
)
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the best recipe to this file; implies --here."
)
@workflow(TuneRequest)
def tune(asked: Asked, how: How, *, resume: str | None, output: Path | None) -> None:
    """Search better settings of one recipe, by validation MAE."""
    from tsflow.cli import here as in_this_process
    from tsflow.cli import through_airflow

    show.check_output(output, str(asked["architecture"]))
    if how.implied_here(resume, output).here:
        in_this_process.tune(asked, how.sources, resume=resume, output=output, json_out=how.json_out)
    else:
        through_airflow.tune(TuneRequest.of(asked), how.named_source(), how.json_out)


@app.command()
@station_option
@task_option
@click.option("--run", "run_id", metavar="RUN", help="Show this run's leaderboard. Default: the station's newest.")
@as_json
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a Markdown table, as in docs/results.md.")
def leaderboard(*, station: str | None, task: str | None, run_id: str | None, json_out: str | None, as_markdown: bool) -> None:
    """Show a run's leaderboard."""
    show.leaderboard(station, task, run_id, json_to_stdout(json_out), as_markdown=as_markdown)


@app.group()
def champion() -> None:
    """Show the champion, what became of it, and check every byte of it; promote, roll back, refuse, pin."""


champions.add_commands(champion)
for command in (collect_garbage, observations, serve, service, station, replay, report):
    app.add_command(command)


@champion.command("show")
@station_option
@task_option
@of_local_option
@as_json
def champion_show(*, station: str | None, task: str | None, of_local: bool, json_out: str | None) -> None:
    """Show what a task's champion is and where it lies."""
    show.champion(station or settings().station, task, stage_of(local=of_local), json_to_stdout(json_out))


@champion.command("verify")
@station_option
@task_option
@of_local_option
@as_json
def champion_verify(*, station: str | None, task: str | None, of_local: bool, json_out: str | None) -> None:
    """Check every file of the champion against its manifest; exits with 5 if one differs."""
    show.verify(station or settings().station, task, stage_of(local=of_local), json_to_stdout(json_out))


@app.command()
@station_option
@task_option
@click.option(
    "--observations",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Forecast from this file of the station's form. Default: from the newest rows in the store.",
)
@of_local_option
@as_json
def forecast(*, station: str | None, task: str | None, of_local: bool, observations: Path | None, json_out: str | None) -> None:
    """Forecast with the champion from the last hours."""
    show.forecast(station or settings().station, task, stage_of(local=of_local), observations, json_to_stdout(json_out))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    tell_tensorflow()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        app(args=arguments, standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(SettingsError.exit_code)
    except TsflowError as error:
        fail(error)
    except (KeyboardInterrupt, click.Abort):
        console.print("stopped; whatever was written is complete, run the command again to go on")
        sys.exit(130)
