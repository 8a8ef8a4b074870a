"""Airflow's own database over the days, as its cleaning leaves it; sixty days are run by hand."""

import json
import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY, store_environment
from tsflow.records.store import Records

PROGRAM = REPOSITORY / "benchmarks" / "airflow_database.py"


def test_what_is_older_than_the_days_that_are_kept_goes_from_airflows_database(records: Records, tmp_path: Path):
    out, log = tmp_path / "out.json", tmp_path / "log"
    few = ["--days", "2", "--keep-days", "1", "--every-days", "2", "--stations", "1", "--ingests", "1"]
    program = [sys.executable, PROGRAM, *few, "--output", str(out), "--log", str(log)]
    done = subprocess.run(program, env=store_environment(records), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:] + log.read_text()[-3000:]
    first, second = json.loads(out.read_text())["days"]
    assert (first["runs"], first["failed"]) == (6, 0), log.read_text()[-3000:]
    assert (second["runs"], second["failed"]) == (5, 0)
    assert second["before"]["tables"]["dag_run"] == 11
    assert second["after"]["tables"]["dag_run"] == 5
    assert second["removed"] > 0
    assert second["after"]["rows"] < second["before"]["rows"]
    assert "| 2 |" in done.stdout
