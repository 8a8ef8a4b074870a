"""Commands that only read: leaderboard, backtest, champion, forecast."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tsflow.cli.outcome import show_bridged, show_report
from tsflow.cli.output import board_markdown, console, say, show_backtest, show_board, write_json
from tsflow.cli.stores import read_only_store
from tsflow.errors import IntegrityError, SettingsError, UnknownName
from tsflow.folders import names_in
from tsflow.names import PRODUCTION, Stage
from tsflow.settings import settings

if TYPE_CHECKING:
    from tsflow.observations.recent import Recent, Wanted
    from tsflow.records.store import Records
    from tsflow.stations.station import Station

_HOURS_SHOWN = 72
_NAME = r"[a-z0-9][a-z0-9_-]*"


def leaderboard(station: str | None, task: str | None, run_id: str | None, json_out: str | None, *, as_markdown: bool) -> None:
    """Print a run's leaderboard, or the newest one of a station."""
    from tsflow.evaluation.boards import board_of, newest_board

    with read_only_store() as records:
        if run_id is None:
            board = newest_board(records, station_name(station or settings().station), task)
        else:
            board = board_of(records, run_id)
        if station and board.station != station_name(station):
            msg = f"run {run_id} is of station {board.station}, not {station}; leave --station or --run out"
            raise SettingsError(msg)
    write_json(json_out, board.model_dump(mode="json"))
    if as_markdown:
        say(board_markdown(board))
    elif json_out != "-":
        show_board(board)


def backtest(station: str | None, task: str | None, backtest_id: str | None, json_out: str | None) -> None:
    """Print a backtest's summary, or the newest one of a station."""
    from tsflow.backtesting.reading import newest_backtest, summary_of

    with read_only_store() as records:
        if backtest_id is None:
            summary = newest_backtest(records, station_name(station or settings().station), task)
        else:
            summary = summary_of(records, backtest_id)
    if json_out != "-":
        show_backtest(summary)
    write_json(json_out, summary.model_dump(mode="json"))


def champion(station: str, task: str | None, stage: Stage, json_out: str | None) -> None:
    """Print what the pointer and the manifest say."""
    from tsflow.bundle.reading import read_champion
    from tsflow.records.forecast import Report

    with read_only_store() as records:
        name, asked = of_station(records, station, task)
        loaded = read_champion(records.objects, name, asked, stage)
        address = records.objects.address(loaded.pointer.manifest_key)
        seen = records.newest(Report, station=loaded.manifest.station, task=loaded.manifest.target.task)
    manifest = loaded.manifest
    write_json(json_out, {"pointer": asdict(loaded.pointer), "manifest": asdict(manifest), "address": address})
    if json_out == "-":
        return
    console.print(f"{manifest.station}, task {manifest.target.task}: {manifest.architecture} ({manifest.title})", markup=False)
    console.print(f"version {manifest.version}, promoted {loaded.pointer.promoted_at} as number {loaded.pointer.sequence}")
    console.print(f"data as of {manifest.as_of}, run {manifest.run}, fingerprint {manifest.fingerprint}", markup=False)
    console.print(loaded.files["card.md"].decode().split("\n\n")[2], markup=False)
    if seen is not None and stage == PRODUCTION:
        show_report(seen)
    console.print(address, markup=False)


def verify(station: str, task: str | None, stage: Stage, json_out: str | None) -> None:
    """Check the champion from the pointer to the last byte, then the history and every bundle that it names."""
    from tsflow.bundle.reading import read_champion
    from tsflow.champion.audit import audit
    from tsflow.champion.history import History

    with read_only_store() as records:
        name, asked = of_station(records, station, task)
        loaded = read_champion(records.objects, name, asked, stage)
        found = audit(History(records, name, asked, stage))
    files = {file: asdict(facts) for file, facts in loaded.manifest.files.items()}
    whole = not found.damage
    write_json(
        json_out,
        {"station": name, "version": loaded.manifest.version, "verified": whole, "files": files, "history": asdict(found)},
    )
    if json_out != "-":
        for file, facts in files.items():
            console.print(f"[green]ok[/] {file}: SHA-256 {facts['sha256'][:16]}..., {facts['size']} bytes")
        console.print(f"{name}: version {loaded.manifest.version} is whole")
        gone = f", {len(found.collected)} were collected" if found.collected else ""
        console.print(f"history: {found.entries} entries; {len(found.whole)} bundles are whole{gone}")
        for version in found.orphans:
            console.print(f"orphan: version {version} is in no entry; a publishing died on the way, it does no harm", markup=False)
    if not whole:
        raise IntegrityError("; ".join(found.damage))


