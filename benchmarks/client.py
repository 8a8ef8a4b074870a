"""Milliseconds of one forecast: the client beside `keras.Model.predict`, for each network of a run, in turn and in one process.

    .venv/bin/python benchmarks/client.py --station demo --rounds 50 --output client.json

The models are those of the station's newest leaderboard; the rows are its newest hours. Then a new process imports the client,
loads the champion and forecasts once; `--python` names one in which only the wheel's extra `client` is installed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsflow.bundle.reading import Bundle, read_champion
from tsflow.champion.wanted import wanted_by
from tsflow.client.champion import Champion
from tsflow.client.input import window_of
from tsflow.evaluation.boards import candidate_of, newest_board
from tsflow.observations.recent import recent_hours
from tsflow.records.store import Records
from tsflow.settings import ObjectStoreSettings, settings
from tsflow.stack import object_store
from tsflow.stations.described import described
from tsflow.training.export import from_keras
from tsflow.training.fit import set_up_tensorflow

START = """
import json, sys, time
began = time.perf_counter()
from tsflow.client import load_champion
imported = time.perf_counter()
rows, station, stage = json.load(sys.stdin), sys.argv[1], sys.argv[2]
champion = load_champion(station, stage=stage)
loaded = time.perf_counter()
value = champion.forecast(rows)
heavy = [name for name in ("tensorflow", "airflow", "pandas", "pydantic") if name in sys.modules]
print(json.dumps({"import": imported - began, "load": loaded - imported, "first forecast": time.perf_counter() - loaded,
                  "value": value, "heavy": heavy}))
"""


def milliseconds(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the median of each way, all ways in turn in each round."""
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for call in ways.values():
        call()  # builds what is built once
    for _ in range(rounds):
        for name, call in ways.items():
            began = time.perf_counter()
            call()
            seen[name].append(1000 * (time.perf_counter() - began))
    return {name: round(statistics.median(times), 3) for name, times in seen.items()}


def compare(records: Records, bundle: Bundle, frame: dict[str, Any], rounds: int) -> list[dict[str, Any]]:
    """Return a line for each entrant of the station's newest leaderboard."""
    board, lines = newest_board(records, bundle.manifest.station), []
    print(f"{'architecture':<22}{'client ms':>11}{'predict ms':>12}{'ratio':>8}")
    for entrant in board.entrants:
        if entrant.status != "ok":
            continue
        files = candidate_of(records, board, entrant.architecture).files
        manifest = replace(bundle.manifest, architecture=entrant.architecture)
        mine = Champion(Bundle(bundle.pointer, manifest, {"model.onnx": records.opened(files["model.onnx"])}))
        ways: dict[str, Callable[[], Any]] = {"client": lambda mine=mine: mine.forecast(frame)}
        if "model.keras" in files:
            theirs, rows = from_keras(records.opened(files["model.keras"])), window_of(frame, manifest).rows[None]
            ways["predict"] = lambda theirs=theirs, rows=rows: theirs.predict(rows, verbose=0)
        line: dict[str, Any] = {"architecture": entrant.architecture, **milliseconds(ways, rounds)}
        if "predict" in line:
            line["ratio"] = round(line["predict"] / line["client"], 1)
        told = [f"{line[name]:.2f}" if name in line else "-" for name in ("client", "predict")]
        print(f"{entrant.architecture:<22}{told[0]:>11}{told[1]:>12}{line.get('ratio', '-'):>8}", flush=True)
        lines.append(line)
    return lines


def start(python: str, store: ObjectStoreSettings, bundle: Bundle, stage: str, frame: dict[str, Any]) -> dict[str, Any]:
    """Return the seconds of a new process from its first line to its first forecast, the least of three times."""
    keys = {"ACCESS_KEY_ID": store.access_key_id, "SECRET_ACCESS_KEY": store.secret_access_key}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TSFLOW_", "PYTHON"))}
    environment |= {f"TSFLOW_OBJECT_STORE__{name}": key.get_secret_value() for name, key in keys.items() if key}
    environment |= {"TSFLOW_OBJECT_STORE__ENDPOINT_URL": str(store.endpoint_url), "TSFLOW_OBJECT_STORE__BUCKET": store.bucket}
    rows = json.dumps({name: [str(value) if name == "time" else float(value) for value in frame[name]] for name in frame})
    found = []
    for _ in range(3):
        done = subprocess.run(
            [python, "-c", START, bundle.manifest.station, stage],
            env=environment,
            input=rows,
            capture_output=True,
            text=True,
            check=True,
        )
        seen = json.loads(done.stdout)
        found.append({**seen, "seconds": seen["import"] + seen["load"] + seen["first forecast"]})
    best = min(found, key=lambda each: each["seconds"])
    told = f"{best['seconds']:.2f} s to its first forecast, {best['import']:.2f} of them the import"
    print(f"a new process: {told}; loaded beside: {best['heavy']}")
    return best


def main() -> None:
    """Read the arguments, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--station", default="demo", help="a station with a champion and a leaderboard")
    parser.add_argument("--stage", default="production", choices=["production", "local"], help="whose champion a new process loads")
    parser.add_argument("--rounds", type=int, default=50, help="forecasts of each way that are timed")
    parser.add_argument("--python", default=sys.executable, help="the Python of the new process")
    parser.add_argument("--output", type=Path, default=None, help="write the figures to this file as JSON")
    asked = parser.parse_args()
    set_up_tensorflow(0)
    with object_store(settings()) as store:
        records = Records(store.open())
        bundle = read_champion(records.objects, asked.station, stage=asked.stage)
        station = described(records, asked.station)
        recent = recent_hours(records, station, wanted_by(bundle.manifest, settings())).frame
        frame = {str(name): recent[name].to_numpy() for name in recent}
        lines = compare(records, bundle, frame, asked.rounds)
        began = start(asked.python, store, bundle, asked.stage, frame)
    if asked.output:
        asked.output.write_text(json.dumps({"forecasts": lines, "start": began}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
