"""The benchmark of further quantities: it screens, trains with and without, and pairs what comes of it."""

import json
import runpy
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from conftest import REPOSITORY, store_environment
from telling import record
from tsflow.records.store import Records
from tsflow.splits import FixedSplit
from tsflow.stations.simulator import simulated_file
from tsflow.stations.station import load_station

PROGRAM = REPOSITORY / "benchmarks" / "optional_channels.py"


def test_the_gain_is_that_of_reading_what_tells_of_tomorrow(records: Records):
    gain = runpy.run_path(str(PROGRAM))["gain"]
    gain.__globals__["FOLDS"] = 2  # of the five, to be quick
    dataset = record(260, told_by="wd")
    end = pd.Timestamp(dataset.times[-1]).to_pydatetime()
    whole = dataset.cut(FixedSplit(train_end=end, validation_end=end, test_end=end), "all rows")
    told = gain(records, whole, "ridge")
    assert told["read"] == [["wd"], ["wd"]]
    assert 0.1 < told["low"] < told["gain"] < told["high"]
    assert told["gain"] == pytest.approx(told["without"] - told["with"])


def test_recipes_are_held_against_themselves_without_what_helps(records: Records, home: Path, tmp_path: Path):
    environment = store_environment(records) | {"TSFLOW_HOME": str(home)}
    demo = load_station("demo")
    name, body = simulated_file(demo, demo.source(None), datetime(2025, 6, 1), datetime(2026, 3, 1))  # eight blocks and some
    (tmp_path / name).write_bytes(body)
    out = tmp_path / "out.json"
    command = [sys.executable, PROGRAM, tmp_path / name, "--station", "demo", "--architectures", "climatology", "--output", out]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    seen = json.loads(out.read_text())
    assert [each["quantity"] for each in seen["screening"]] == ["max_wv", "wd"]
    (recipe,) = seen["recipes"]
    assert (recipe["gain"], recipe["low"], recipe["high"]) == (0, 0, 0), "it reads no further quantity in any case"
    assert recipe["with"] == recipe["without"] > 1
    assert len(recipe["read"]) == 5
    assert recipe["windows"] > 9 * 28 * 24 * 0.7
    assert "| climatology |" in done.stdout
