"""A span that is ingested day by day is the one that is ingested at once; the whole year is run by hand."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from conftest import REPOSITORY, store_environment
from tsflow.records.store import Records
from tsflow.stations.simulator import simulated_file
from tsflow.stations.station import load_station

PROGRAM = REPOSITORY / "benchmarks" / "day_by_day.py"


def test_day_by_day_and_at_once_leave_the_same_observations(records: Records, home: Path, tmp_path: Path):
    environment = store_environment(records) | {"TSFLOW_HOME": str(home)}
    demo = load_station("demo")
    name, body = simulated_file(demo, demo.source(None), datetime(2026, 6, 18), datetime(2026, 7, 3))  # over a month's end
    (tmp_path / name).write_bytes(body)
    out = tmp_path / "out.json"
    command = [sys.executable, PROGRAM, tmp_path / name, "--station", "demo", "--output", out]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    seen = json.loads(out.read_text())
    assert (seen["ingests"], seen["refused"], seen["identical"]) == (15, [], True)
    assert seen["new"] == seen["whole_new"] == seen["whole"]["rows"] == 15 * 144
    parts = (seen["daily"]["objects"], seen["whole"]["objects"])
    assert parts == (16, 2), "a part for each day and month; the last row of June is the first of July"
    assert seen["packed"]["objects"] == 1 + 3, "a month of many parts is one object"
    assert seen["packed"]["bytes"] < seen["daily"]["bytes"]
