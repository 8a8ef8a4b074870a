"""Ridge and LightGBM give the same figures whatever kernels and threads a machine has; each way is a process of its own."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).resolve().parents[1]
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from conftest import hourly_rows
from tsflow.architectures.registry import load_architecture
from tsflow.architectures.tabular import apply
from tsflow.records.dataset import HourlyReport, Screened
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.stations.station import load_station
from tsflow.storage.codecs import digest
from tsflow.task import Task
from tsflow.training.fit import set_up_tensorflow
from tsflow.windows.dataset import Dataset

set_up_tensorflow(int(sys.argv[2]))
station = load_station("demo")
names = ["T", *(name for name in station.variables if name != "T")]
frame = hourly_rows(12_000, features=14).set_axis(["time", *names], axis=1).assign(segment=0)
units = {name: variable.unit for name, variable in station.variables.items()}
cut = (FractionSplit(), "book", HourlySettings(), HourlyReport())
further = [Screened(quantity=name, variable=name, read=True) for name in ("wd", "max_wv")]
dataset = Dataset("small", Task(target="T"), units, frame, *cut, station.location, utc_offset_hours=1.0, screened=tuple(further))
found = {}
for name in ("ridge", "lightgbm"):
    recipe = load_architecture(name).on(dataset)
    fitted = recipe.fit(dataset, seed=1)
    test = next(dataset.batches("test"))
    columns = fitted.columns if name == "ridge" else fitted.point.table
    found[name] = {"columns": digest(apply(columns, dataset, "train").tobytes()), "forecasts": fitted.predict(test).tolist()}
print("RESULT" + json.dumps(found))
"""
WAYS = {
    "oneDNN off": ({"TF_ENABLE_ONEDNN_OPTS": "0"}, 1),
    "two threads": ({"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}, 2),
    "another instruction set": ({"ONEDNN_MAX_CPU_ISA": "SSE41"}, 1),
}


@cache
def fitted(way: str = "") -> dict:
    """What recipes give in a process with some environment and so many threads."""
    environment, threads = WAYS.get(way, ({"TF_ENABLE_ONEDNN_OPTS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}, 1))
    command = [sys.executable, "-c", PROGRAM, str(TESTS), str(threads)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert lines, done.stderr[-3000:]
    return json.loads(lines[-1].removeprefix("RESULT"))


@pytest.mark.parametrize("way", WAYS)
def test_lightgbm_forecasts_the_same_to_the_last_bit(way: str):
    assert fitted(way)["lightgbm"] == fitted()["lightgbm"]


@pytest.mark.parametrize("way", WAYS)
def test_ridge_reads_the_same_columns_and_forecasts_the_same(way: str):
    here, there = fitted()["ridge"], fitted(way)["ridge"]
    assert there["columns"] == here["columns"]
    np.testing.assert_allclose(there["forecasts"], here["forecasts"], rtol=0, atol=1e-4)  # degC: sums of another order
