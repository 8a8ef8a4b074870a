"""The benchmark of daily retraining rolls: each date publishes, and what it published is scored on days that it had not seen."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from conftest import REPOSITORY, store_environment
from tsflow.records.store import Records
from tsflow.stations.simulator import simulated_file
from tsflow.stations.station import load_station

PROGRAM = REPOSITORY / "benchmarks" / "rolling_daily.py"


def test_two_dates_of_a_small_record_are_rolled_over(records: Records, home: Path, tmp_path: Path):
    environment = store_environment(records) | {"TSFLOW_HOME": str(home)}
    demo = load_station("demo")
    name, body = simulated_file(demo, demo.source(None), datetime(2025, 12, 1), datetime(2026, 6, 20))
    (tmp_path / name).write_bytes(body)
    out = tmp_path / "rolling.json"
    command = [sys.executable, PROGRAM, tmp_path / name, "--station", "demo", "--architectures", "naive,autoregression_direct"]
    command += ["--first", "2026-05-20", "--dates", "2", "--every", "7", "--days", "7", "--output", out]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    seen = json.loads(out.read_text())
    assert (seen["dates"], seen["steps"]) == (2, 1)
    assert [day["outcome"] for day in seen["days"]] == ["promoted", "refreshed"]
    assert all(day["windows"] == 7 * 24 and day["failed"] == {} for day in seen["days"])
    assert -1 < seen["skill"] < 1
    assert {season: share is None for season, share in seen["skill_by_season"].items()} == {
        "DJF": True,
        "MAM": False,
        "JJA": False,
        "SON": True,
    }
