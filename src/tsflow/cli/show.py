"""Commands that only read: leaderboard, champion, forecast."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from tsflow.bundle.manifest import Manifest
from tsflow.cli.output import board_markdown, console, say, say_json, show_backtest, show_board, write_json
from tsflow.errors import NoChampion, SettingsError
from tsflow.settings import HourlySettings, settings
from tsflow.stack import object_store
from tsflow.stations.station import load_station
from tsflow.storage.objects import ObjectStore


@contextmanager
def _store() -> Iterator[ObjectStore]:
    with object_store(settings()) as store:
        objects = ObjectStore.from_settings(store)
        yield objects


def leaderboard(station: str | None, run_id: str | None, *, form: Literal["terminal", "json", "markdown"]) -> None:
    """Print a run's leaderboard, or the newest one of a station."""
    from tsflow.steps import latest_leaderboard, runs_of

    with _store() as objects:
        if run_id is None:
            name = _station_name(station or settings().station)
            runs = runs_of(objects, name)
            if not runs:
                msg = f"station {name} has no leaderboard yet; run `tsflow run --station {name}`"
                raise NoChampion(msg)
            run_id = runs[-1]
        board = latest_leaderboard(objects, run_id)
        if station and board.station != _station_name(station):
            msg = f"run {run_id} is of station {board.station}, not {station}; leave --station or --run out"
            raise SettingsError(msg)
    if form == "json":
        say_json(board.model_dump(mode="json"))
    elif form == "markdown":
        say(board_markdown(board))
    else:
        show_board(board)


def backtest(station: str, backtest_id: str | None, json_out: Path | None) -> None:
    """Print a backtest's summary, or the newest one of a station."""
    from tsflow.steps import backtests_of, latest_summary

    with _store() as objects:
        if backtest_id is None:
            name = _station_name(station)
            found = backtests_of(objects, name)
            if not found:
                msg = f"station {name} has no backtest yet; run `tsflow backtest --station {name}`"
                raise SettingsError(msg)
            backtest_id = found[-1]
        summary = latest_summary(objects, backtest_id)
    show_backtest(summary)
    if json_out is not None:
        write_json(json_out, summary.model_dump(mode="json"))


def champion(station: str, *, as_json: bool) -> None:
    """Print what the pointer and the manifest say."""
    from tsflow.client import load_champion

    name = _station_name(station)
    with _store() as objects:
        loaded = load_champion(name, objects)
        address = objects.address(loaded.pointer.manifest_key)
    if as_json:
        say_json({"pointer": asdict(loaded.pointer), "manifest": asdict(loaded.manifest), "address": address})
        return
    manifest: Manifest = loaded.manifest
    console.print(f"[bold]{manifest.station}[/]: {manifest.architecture} ({manifest.title})")
    console.print(f"version {manifest.version}, promoted {loaded.pointer.promoted_at} as number {loaded.pointer.sequence}")
    console.print(f"data as of {manifest.as_of}, run {manifest.run}, fingerprint {manifest.fingerprint}")
    console.print(loaded.files["card.md"].decode().split("\n\n")[2], markup=False)
    console.print(address)


def verify(station: str, *, as_json: bool) -> None:
    """Check the champion from the pointer to the last byte, and the pointer against the bundle's folder."""
    from tsflow.client import load_champion

    name = _station_name(station)
    with _store() as objects:
        loaded = load_champion(name, objects)
    files = {file: asdict(facts) for file, facts in loaded.manifest.files.items()}
    if as_json:
        say_json({"station": name, "version": loaded.manifest.version, "verified": True, "files": files})
        return
    for file, facts in files.items():
        console.print(f"[green]ok[/] {file}: SHA-256 {facts['sha256'][:16]}..., {facts['size']} bytes")
    console.print(f"{name}: version {loaded.manifest.version} is whole")


def forecast(station: str, observations: Path | None, *, as_json: bool) -> None:
    """Forecast from a file or from the store, with the champion's own way of making hours."""
    from tsflow.client import load_champion
    from tsflow.observations.hourly import hourly_frame
    from tsflow.observations.store import ObservationStore
    from tsflow.stations.parse import parse
    from tsflow.stations.sources import read_paths
    from tsflow.steps.requests import station_now

    described = load_station(station)
    with _store() as objects:
        loaded = load_champion(described.station, objects)
        context = loaded.manifest.context_hours
        if observations is not None:
            rows, _ = parse(read_paths([str(observations)]), described, now=station_now(described))
        else:
            stored = ObservationStore(objects, described.station)
            last = stored.last_time()
            # The first row read sets the minute of the hours: it lies whole hours before the last one.
            rows = stored.read(start=last - timedelta(hours=context + 48) - described.cadence if last else None)
    hourly = hourly_frame(rows, described, HourlySettings.model_validate(loaded.manifest.hourly)).frame
    recent = hourly[hourly["segment"] == hourly["segment"].iloc[-1]].tail(context)
    value = loaded.forecast(recent)
    origin = recent["time"].iloc[-1]
    result: dict[str, Any] = {
        "station": described.station,
        "target": loaded.manifest.target["name"],
        "unit": loaded.manifest.target["unit"],
        "origin": origin.isoformat(),
        "target_time": (origin + timedelta(hours=loaded.manifest.horizon_hours)).isoformat(),
        "forecast": round(value, 3),
        "intervals": [
            {"level": level, "low": round(low, 3), "high": round(high, 3)}
            for level, (low, high) in loaded.intervals(recent).items()
        ],
        "architecture": loaded.manifest.architecture,
        "version": loaded.manifest.version,
        "expected_mae": loaded.manifest.metrics.get("test_mae") or loaded.manifest.metrics["val_mae"],
    }
    if as_json:
        say_json(result)
    else:
        console.print(
            f"{result['station']}: {result['target']} at {result['target_time']}: [bold]{value:.1f} {result['unit']}[/] "
            + "".join(f", {100 * i['level']:g} %: {i['low']:.1f} to {i['high']:.1f}" for i in result["intervals"])
            + f" (from {result['origin']}, {result['architecture']}, mean error {result['expected_mae']:.1f})"
        )


def _station_name(station: str) -> str:
    return load_station(station).station
