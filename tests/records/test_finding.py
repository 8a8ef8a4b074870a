"""Finding the newest board, a run, a champion takes the same few requests however much there is; the large case is run by hand."""

import json
import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY, emptied, store_environment
from tsflow.records.store import Records
from tsflow.storage.objects import ObjectStore

PROGRAM = REPOSITORY / "benchmarks" / "finding.py"


def asked(records: Records, tmp_path: Path, *, runs: int, stations: int) -> dict[str, int]:
    environment = store_environment(records)
    command = [sys.executable, PROGRAM, "--runs", str(runs), "--stations", str(stations), "--rounds", "1"]
    done = subprocess.run(
        [*command, "--output", tmp_path / "out.json"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    questions = json.loads((tmp_path / "out.json").read_text())["questions"]
    return {question: found["requests"] for question, found in questions.items()}


def test_ten_times_as_much_takes_not_one_request_more(records: Records, worker_bucket: ObjectStore, tmp_path: Path):
    few = asked(records, tmp_path, runs=32, stations=1)
    emptied(worker_bucket)
    many = asked(records, tmp_path, runs=80, stations=4)
    assert few == many
    assert few == {
        "newest board of a station": 6,
        "newest board of a task": 5,
        "twenty newest runs": 22,
        "a run by its name": 1,
        "board of a run": 2,
        "champion's pointer and newest entry": 4,
        "thirty newest ingests": 33,
    }
