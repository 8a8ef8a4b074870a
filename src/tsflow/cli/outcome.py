"""Showing what became of a champion: an entry of its history, its newest forecast, its live score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsflow.cli.output import console, skill_text
from tsflow.names import MAIN, PRODUCTION

if TYPE_CHECKING:
    from tsflow.records.forecast import Interval, LatestForecast, Report
    from tsflow.records.history import Entry

_KINDS = {"promotion": "green", "refresh": "green", "refusal": "yellow"}


def show_entry(entry: Entry) -> None:
    """Print what became of a board's model, and why."""
    stage = "" if entry.stage == PRODUCTION else f" ({entry.stage})"
    console.print(f"[{_KINDS.get(entry.kind, 'default')}]{entry.kind}[/]{stage}: {entry.architecture}, version {entry.version}")
    console.print(f"          {entry.reason}", markup=False)
    if entry.kind == "refusal":
        console.print("          the champion stays as it was; `tsflow champion history --rules` shows every rule", markup=False)


def show_report(seen: Report) -> None:
    """Print how the champion's forecasts did, and what somebody should look at."""
    if seen.mae is None or seen.naive_mae is None:
        console.print(f"live      no forecast was scored yet, on {seen.day}", markup=False)
    else:
        told = f"over {seen.days} days up to {seen.day} its forecasts' error was {seen.mae:.2f}, that of naive {seen.naive_mae:.2f}"
        better = "" if seen.skill is None else f" ({skill_text(seen.skill)} better)"
        console.print(f"live      {told}{better}", markup=False)
    for alert in seen.alerts:
        console.print(f"alert     {alert.text}", style="yellow", markup=False)


def show_latest(latest: LatestForecast | None) -> None:
    """Print the newest forecast, or why there is none."""
    if latest is None:
        return
    if latest.status == "none":
        console.print(f"forecast  none: {latest.problem}: {latest.reason}", markup=False)
    if (made := latest.forecast) is None:
        return
    bounds = ", ".join(f"{100 * each.level:g} %: {each.low:.1f} to {each.high:.1f}{_stretch(each)}" for each in made.intervals)
    console.print(
        f"forecast  {made.target} at {made.target_time:%Y-%m-%d %H:%M} (station's clock): {made.value:.1f} {made.unit} ({bounds}), "
        f"made from {made.origin:%Y-%m-%d %H:%M}; as now would be {made.naive:.1f}",
        markup=False,
    )
    if latest.bridged_hours:
        show_bridged(latest.bridged_hours)


def _stretch(interval: Interval) -> str:
    return "" if interval.stretch == 1 else f", {interval.stretch:.2f} times as wide as published, as the last ones held"


def show_bridged(hours: int) -> None:
    """Print that a forecast's context has a gap that was bridged."""
    console.print(f"          {hours} h of its context were interpolated over a gap", style="yellow", markup=False)


def show_how_to_read(station: str, task: str) -> None:
    """Print how people and programs get at the champion's forecasts."""
    further = "" if task == MAIN else f" --task {task}"
    console.print(f"read it   tsflow forecast --station {station}{further}", markup=False)
    console.print(
        "          from tsflow.client import load_champion  # in a program, with the keys of .tsflow/reader.env", markup=False
    )
