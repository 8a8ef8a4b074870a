"""What people and programs are shown: tables on the terminal, JSON on request, errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tsflow.errors import StorageUnavailable, TsflowError
from tsflow.names import MAIN, NO_SKILL, TOO_FEW, UNDEFINED

if TYPE_CHECKING:
    from tsflow.records.backtest import Backtest, BacktestEntrant
    from tsflow.records.leaderboard import Leaderboard
    from tsflow.records.tuning import Tuning

_COLOURS = {"failed": "red", "skipped": "yellow", "rested": "dim"}  # of entrants without a result
_WIDE = 160  # of a pipe or a log, which has no width of its own
console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE, soft_wrap=not sys.stdout.isatty())
_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a text as it is, for other programs or files."""
    sys.stdout.write(f"{text}\n")


def json_to_stdout(json_out: str | None) -> str | None:
    """Send everything for people to standard error if standard output is for JSON; return where JSON goes."""
    console.stderr = json_out == "-"
    return json_out


def write_json(json_out: str | None, content: Mapping[str, Any]) -> None:
    """Write a result as JSON to a file or to standard output (`-`); None: nobody asked for it."""
    if json_out is None:
        return
    text = json.dumps(content, indent=2, ensure_ascii=False)
    if json_out == "-":
        say(text)
        return
    try:
        Path(json_out).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        msg = f"--json {json_out}: cannot be written ({error}); the result itself is complete and in the object store"
        raise StorageUnavailable(msg) from error


def fail(error: TsflowError) -> NoReturn:
    """Print an error and exit with its code."""
    _errors.print(f"[bold red]{type(error).__name__}[/]: ", end="")
    _errors.print(str(error), markup=False)
    sys.exit(error.exit_code)


