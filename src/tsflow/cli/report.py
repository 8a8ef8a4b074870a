"""The command `tsflow report`: a leaderboard, a backtest or a tuning as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from tsflow.cli.options import station_option, task_option
from tsflow.cli.output import console
from tsflow.cli.show import station_name
from tsflow.cli.stores import read_only_store
from tsflow.errors import SettingsError
from tsflow.settings import settings


@click.command()
@station_option
@task_option
@click.option("--run", "run_id", metavar="RUN", help="Of this run. Default: the station's newest leaderboard.")
@click.option("--backtest", "backtest_id", metavar="ID", help="Of this backtest, in place of a run.")
@click.option("--tuning", "tuning_id", metavar="ID", help="Of this tuning, in place of a run.")
@click.option("--html", "file", type=click.Path(path_type=Path), metavar="FILE", required=True, help="Write the page to this file.")
def report(
    *, station: str | None, task: str | None, run_id: str | None, backtest_id: str | None, tuning_id: str | None, file: Path
) -> None:
    """Write a leaderboard, a backtest or a tuning as one HTML file that needs nothing else: no server, no network."""
    from tsflow.evaluation.boards import newest_board
    from tsflow.pages.report import report_of_backtest, report_of_run, report_of_tuning

    if sum(given is not None for given in (run_id, backtest_id, tuning_id)) > 1:
        msg = "--run, --backtest and --tuning name one result each; give one of them"
        raise SettingsError(msg)
    if not file.parent.is_dir():
        msg = f"--html {file}: there is no folder {file.parent}; create it, or name another"
        raise SettingsError(msg)
    with read_only_store() as records:
        if backtest_id is not None:
            body = report_of_backtest(records, settings(), backtest_id)
        elif tuning_id is not None:
            body = report_of_tuning(records, settings(), tuning_id)
        else:
            run = run_id or newest_board(records, station_name(station or settings().station), task).run
            body = report_of_run(records, settings(), run)
    file.write_bytes(body)
    console.print(f"wrote {file}: {len(body) / 1e6:.1f} MB, which any browser opens without a network", markup=False)
