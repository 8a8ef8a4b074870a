"""The figures of docs/statistics.md: that they are those of the program that makes them, and that they keep what is promised."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import DATA, REPOSITORY

PROGRAM = REPOSITORY / "benchmarks" / "verdicts.py"
FIGURES = json.loads((REPOSITORY / "docs" / "statistics.json").read_text())
LONG = ("60", "120", "240", "540")


def test_the_tables_show_the_stored_figures():
    made = runpy.run_path(str(REPOSITORY / "docs" / "make.py"))["statistics"]
    page = (REPOSITORY / "docs" / "statistics.md").read_text()
    assert page == made(page, FIGURES), "run `make docs`"


@pytest.mark.parametrize("days", LONG)
def test_intervals_hold_the_truth_as_often_as_they_say(days: str):
    assert 0.92 <= FIGURES["coverage"][days]["mae"] <= 0.97
    assert 0.92 <= FIGURES["coverage"][days]["difference"] <= 0.97


@pytest.mark.parametrize("days", LONG)
@pytest.mark.parametrize("equals", [12, 25])
@pytest.mark.parametrize("kind", ["retrain", "reference", "not_best"])
def test_equals_are_seldom_called_worse(days: str, equals: int, kind: str):
    found = FIGURES[f"board_{equals}"][days]
    assert found[f"{kind}_line"] <= 0.05
    assert found[f"{kind}_board"] <= 0.10


def test_the_gate_takes_equals_for_better_in_one_of_twenty_and_sees_a_gain():
    assert all(each["better_0.0"] <= 0.06 for each in FIGURES["gate"].values())
    assert FIGURES["gate"]["120"]["better_0.05"] > 0.7


def made(folder: Path, *arguments: str) -> dict:
    out = folder / "figures.json"
    done = subprocess.run([sys.executable, PROGRAM, *arguments, "--output", str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(out.read_text())


def test_the_program_makes_every_figure(tmp_path: Path):
    found = made(tmp_path, "--boards", "2", "--days", "30", "60")
    assert found.keys() == FIGURES.keys() - {"record"}
    for kind in FIGURES.keys() - {"boards", "record"}:
        assert found[kind]["60"].keys() == FIGURES[kind]["60"].keys()
    assert "30" not in found["power"], "too few days are never judged"


@pytest.mark.skipif(not DATA.exists(), reason="needs the real record in shared/data")
def test_the_coverage_on_the_real_record_is_that_of_the_page(tmp_path: Path):
    found = made(tmp_path, "--boards", "1", "--days", "60", "--record", str(DATA / "jena_hourly_2009_2014.csv.gz"))
    assert found["record"]["60"] == pytest.approx(FIGURES["record"]["60"], abs=0.005)
