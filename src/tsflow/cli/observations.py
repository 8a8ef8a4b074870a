"""`tsflow observations`: what the store holds of a station."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from tsflow.cli.options import as_json, station_option
from tsflow.cli.output import console, json_to_stdout, write_json
from tsflow.cli.plot import check_plot, write_plot
from tsflow.cli.show import station_described
from tsflow.cli.stores import read_only_store
from tsflow.settings import settings

if TYPE_CHECKING:
    from tsflow.observations.coverage import Coverage, MonthCoverage
    from tsflow.records.dataset import Implausible, Reading

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_GAPS_SHOWN = 5


@click.command()
@station_option
@click.option(
    "--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw the record into this file, whose name ends in .svg."
)
@as_json
def observations(*, station: str | None, plot: Path | None, json_out: str | None) -> None:
    """Show what the store holds: coverage, gaps, missing and implausible values, the newest row.

    Keys that only read are enough, such as those of .tsflow/reader.env.
    """
    from tsflow.observations.coverage import look
    from tsflow.observations.picture import picture

    json_to_stdout(json_out)
    check_plot(plot)
    with read_only_store() as records:
        seen = look(records, station_described(records, station or settings().station))
    write_json(json_out, seen.coverage.model_dump(mode="json"))
    if json_out != "-":
        _show(seen.coverage)
    if plot is not None:
        write_plot(plot, picture(seen))


def _show(seen: Coverage) -> None:
    share = math.floor(10_000 * min(seen.rows / seen.expected, 1)) / 100
    console.print(f"{seen.station}: {seen.title}", markup=False)
    console.print(
        f"rows      {seen.rows:,} of {seen.expected:,} expected ({share:.2f} %), {seen.first} to {seen.last}", markup=False
    )
    console.print(
        f"newest    {seen.last} by the station's clock, {_age(seen.age_hours)}; "
        f"the newest part came in {seen.arrived_at:%Y-%m-%d %H:%M} UTC",
        markup=False,
    )
    console.print(_months(seen.months))
    _show_gaps(seen)
    console.print(_variables(seen))
    for one in seen.implausible:
        console.print(f"{one.variable}: {one.kind}: {_told(one)}", style="yellow", markup=False)


def _months(months: list[MonthCoverage]) -> Table:
    """Return a line a year with the coverage of each month, which fits a terminal of 80 columns."""
    table = Table(title="rows of each month, in % of those expected", title_justify="left")
    for heading in ("", *_MONTHS):
        table.add_column(heading, justify="right", no_wrap=True, min_width=3)
    cells = {one.month: _month(one) for one in months}
    for year in sorted({one.month[:4] for one in months}):
        table.add_row(year, *(cells.get(f"{year}-{number:02d}", "") for number in range(1, 13)))
    return table


def _month(month: MonthCoverage) -> str:
    share = _per_cent(month.rows, month.expected)
    return share if share == "100" else f"[yellow]{share}[/]" if month.rows else f"[red]{share}[/]"


def _show_gaps(seen: Coverage) -> None:
    if not seen.gaps:
        console.print("gaps      none", markup=False)
        return
    console.print(f"gaps      {seen.gap_count:,}, the longest:", markup=False)
    for gap in seen.gaps[:_GAPS_SHOWN]:
        console.print(f"          {gap.missing_rows:,} rows between {gap.after} and {gap.before}", markup=False)


def _variables(seen: Coverage) -> Table:
    aside = {(one.variable, one.kind): f"{one.count:,}" for one in seen.implausible}
    table = Table(title="values by variable", title_justify="left")
    for heading in ("variable", "unit", "missing", "%", "out of range", "stuck", "spikes"):
        table.add_column(heading, justify="left" if heading in {"variable", "unit"} else "right", no_wrap=True)
    for one in seen.variables:
        missing = (f"{one.missing:,}", f"{100 * one.missing_share:.2f}") if one.missing else ("", "")
        if one.missing == seen.rows:
            missing = ("[red]all[/]", "100")
        kinds = (aside.get((one.variable, "out of range"), ""), aside.get((one.variable, "stuck"), ""))
        table.add_row(one.variable, escape(one.unit), *missing, *kinds, aside.get((one.variable, "spike"), ""))
    return table


def _told(seen: Implausible) -> str:
    where = ", ".join(map(_reading, seen.first))
    return f"1 value, at {where}" if seen.count == 1 else f"{seen.count:,} values, first at {where}"


def _reading(seen: Reading) -> str:
    return f"{seen.time} ({'infinite' if seen.value is None else f'{seen.value:g}'})"


def _per_cent(rows: int, expected: int) -> str:
    """Return a share rounded down, so that 100 means all of them."""
    return str(math.floor(100 * min(rows / expected, 1))) if expected else "100"


def _age(hours: float) -> str:
    return f"{hours:.1f} hours ago" if hours < 72 else f"{hours / 24:,.0f} days ago"
