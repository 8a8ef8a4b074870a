"""`make bench`: tables of what was measured, and the benchmark that needs a stack of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY

BENCHMARKS = REPOSITORY / "benchmarks"
BOTH = {"book": 4.0, "tsflow": 1.0}
MEASURED = {
    "training": {"dense": {"wall": BOTH, "processor": BOTH, "wall_ratio": 4.0, "processor_ratio": 4.1, "goal": 8.0}},
    "book": {
        "epochs": 2,
        "networks": {"lstm": {**{way: {"seconds": 7.0, "val_mae": 2.5} for way in BOTH}, "same_order": 2.4}},
        "seconds": BOTH,
        "processor": BOTH,
        "seconds_ratio": 4.0,
        "processor_ratio": 4.2,
    },
    "reading": {
        "megabytes": 63.0,
        **{way: {"seconds": 1.0, "processor": 0.9, "peak_mb": 500.0} for way in ("bare", "whole")},
        "ratio": 5.0,
        "ratio_of_processor": 4.3,
    },
    "client": {"forecasts": [{"architecture": "naive", "client": 0.1}, {"architecture": "gru", "client": 0.2, "predict": 60.0}]},
    "orchestration": {"entrants": 11, "seconds": 90.0, "trainings": 60.0, "empty": 12.5},
}


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, check=False)


def test_the_tables_of_the_page_are_made_of_what_was_measured_and_the_rest_of_it_stays(tmp_path: Path):
    page, results = tmp_path / "performance.md", tmp_path / "results"
    page.write_text((REPOSITORY / "docs" / "performance.md").read_text())
    results.mkdir()
    for name, found in MEASURED.items():
        (results / f"{name}.json").write_text(json.dumps(found))

    for _ in range(2):  # a second time changes nothing
        done = run(BENCHMARKS / "bench.py", "--tables", "--results", results, "--page", page)
        assert done.returncode == 0, done.stderr

    made = page.read_text()
    for name in MEASURED:
        assert made.count(f"<!-- {name}: made by `make bench` -->") == 1
    assert "| dense | 4.00 | 1.00 | 4.00 | 1.00 | 4.0 | **4.1** | 8.0 |" in made
    assert "| lstm | 7 | 7 | 2.500 | 2.500 | 2.400 |" in made
    assert "| naive | 0.10 | – | – |" in made
    assert "| goal: 1.15 times that, and 10 s | 79.0 |" in made


def test_nothing_measured_leaves_the_page_as_it_is(tmp_path: Path):
    page = tmp_path / "performance.md"
    page.write_text(before := (REPOSITORY / "docs" / "performance.md").read_text())

    assert run(BENCHMARKS / "bench.py", "--tables", "--results", tmp_path / "none", "--page", page).returncode == 0

    assert page.read_text() == before


@pytest.mark.stack
def test_a_run_is_measured_beside_a_dag_of_empty_tasks(tmp_path: Path):
    out = tmp_path / "orchestration.json"
    few = ["--profile", "smoke", "--architectures", "naive,autoregression_direct", "--of", "1", "--output", out]
    for name in [name for name in os.environ if name.startswith("TSFLOW_OBJECT_STORE")]:
        del os.environ[name]

    done = run(BENCHMARKS / "orchestration.py", *few)

    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-2000:]
    seen = json.loads(out.read_text())
    assert seen["entrants"] == 2
    assert seen["seconds"] > seen["trainings"] > 0
    assert seen["empty"] > 0
    assert seen["empty of 1"] > 0
