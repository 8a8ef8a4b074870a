"""Play a month of operation with the steps that Airflow runs: ingest, forecast, retrain, monitor; a sensor drifts on the way.

    python benchmarks/thirty_days.py --days 30 --drift-day 20 --output thirty_days.json

The station is the simulator's with five variables, in a store of its own (TSFLOW_OBJECT_STORE__*, or the embedded one). From the
morning of `--drift-day` on its thermometer reads more every hour. Printed and written: scores by day, alerts, changes of recipe.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from tsflow import steps
from tsflow.champion.history import History
from tsflow.cli.stores import store
from tsflow.errors import DataValidationError
from tsflow.evaluation.boards import board_of
from tsflow.folders import home
from tsflow.monitoring.scoring import days_scored
from tsflow.records.forecast import Report
from tsflow.records.store import Records
from tsflow.requests import IngestRequest, RetrainRequest
from tsflow.settings import settings
from tsflow.stations.simulator import simulated_file
from tsflow.stations.station import load_station

STATION, TASK = "roof", "main"
START = datetime(2026, 6, 1)
VARIABLES = ("p", "T", "rh", "Tdew", "wv")
DERIVED = "Tdew"  # were it measured, validation would refuse a thermometer that does not fit it any more


def make_home(folder: Path) -> None:
    """Make a copy of include/ with the station, and let this process read it."""
    shutil.copytree(home() / "include", folder / "include")
    content = yaml.safe_load((folder / "include" / "stations" / "demo.yaml").read_text(encoding="utf-8"))
    variables = {name: content["variables"][name] for name in VARIABLES}
    variables[DERIVED] = {**variables[DERIVED], "derived": DERIVED}
    del variables[DERIVED]["column"]
    content |= {"station": STATION, "variables": variables}
    path = folder / "include" / "stations" / f"{STATION}.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    os.environ["TSFLOW_HOME"] = str(folder)
    settings.cache_clear()


def file_of(folder: Path, begin: datetime, end: datetime, *, drift_from: datetime, per_hour: float) -> Path:
    """Write the station's rows of a span; after `drift_from` its T reads more by `per_hour` each hour, by the station's clock."""
    station = load_station(STATION)
    source = station.source(None)
    name, body = simulated_file(station, source, begin, end)
    rows = pd.read_csv(pd.io.common.BytesIO(body), encoding=station.encoding)
    times = pd.to_datetime(rows["Date Time"], format=station.timestamp.format)
    late = ((times - pd.Timestamp(drift_from)) / pd.Timedelta(hours=1)).clip(lower=0)
    rows["T (degC)"] = (rows["T (degC)"] + per_hour * late).round(2)
    path = folder / name
    rows.to_csv(path, index=False, encoding=station.encoding)
    return path


def play(records: Records, arguments: argparse.Namespace) -> dict[str, Any]:
    """Play all days; return what was seen."""
    start = START
    drift_from = start + timedelta(days=arguments.drift_day)
    history = start - timedelta(days=arguments.history_days)
    report: dict[str, Any] = {
        "days": [],
        "drift_day": arguments.drift_day,
        "per_hour": arguments.per_hour,
        "forecasts": 0,
        "refused": [],
    }
    with tempfile.TemporaryDirectory() as name:
        for day in range(arguments.days + 1):
            begin, now = (history if day == 0 else start + timedelta(days=day - 1)), start + timedelta(days=day)
            path = file_of(Path(name), begin, now, drift_from=drift_from, per_hour=arguments.per_hour)
            try:
                _ingest(records, path, now, f"i{day}")
            except DataValidationError as refusal:
                print(f"day {day}: the batch was refused: {str(refusal).splitlines()[1][:150]}", flush=True)
                report["refused"].append(day)
            if day:
                for hour in range(0, 24, arguments.every_hours):
                    moment = begin + timedelta(hours=hour, minutes=5)
                    latest = steps.make_forecast(records, settings(), STATION, TASK, now=_utc(moment))
                    report["forecasts"] += latest.status == "ok"
                report["days"].append(_watched(records, day, now))
            if day < arguments.retrain_until:
                _retrain(records, now, f"r{day}", arguments)
    entries = list(History(records, STATION, TASK).entries())
    recipes = [entry.architecture for entry in reversed(entries) if entry.pointer is not None]
    report["entries"] = [f"{entry.kind} {entry.architecture}" for entry in reversed(entries)]
    report["recipe_changes"] = sum(one != other for one, other in pairwise(recipes))
    report["scores"] = {score.day: [score.mae, score.naive_mae] for score in days_scored(records, STATION, TASK)}
    return report


def _ingest(records: Records, path: Path, now: datetime, ingest: str) -> None:
    request = IngestRequest.of({"station": STATION, "as_of": now.isoformat()})
    steps.fetch_batch(records, settings(), request, ingest, files=[path])
    steps.validate_batch(records, settings(), ingest, STATION)
    steps.store_batch(records, ingest)


def _retrain(records: Records, now: datetime, run: str, arguments: argparse.Namespace) -> None:
    asked = {"station": STATION, "as_of": now.isoformat(), "profile": "quick", "architectures": arguments.architectures.split(",")}
    planned = steps.build_dataset(records, settings(), RetrainRequest.of(asked), run)
    for name in planned.entrants:
        steps.train_entrant(records, settings(), run, name)
    steps.rank_entrants(records, run)
    decision = steps.decide(records, settings(), records.reference(board_of(records, run)))
    for name in steps.plan_refit(records, settings(), decision):
        steps.refit_entrant(records, settings(), decision, name)
    told = steps.publish(records, settings(), decision)
    print(f"  {now:%Y-%m-%d} {told.outcome} {told.architecture}: {told.reason[:120]}")


def _watched(records: Records, day: int, now: datetime) -> dict[str, Any]:
    seen = records.fetch(Report, steps.monitor(records, settings(), STATION, TASK, now=_utc(now + timedelta(minutes=20))))
    alerts = [f"{alert.kind}: {alert.text}" for alert in seen.alerts]
    print(f"day {day}: skill {seen.skill} bias {seen.bias_z} alerts {alerts}", flush=True)
    return {"day": day, "skill": seen.skill, "mae": seen.mae, "naive": seen.naive_mae, "bias_z": seen.bias_z, "alerts": alerts}


def picture(report: dict[str, Any]) -> str:
    """Return error by day of the champion and of naive, the day on which the drift began, and the days with alerts, as SVG."""
    days = list(report["scores"].items())
    wide, high, most = 24 * len(report["days"]) + 80, 260, max(max(pair) for _, pair in days) * 1.1

    def line(place: int, colour: str) -> str:
        points = " ".join(f"{60 + 24 * x},{high - 40 - pair[place] / most * (high - 60):.1f}" for x, (_, pair) in enumerate(days))
        return f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>'

    first = datetime.fromisoformat(days[0][0])
    begun = 60 + 24 * (START + timedelta(days=report["drift_day"]) - first).days
    loud = [60 + 24 * (START + timedelta(days=each["day"] - 1) - first).days for each in report["days"] if each["alerts"]]
    ticks = [
        f'<text x="52" y="{high - 36 - value / most * (high - 60):.0f}" text-anchor="end">{value}</text>'
        for value in range(int(most) + 1)
    ]
    texts = [
        f'<text x="60" y="14">error by day (degC): <tspan fill="#06c">champion</tspan>, <tspan fill="#888">naive</tspan>, '
        f'<tspan fill="#c00">alerts</tspan>; dashed: T drifts from here on, {report["per_hour"]:g} degC an hour</text>',
        *(
            f'<text x="{60 + 24 * x}" y="{high - 20}" text-anchor="middle">{day[8:]}</text>'
            for x, (day, _) in enumerate(days)
            if x % 3 == 0
        ),
    ]
    marks = [f'<circle cx="{x}" cy="{high - 40}" r="5" fill="#c00"/>' for x in loud]
    drift = f'<line x1="{begun}" x2="{begun}" y1="20" y2="{high - 40}" stroke="#000" stroke-dasharray="4"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" font-size="11">'
    return "\n".join(
        [
            head,
            f'<rect width="{wide}" height="{high}" fill="#fff"/>',
            *ticks,
            line(1, "#888"),
            line(0, "#06c"),
            drift,
            *marks,
            *texts,
            "</svg>\n",
        ]
    )


def _utc(clock: datetime) -> datetime:
    return (clock - timedelta(hours=load_station(STATION).timestamp.utc_offset_hours)).replace(tzinfo=UTC)


def main() -> None:
    """Read the arguments, play, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--drift-day", type=int, default=20)
    parser.add_argument("--per-hour", type=float, default=0.25, help="degC")
    parser.add_argument("--every-hours", type=int, default=1, help="hours from forecast to forecast")
    parser.add_argument("--history-days", type=int, default=730)
    parser.add_argument("--retrain-until", type=int, default=10_000, help="retrain on the days before this one only")
    parser.add_argument("--architectures", default="naive,climatology,autoregression_direct,ridge,lightgbm")
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("TSFLOW_STATE", str(Path(folder) / "state"))  # what the clone holds stays out of it
        make_home(Path(folder))
        with store() as records:
            report = play(records, arguments)
    report["seconds"] = round(time.monotonic() - began)
    print(json.dumps({name: report[name] for name in ("forecasts", "recipe_changes", "entries", "seconds")}, indent=1))
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        arguments.output.with_suffix(".svg").write_text(picture(report), encoding="utf-8")


if __name__ == "__main__":
    main()
