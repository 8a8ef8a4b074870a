"""The benchmark of choices: each try forecasts what lies before the test part, and is held against the recipe as shipped."""

import itertools
import json
import runpy
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from conftest import REPOSITORY, store_environment
from telling import record
from tsflow.records.store import Records
from tsflow.stations.simulator import simulated_file
from tsflow.stations.station import load_station

PROGRAM = REPOSITORY / "benchmarks" / "choices.py"


def run(records: Records, home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = store_environment(records) | {"TSFLOW_HOME": str(home)}
    return subprocess.run(
        [sys.executable, PROGRAM, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False
    )


def test_each_try_forecasts_each_stretch_and_is_held_against_the_recipe_as_shipped(records: Records, home: Path, tmp_path: Path):
    demo = load_station("demo")
    name, body = simulated_file(demo, demo.source(None), datetime(2025, 2, 1), datetime(2025, 12, 1))
    (tmp_path / name).write_bytes(body)
    out = tmp_path / "out.json"
    tries = ["--try", "fit.epochs=1 units=[4]", "--try", "target=change"]
    done = run(
        records, home, tmp_path / name, "dense", "--station", "demo", *tries, "--seeds", "1,2", "--folds", "2", "--output", out
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    lines = json.loads(out.read_text())
    assert {line["try"] for line in lines} == {"as shipped", "fit.epochs=1 units=[4]", "target=change"}
    assert [line["mae"] for line in lines] == sorted(line["mae"] for line in lines)
    shipped = next(line for line in lines if line["try"] == "as shipped")
    assert "gain" not in shipped
    for line in lines:
        assert min(line["by_stretch"]) < line["mae"] < max(line["by_stretch"])
        if line is not shipped:
            assert line["gain"] == pytest.approx(shipped["mae"] - line["mae"], abs=0.1)  # a day counts by its origins
            assert line["low"] < line["gain"] < line["high"]
    assert f"| target=change | {next(line for line in lines if line['try'] == 'target=change')['mae']:.4f} |" in done.stdout


def test_a_key_that_the_recipe_does_not_know_is_told_before_anything_trains(records: Records, home: Path, tmp_path: Path):
    done = run(records, home, tmp_path / "not_read.csv", "dense", "--try", "unit=[4]", "--station", "demo")
    assert done.returncode != 0
    assert "dense: unit: unknown key" in done.stderr


def test_a_stretch_shares_no_hour_with_what_is_learnt_nor_with_the_test_part():
    program = runpy.run_path(str(PROGRAM))
    dataset = record(200, told_by="wd")
    whole = [program["fold_of"](dataset, 3, number) for number in range(3)]
    for fold in whole:
        held, learnt = fold.starts("validation"), fold.starts("train")
        assert len(held) > 24
        assert len(learnt) > 24
        hours = {int(hour) for start in held for hour in range(start, start + fold.task.span)}
        assert not hours & {int(hour) for start in learnt for hour in range(start, start + fold.task.span)}
        assert max(hours) < dataset.bounds.b
        assert len(fold.starts("test")) == 0
    stretches = [fold.starts("validation") for fold in whole]
    assert all(a[-1] < b[0] for a, b in itertools.pairwise(stretches))
    assert program["fold_of"](dataset, 1, 0) is dataset
