"""The benchmark of later years: recipes train on one file of a mast, and forecast others that begin long after it."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from conftest import REPOSITORY, store_environment
from tsflow.records.store import Records
from tsflow.stations.simulator import simulated_file
from tsflow.stations.station import load_station

PROGRAM = REPOSITORY / "benchmarks" / "later_years.py"


def test_recipes_of_one_file_forecast_each_year_of_the_others(records: Records, home: Path, tmp_path: Path):
    environment = store_environment(records) | {"TSFLOW_HOME": str(home)}
    demo = load_station("demo")
    files = []
    for begin, end in [("2023-01-01", "2023-12-01"), ("2024-11-01", "2025-03-01")]:
        name, body = simulated_file(demo, demo.source(None), datetime.fromisoformat(begin), datetime.fromisoformat(end))
        files.append(tmp_path / f"{begin}_{name}")
        files[-1].write_bytes(body)
    out = tmp_path / "out.json"
    command = [sys.executable, PROGRAM, *files, "--stations", "demo,demo", "--output", out]
    command += ["--architectures", "autoregression_direct,climatology", "--against", "autoregression_direct,climatology"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    lines = json.loads(out.read_text())
    mean = "autoregression_direct + climatology"
    assert [(line["year"], line["recipe"]) for line in lines] == [
        (year, recipe) for year in ("2024", "2025", "all") for recipe in (mean, "autoregression_direct", "climatology")
    ]
    windows = {line["year"]: line["windows"] for line in lines}
    assert windows["all"] == windows["2024"] + windows["2025"] > 110 * 24, "its inputs are of the later file: five days find none"
    for line in lines:
        assert line["skill"] == pytest.approx(1 - line["mae"] / line["naive"])
        assert line["low"] <= line["gain"] <= line["high"]
        assert (line["gain"] == 0) == (line["recipe"] == mean)
    assert f"| all | {mean} |" in done.stdout
