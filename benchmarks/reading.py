"""Seconds from a file to stored observations, beside a bare `pandas.read_csv` of it that is told the form of its times.

    .venv/bin/python benchmarks/reading.py --rounds 5 --output reading.json

The file is the simulator's weather as station `jena_whole` writes it: 8 years of 10-minute rows with 21 variables. Both ways are
taken in turn, each time in a new process that has its imports behind it, and with tsflow into a store that has no row of it: read,
cleaned, validated, stored. Medians, their ratio, that of seconds of processor, and the peak memory of those processes. What was
measured stands in docs/operation.md.

Tried, and of no use: Parquet with split bytes (a third faster, more than twice as large), with LZ4 or Snappy (a tenth faster, a
tenth larger); larger blocks of text for Arrow.
"""

import argparse
import importlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from tsflow.folders import home
from tsflow.settings import ObjectStoreSettings, settings
from tsflow.stack import object_store
from tsflow.stations.simulated_weather import simulated_observations
from tsflow.stations.station import Station, load_station

PATTERN = "jena_whole"
END = datetime(2025, 1, 1)
# Of these parts of tsflow's way to those of pandas'; seconds of processor are the same on a busy machine.
RATIOS = {
    "ratio": ("seconds", "seconds"),
    "ratio_of_reading": ("read", "seconds"),
    "ratio_of_processor": ("processor", "processor"),
}
# What the steps import where they use it; an import is no reading.
IMPORTED = ("pyarrow.csv", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "tsflow.observations.by_column")
IMPORTED += ("great_expectations.render.renderer", "great_expectations.render.view")
ROWS = 420_551  # of the classic record of 2009 to 2016


def make_home(folder: Path, rounds: int) -> Station:
    """Make a copy of include/ with a station for each round, and let this process and its children read it."""
    shutil.copytree(home() / "include", folder / "include")
    stations = folder / "include" / "stations"
    content = yaml.safe_load((stations / f"{PATTERN}.yaml").read_text(encoding="utf-8"))
    for number in range(rounds):
        text = yaml.safe_dump(content | {"station": f"reading{number}"}, sort_keys=False, allow_unicode=True)
        (stations / f"reading{number}.yaml").write_text(text, encoding="utf-8")
    os.environ["TSFLOW_HOME"] = str(folder)
    settings.cache_clear()
    return load_station("reading0")


def write_file(path: Path, station: Station, rows: int) -> None:
    """Write so many rows up to `END`; what the simulator lacks is noise inside the variable's range."""
    times = pd.date_range(end=END, periods=rows, freq=pd.Timedelta(station.cadence), unit="us")
    weather, noise = simulated_observations(0, times), np.random.default_rng(0)
    lines = station.timestamp.written(times)
    for name, variable in station.measured.items():
        column = weather[name].to_numpy() if name in weather else noise.uniform(*variable.range, rows).round(2)
        lines[variable.column] = np.where(noise.random(rows) < 1e-4, station.missing[0], column)
    lines.to_csv(path, index=False, encoding=station.encoding, lineterminator="\r\n")


def bare(path: Path, name: str) -> dict[str, float]:
    """Read the file with pandas alone."""
    station = load_station(name)
    began, busy = time.perf_counter(), time.process_time()
    column, form = station.timestamp.columns[0], station.timestamp.format
    frame = pd.read_csv(path, encoding=station.encoding, parse_dates=[column], date_format=form)
    seconds, processor = time.perf_counter() - began, time.process_time() - busy
    assert frame[column].dtype.kind == "M", "its times were read as such"
    return {"seconds": seconds, "processor": processor, "rows": len(frame)}


def whole(path: Path, name: str) -> dict[str, float]:
    """Read, clean, validate and store the file with the steps that Airflow runs."""
    for module in IMPORTED:
        importlib.import_module(module)

    from tsflow import steps
    from tsflow.cli.stores import store
    from tsflow.requests import IngestRequest

    request = IngestRequest.of({"station": name, "as_of": END.isoformat()})
    with store() as records:
        marks, busy = [time.perf_counter()], time.process_time()
        steps.fetch_batch(records, settings(), request, name, files=[path])
        marks.append(time.perf_counter())
        read_peak_mb = peak_mb()
        steps.validate_batch(records, settings(), name, name)
        marks.append(time.perf_counter())
        stored = steps.store_batch(records, name)
        marks.append(time.perf_counter())
        processor = time.process_time() - busy
    parts = dict(zip(("read", "validate", "store"), np.diff(marks).tolist(), strict=True))
    whole = {"seconds": marks[-1] - marks[0], "processor": processor, "rows": stored.new_rows}
    return {**whole, **parts, "read_peak_mb": read_peak_mb}


def peak_mb() -> float:
    """Return the most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


WAYS = {"bare": bare, "whole": whole}


def in_a_process(way: str, path: Path, name: str, opened: ObjectStoreSettings) -> dict[str, float]:
    """Take one of the ways in a new process; return what it printed, and its peak memory."""
    keys = {"ACCESS_KEY_ID": opened.access_key_id, "SECRET_ACCESS_KEY": opened.secret_access_key}
    environment = os.environ | {f"TSFLOW_OBJECT_STORE__{key}": value.get_secret_value() for key, value in keys.items() if value}
    environment |= {"TSFLOW_OBJECT_STORE__ENDPOINT_URL": str(opened.endpoint_url), "TSFLOW_OBJECT_STORE__BUCKET": opened.bucket}
    program = [sys.executable, __file__, "--way", way, "--file", str(path), "--station", name]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{way}: {done.stderr[-3000:]}")
    seen: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seen


def compare(path: Path, rounds: int, opened: ObjectStoreSettings) -> dict[str, Any]:
    """Take both ways in turn; return medians, ratio and peaks."""
    seen: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for way, found in seen.items():
            found.append(in_a_process(way, path, f"reading{number}", opened))
            print(f"{way:<6}{found[-1]['seconds']:8.2f} s {found[-1]['peak_mb']:8.0f} MB", flush=True)
    medians = {
        way: {name: round(statistics.median(one[name] for one in found), 3) for name in found[0]} for way, found in seen.items()
    }
    seconds = {way: [round(one["seconds"], 3) for one in found] for way, found in seen.items()}
    ratios = {name: round(medians["whole"][ours] / medians["bare"][theirs], 2) for name, (ours, theirs) in RATIOS.items()}
    return {"megabytes": round(path.stat().st_size / 1e6, 1), **medians, "each": seconds, **ratios}


def main() -> None:
    """Read the arguments, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=None)
    parser.add_argument("--way", choices=WAYS, default=None, help="take this way alone, as the processes of a round do")
    parser.add_argument("--file", type=Path, default=None, help="with --way: what is read")
    parser.add_argument("--station", default=None, help="with --way: the station that it is of")
    asked = parser.parse_args()
    if asked.way:
        seen = WAYS[asked.way](asked.file, asked.station)
        print(json.dumps({**seen, "peak_mb": peak_mb()}))
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TSFLOW_STATE"] = str(Path(folder) / "state")  # whose store is empty
        station, path = make_home(Path(folder), asked.rounds), Path(folder) / "reading.csv"
        write_file(path, station, asked.rows)
        with object_store(settings()) as opened:
            report = compare(path, asked.rounds, opened)
    print(
        f"ratio {report['ratio']}, of seconds of processor {report['ratio_of_processor']}; "
        f"of reading and cleaning alone {report['ratio_of_reading']}"
    )
    if asked.output:
        asked.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
