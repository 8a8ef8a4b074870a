"""The benchmark that chooses by validation alone: each try is trained with each seed, and held against the recipe as shipped."""

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

PROGRAM = REPOSITORY / "benchmarks" / "choices.py"


def run(records: Records, home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = store_environment(records) | {"TSFLOW_HOME": str(home)}
    return subprocess.run(
        [sys.executable, PROGRAM, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False
    )


def test_each_try_is_trained_with_each_seed_and_held_against_the_recipe_as_shipped(records: Records, home: Path, tmp_path: Path):
    demo = load_station("demo")
    name, body = simulated_file(demo, demo.source(None), datetime(2025, 2, 1), datetime(2025, 12, 1))
    (tmp_path / name).write_bytes(body)
    out = tmp_path / "out.json"
    tries = ["--try", "fit.epochs=1 units=[4]", "--try", "target=change"]
    done = run(records, home, tmp_path / name, "dense", "--station", "demo", *tries, "--seeds", "1,2", "--output", out)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    lines = json.loads(out.read_text())
    assert {line["try"] for line in lines} == {"as shipped", "fit.epochs=1 units=[4]", "target=change"}
    assert [line["mae"] for line in lines] == sorted(line["mae"] for line in lines)
    shipped = next(line for line in lines if line["try"] == "as shipped")
    assert "gain" not in shipped
    for line in lines:
        assert line["mae"] == pytest.approx(sum(line["by_seed"]) / 2)
        assert line["by_seed"][0] != line["by_seed"][1]
        if line is not shipped:
            assert line["gain"] == pytest.approx(shipped["mae"] - line["mae"], abs=2e-3)  # a day counts by its origins
            assert line["low"] < line["gain"] < line["high"]
    assert f"| target=change | {next(line for line in lines if line['try'] == 'target=change')['mae']:.4f} |" in done.stdout


def test_a_key_that_the_recipe_does_not_know_is_told_before_anything_trains(records: Records, home: Path, tmp_path: Path):
    done = run(records, home, tmp_path / "not_read.csv", "dense", "--try", "unit=[4]", "--station", "demo")
    assert done.returncode != 0
    assert "dense: unit: unknown key" in done.stderr