def board_table(board: Leaderboard) -> Table:
    """Return a leaderboard as a table for the terminal."""
    task = "" if board.task == MAIN else f", task {board.task}"
    title = f"{board.station}{task}: {board.target} {board.horizon_hours} h ahead ({board.unit}), run {board.run}"
    table = Table(title=escape(title), title_justify="left")
    for heading in (
        "#",
        "entrant",
        "val MAE",
        "test MAE",
        "95 %",
        "vs challenger",
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
        best = entrant.architecture == board.challenger
        table.add_row(
            str(entrant.rank),
            entrant.architecture,
            _number(entrant.val_mae),
            _number(entrant.test_mae),
            "-" if entrant.mae_low is None else f"{entrant.mae_low:.2f}-{entrant.mae_high:.2f}",
            _verdict(entrant.verdict),
            skill_text(entrant.skill),
            _number(entrant.val_rmse),
            _number(entrant.test_rmse),
            f"{entrant.parameters:,}",
            f"{entrant.epochs} ({entrant.best_epoch})" if entrant.epochs else "0",
            f"{entrant.train_seconds:.1f}",
            style="bold green" if best else None,
        )
    return table


def board_markdown(board: Leaderboard) -> str:
    """Return a leaderboard as a Markdown table."""
    lines = [
        "| # | entrant | validation MAE | test MAE (95 %) | published | skill | against the challenger | "
        "covered 80 / 95 % | CRPS | parameters | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for entrant in board.entrants:
        if entrant.status != "ok":
            lines.append(f"| – | {entrant.architecture} | {entrant.status}: {entrant.reason} | | | | | | | | |")
            continue
        interval = "" if entrant.mae_low is None else f" ({entrant.mae_low:.2f}–{entrant.mae_high:.2f})"
        cells = (
            str(entrant.rank),
            entrant.architecture,
            _number(entrant.val_mae),
            f"{_number(entrant.test_mae)}{interval}",
            f"{entrant.published_mae:.2f}" if entrant.published_mae else "",
            skill_text(entrant.skill),
            _verdict(entrant.verdict),
            " / ".join(f"{100 * band.coverage:.1f}" for band in entrant.intervals),
            _number(entrant.crps),
            f"{entrant.parameters:,}",
            f"{entrant.train_seconds:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


_LEGEND = """ranked by validation MAE; test MAE, its 95 % interval, skill (against naive) and vs challenger (rank 1) are of the test
part; better, worse: more than chance, for all lines together; tie: no clear difference; epochs: trained (the best one). The gate
compares with champion and naive on validation and test together; whom validation picked or tuned on test alone."""
_BACKTEST_LEGEND = """vs {reference}, which was named before there were results: better, worse: more than chance, for all
lines together; tie: no clear difference. may be best: whether it may be the best of those with every fold."""


def show_board(board: Leaderboard) -> None:
    """Print a leaderboard with the reasons of those who have no result."""
    console.print(board_table(board))
    console.print(_LEGEND, style="dim", markup=False)
    _tell_what_lacks(board.lacks_data, no_error="test" in board.naive and board.naive["test"] == 0)
    if board.run.startswith("here-"):
        console.print("a run without Airflow (--here): a try, unless it was published with --publish", style="dim", markup=False)
    for warning in board.warnings:
        console.print(warning, style="yellow", markup=False)
    for entrant in board.entrants:
        if entrant.reason:
            console.print(f"{entrant.architecture} {entrant.status}: ", style=_COLOURS[entrant.status], end="")
            console.print(entrant.reason, markup=False)


def backtest_table(summary: Backtest) -> Table:
    """Return a backtest as a table for the terminal."""
    title = f"{summary.station}: {summary.target} {summary.horizon_hours} h ahead ({summary.unit}), backtest {summary.backtest}"
    table = Table(title=escape(title), title_justify="left")
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("entrant", no_wrap=True)
    for heading in ("MAE", "95 %", "RMSE", "bias", "skill", f"vs {summary.reference}", "may be best", *summary.folds):
        table.add_column(heading, justify="right", no_wrap=True)
    for entrant in summary.entrants:
        if entrant.errors is None:
            table.add_row("-", f"[red]{entrant.architecture}[/]", "[red]failed[/]", *[""] * (6 + len(summary.folds)))
            continue
        table.add_row(
            str(entrant.rank or "-"),
            entrant.architecture,
            _number(entrant.errors.mae),
            "-" if entrant.mae_low is None else f"{entrant.mae_low:.2f}-{entrant.mae_high:.2f}",
            _number(entrant.errors.rmse),
            f"{entrant.errors.bias:+.2f}",
            skill_text(entrant.skill),
            _verdict(entrant.verdict),
            _best(entrant),
            *("[red]failed[/]" if fold in entrant.failures else _number(entrant.errors.by_fold[fold]) for fold in summary.folds),
            style="bold green" if entrant.architecture == summary.leader else None,
        )
    naive = summary.naive
    folds = (_number(naive.by_fold[fold]) for fold in summary.folds)
    table.add_row("", "as now", _number(naive.mae), "", _number(naive.rmse), f"{naive.bias:+.2f}", "", "", "", *folds, style="dim")
    return table


def show_backtest(summary: Backtest) -> None:
    """Print a backtest with the reasons of what failed; the columns at the right are the folds."""
    console.print(backtest_table(summary))
    console.print(_BACKTEST_LEGEND.format(reference=summary.reference), style="dim", markup=False)
    _tell_what_lacks(summary.lacks_data, no_error=summary.naive.mae == 0)
    for entrant in summary.entrants:
        for fold, reason in entrant.failures.items():
            console.print(f"{fold} {entrant.architecture} failed: ", style="red", end="")
            console.print(reason, markup=False)


def show_tuning(result: Tuning, address: str, output: Path | None) -> None:
    """Print what a tuning found, and its recipe, or write that to a file."""
    before = "-" if result.before is None else f"{result.before:.4f}"
    console.print(f"{len(result.trials)} trials ({result.counts}) in {result.spent_minutes:.1f} minutes")
    console.print(f"validation MAE before {before}, after {result.after:.4f} (trial {result.best})")
    if result.finalists:
        console.print(f"Of the best few with other seeds: {result.gain.told(result.unit)}", markup=False)
    console.print(f"recipe, table of trials and page: {address}", markup=False)
    if output is None:
        console.print(f"\n# save as include/architectures/{result.tuned}.yaml\n{result.recipe}", markup=False)
        return
    try:
        output.write_text(result.recipe, encoding="utf-8")
    except OSError as error:
        msg = f"--output {output}: cannot be written ({error}); the recipe itself is in the object store, at the address above"
        raise StorageUnavailable(msg) from error
    console.print(f"written {output}", markup=False)


def skill_text(value: float | None) -> str:
    """Return a skill in per cent."""
    return UNDEFINED if value is None else f"{round(100 * value, 1) + 0.0:.1f} %"


def _verdict(value: str | None) -> str:
    """Return a verdict in a word; the legend says more."""
    return {None: "-", "unknown": "too few days"}.get(value, str(value))


def _best(entrant: BacktestEntrant) -> str:
    return {None: "-", True: "maybe", False: "no"}[entrant.may_be_best]


def _tell_what_lacks(lacks_data: bool, *, no_error: bool) -> None:
    """Print in whole sentences what a table could not say."""
    for told, sentence in ((lacks_data, TOO_FEW), (no_error, NO_SKILL)):
        if told:
            console.print(sentence, style="yellow", markup=False)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
