"""What people and programs are shown: tables on the terminal, JSON on request, errors on stderr."""

import json
import sys
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

from tsflow.errors import TsflowError
from tsflow.evaluation.leaderboard import Leaderboard

_COLOURS = {"failed": "red", "skipped": "yellow"}  # of entrants without a result
_WIDE = 160  # of a pipe or a log, which has no width of its own
console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE, soft_wrap=not sys.stdout.isatty())
_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def say_json(content: Any) -> None:
    """Print content as JSON and nothing else."""
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def fail(error: TsflowError) -> NoReturn:
    """Print an error and exit with its code."""
    _errors.print(f"[bold red]{type(error).__name__}[/]: ", end="")
    _errors.print(str(error), markup=False)
    sys.exit(error.exit_code)


def board_table(board: Leaderboard) -> Table:
    """Return a leaderboard as a table for the terminal."""
    table = Table(
        title=f"{board.station}: {board.target} {board.horizon_hours} h ahead ({board.unit}), run {board.run}", title_justify="left"
    )
    for heading in (
        "#",
        "entrant",
        "val MAE",
        "test MAE",
        "95 %",
        "vs leader",
        "skill",
        "val RMSE",
        "test RMSE",
        "parameters",
        "epochs",
        "seconds",
    ):
        table.add_column(heading, justify="left" if heading == "entrant" else "right", no_wrap=True)
    for entrant in board.entrants:
        if entrant.status != "ok":
            colour = _COLOURS[entrant.status]
            cells = (f"[{colour}]{entrant.architecture}[/]", f"[{colour}]{entrant.status}[/]")
            table.add_row("-", *cells, "", "", "", "", "", "", "", "", "")
            continue
        best = entrant.architecture == board.champion
        table.add_row(
            str(entrant.rank),
            entrant.architecture,
            _number(entrant.val_mae),
            _number(entrant.test_mae),
            "-" if entrant.mae_low is None else f"{entrant.mae_low:.2f}-{entrant.mae_high:.2f}",
            entrant.verdict or "-",
            f"{round(100 * (entrant.skill or 0), 1) + 0.0:.1f} %",
            _number(entrant.val_rmse),
            _number(entrant.test_rmse),
            f"{entrant.parameters:,}",
            f"{entrant.epochs} ({entrant.best_epoch})" if entrant.epochs else "0",
            f"{entrant.train_seconds:.1f}",
            style="bold green" if best else None,
        )
    return table


def show_board(board: Leaderboard) -> None:
    """Print a leaderboard with the reasons of failed and skipped entrants."""
    console.print(board_table(board))
    for entrant in board.entrants:
        if entrant.reason:
            console.print(f"{entrant.architecture} {entrant.status}: ", style=_COLOURS[entrant.status], end="")
            console.print(entrant.reason, markup=False)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