def forecast(station: str, task: str | None, stage: Stage, observations: Path | None, json_out: str | None) -> None:
    """Forecast from a file or from the store, with the champion's own way of making hours."""
    from tsflow.champion.wanted import wanted_by
    from tsflow.client import load_champion
    from tsflow.stations.clock import station_now

    with read_only_store() as records:
        described = station_described(records, station)
        asked = of_station(records, station, task)[1]
        loaded = load_champion(described.station, records.objects, task=asked, stage=stage, cache=None)
        manifest = loaded.manifest
        recent = _recent(records, described, observations, wanted_by(manifest, settings()))
    columns = {str(name): recent.frame[name].to_numpy() for name in recent.frame}
    value, origin = loaded.forecast(columns), recent.frame["time"].iloc[-1]
    age, limit = (station_now(described) - origin.to_pydatetime()) / timedelta(hours=1), settings().forecast.stale_after_hours
    bounds = [
        {"level": level, "low": round(low, 3), "high": round(high, 3)} for level, (low, high) in loaded.intervals(columns).items()
    ]
    result: dict[str, object] = {
        "station": described.station,
        "task": manifest.target.task,
        "target": manifest.target.name,
        "unit": manifest.target.unit,
        "origin": origin.isoformat(),
        "target_time": (origin + timedelta(hours=manifest.horizon_hours)).isoformat(),
        "forecast": round(value, 3),
        "intervals": bounds,
        "architecture": manifest.architecture,
        "version": manifest.version,
        "expected_mae": manifest.metrics.test_mae or manifest.metrics.val_mae,
        "data_age_hours": round(age, 2),
        "bridged_hours": recent.bridged_hours,
        "model_age_days": round(loaded.age / timedelta(days=1), 2),
    }
    write_json(json_out, result)
    if json_out != "-":
        console.print(
            f"{result['station']}: {result['target']} at {result['target_time']}: [bold]{value:.1f} {result['unit']}[/] "
            + "".join(f", {100 * i['level']:g} %: {i['low']:.1f} to {i['high']:.1f}" for i in bounds)
            + f" (from {result['origin']}, {result['architecture']}, mean error {result['expected_mae']:.1f})"
        )
        if recent.bridged_hours:
            show_bridged(recent.bridged_hours)
        if age > limit:
            told = f"{age:.0f} hours ago" if age < _HOURS_SHOWN else f"{age / 24:.0f} days ago"
            console.print(
                f"the newest hour was {told}: nothing came in since, or the file is an old one", style="yellow", markup=False
            )


def _recent(records: Records, station: Station, file: Path | None, wanted: Wanted) -> Recent:
    """Return the newest unbroken hours, at most as many as are wanted."""
    from tsflow.observations.recent import recent_hours, unbroken
    from tsflow.stations.clock import station_now
    from tsflow.stations.parse import parse
    from tsflow.stations.sources.files import read_paths

    if file is None:
        return recent_hours(records, station, wanted)
    rows, _ = parse(read_paths([str(file)]), station, now=station_now(station))
    return unbroken(rows, station, wanted)


def check_output(output: Path | None, architecture: str) -> None:
    """Refuse a recipe's file that no run could load, before the work."""
    if output is None:
        return
    from tsflow.tuning.plan import tuned_name

    name = tuned_name(architecture)
    if output.name != f"{name}.yaml":
        msg = f"--output {output}: the tuned recipe is called {name}, and a recipe's file bears its name: end with {name}.yaml"
        raise SettingsError(msg)
    if not output.parent.is_dir():
        msg = f"--output {output}: there is no folder {output.parent}; create it, or name another"
        raise SettingsError(msg)


def _is_file(station: str) -> bool:
    return station.endswith((".yaml", ".yml"))


def station_name(station: str) -> str:
    """Return a station's name; one that is not under include/stations may have been trained from a file elsewhere."""
    from tsflow.stations.station import load_station

    if _is_file(station):
        return load_station(station).station
    if re.fullmatch(_NAME, station) is None:
        raise UnknownName("station", station, names_in("stations"))
    return station


def of_station(records: Records, station: str, task: str | None) -> tuple[str, str]:
    """Return a station's name and the task that is meant: the one named, else its first.

    Raises
    ------
    UnknownName
        If neither a file nor the store knows such a station, or it has no such task.
    """
    known = station_described(records, station)
    if task is not None and task not in known.tasks:
        raise UnknownName(f"task of station {known.station}", task, list(known.tasks))
    return known.station, task or next(iter(known.tasks))


def station_described(records: Records, station: str) -> Station:
    """Return a station from its file, or as it was described when its observations came in."""
    from tsflow.stations.described import described
    from tsflow.stations.station import load_station

    return load_station(station) if _is_file(station) else described(records, station_name(station))
