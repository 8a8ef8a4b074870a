"""How a day's work grows with the years of a record, with the entrants of a run, and with the stations.

    python benchmarks/growth.py --output growth.json
    python benchmarks/growth.py --years 1,2,4 --entrants 1,3,9 --stations 1,10

Each point is a process of its own with a store of its own: ingest the simulator's rows, cut windows, train, rank, publish,
by the steps that Airflow runs, one after another. Written are the points and, of each figure, the exponent of the power that fits
best: 1 is in proportion, below 1 less than that.

years      naive, ridge and LightGBM on so many years of 10-minute rows
entrants   so many small dense networks, one epoch each, on 120 days
stations   one such network and naive on 90 days of each of so many stations
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tsflow.libraries import TENSORFLOW

AXES = {"years": "1,2,4,8,16", "entrants": "1,3,9,27", "stations": "1,10,100"}
FIGURES = ("seconds", "ingest", "dataset", "train", "rank", "publish", "peak_mb", "store_mb", "objects", "requests", "find_ms")
END = datetime(2026, 6, 30)
NETWORK = {"builder": "dense", "context_hours": 12, "units": [4], "fit": {"epochs": 1}}


def make_home(folder: Path, entrants: int, stations: int) -> tuple[list[str], list[str]]:
    """Make a copy of include/ with so many networks and stations, and let this process read it; return their names."""
    from tsflow.folders import home

    shutil.copytree(home() / "include", folder / "include")
    networks, names = (
        [f"{what}{number + 1}" for number in range(count)] for what, count in (("net", entrants), ("roof", stations))
    )
    for network in networks:
        recipe = {"architecture": network, "title": network, **NETWORK}
        (folder / "include" / "architectures" / f"{network}.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    content = yaml.safe_load((folder / "include" / "stations" / "demo.yaml").read_text(encoding="utf-8"))
    for name in names:
        station = yaml.safe_dump({**content, "station": name}, sort_keys=False, allow_unicode=True)
        (folder / "include" / "stations" / f"{name}.yaml").write_text(station, encoding="utf-8")
    os.environ["TSFLOW_HOME"] = str(folder)
    return networks, names


class Point:
    """One number of years, entrants or stations."""

    def __init__(self, axis: str, value: int, folder: Path) -> None:
        networks, self.stations = make_home(folder, value if axis == "entrants" else 1, value if axis == "stations" else 1)
        self.folder, self.seconds, self.requests = folder, defaultdict[str, float](float), 0
        self.days = {"years": 365 * value, "entrants": 120, "stations": 90}[axis]
        self.architectures = {"years": ["naive", "ridge", "lightgbm"], "entrants": networks, "stations": ["naive", *networks]}[axis]

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add to a stage's seconds."""
        began = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - began

    def measure(self) -> dict[str, float]:
        """Do the work; return every figure."""
        from tsflow.cli.stores import store
        from tsflow.evaluation.boards import newest_board

        with store() as records:
            objects = records.objects
            objects._s3.meta.events.register("before-send.s3.*", self._count)
            for station in self.stations:
                self._station(records, station)
            work, requests, there = sum(self.seconds.values()), self.requests, list(objects.listed(""))
            began = time.perf_counter()
            newest_board(records, self.stations[0])
            found = {
                **self.seconds,
                "find_ms": 1000 * (time.perf_counter() - began),
                "seconds": work,
                "requests": requests,
                "objects": len(there),
                "store_mb": sum(each.size for each in there) / 1e6,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
            }
            return {name: round(found[name], 3) for name in FIGURES}

    def _count(self, **_: object) -> None:
        self.requests += 1

    def _station(self, records: Any, station: str) -> None:
        from tsflow import steps
        from tsflow.evaluation.boards import board_of
        from tsflow.requests import IngestRequest, RetrainRequest
        from tsflow.settings import settings
        from tsflow.stations.simulator import simulated_file
        from tsflow.stations.station import load_station

        about, run = load_station(station), f"{station}-run"
        name, body = simulated_file(about, about.source(None), END - timedelta(days=self.days), END)
        (self.folder / name).write_bytes(body)
        asked = {"station": station, "as_of": END.isoformat()}
        with self.timed("ingest"):
            steps.fetch_batch(records, settings(), IngestRequest.of(asked), station, files=[self.folder / name])
            steps.validate_batch(records, settings(), station, station)
            steps.store_batch(records, station)
        with self.timed("dataset"):
            request = RetrainRequest.of({**asked, "profile": "quick", "architectures": self.architectures})
            planned = steps.build_dataset(records, settings(), request, run)
        with self.timed("train"):
            for name in planned.entrants:
                steps.train_entrant(records, settings(), run, name)
        with self.timed("rank"):
            steps.rank_entrants(records, run)
        with self.timed("publish"):
            decision = steps.decide(records, settings(), records.reference(board_of(records, run)))
            for name in steps.plan_refit(records, settings(), decision):
                steps.refit_entrant(records, settings(), decision, name)
            steps.publish(records, settings(), decision)


def exponent(points: dict[int, dict[str, float]], figure: str) -> float | None:
    """Return the power of the axis with which a figure grows, by least squares on logarithms; None where it is 0 somewhere."""
    values = [point[figure] for point in points.values()]
    if len(points) < 2 or min(values) <= 0:
        return None
    return round(float(np.polyfit(np.log(list(points)), np.log(values), 1)[0]), 2)


def apart(axis: str, value: int) -> dict[str, float]:
    """Measure a point in a process of its own, with a state folder of its own."""
    with tempfile.TemporaryDirectory() as state:
        environment = {name: told for name, told in os.environ.items() if not name.startswith("TSFLOW_OBJECT_STORE")}
        environment |= TENSORFLOW | {"TSFLOW_STATE": state}
        command = [sys.executable, __file__, "--point", axis, str(value)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{axis} {value}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Read the arguments, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for axis, values in AXES.items():
        parser.add_argument(f"--{axis}", default=values, help="values, separated by commas; empty: not at all")
    parser.add_argument("--output", type=Path, default=None)
    parser.add_argument("--point", nargs=2, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.point:
        axis, value = arguments.point
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(Point(axis, int(value), Path(folder) / "home").measure()))
        return
    found: dict[str, Any] = {}
    for axis in AXES:
        values = [int(value) for value in getattr(arguments, axis).split(",") if value]
        points = {}
        for value in values:
            points[value] = apart(axis, value)
            print(f"{axis} {value}: {json.dumps(points[value])}", flush=True)
        powers = {figure: exponent(points, figure) for figure in FIGURES}
        found[axis] = {"points": points, "exponents": powers}
        print(f"{axis}, exponents: {json.dumps(powers)}", flush=True)
        if arguments.output:
            arguments.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
