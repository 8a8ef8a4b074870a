"""Days of operation with retention: the store stays level, and what may come back verifies; sixty days are run by hand."""

import json
import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY, store_environment
from tsflow.records.store import Records

PROGRAM = REPOSITORY / "benchmarks" / "sixty_days.py"


def test_the_store_stays_level_and_every_champion_that_is_kept_verifies(records: Records, tmp_path: Path):
    environment = store_environment(records)
    out = tmp_path / "out.json"
    few = ["--days", "12", "--stations", "1", "--ingests", "1", "--every-days", "4", "--history-days", "150"]
    few += ["--architectures", "naive,autoregression_direct", "--output", str(out)]
    done = subprocess.run([sys.executable, PROGRAM, *few], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(out.read_text())
    first, second, third = (day["collected"] for day in seen["days"] if "collected" in day)
    assert (first["removed"], first["objects"]) == (True, 0), "nothing is old yet"
    assert {"trainings", "candidates", "datasets", "ingests", "index"} >= set(second["kinds"])
    assert third["objects"] > 10
    assert all(not each["notes"] for each in (first, second, third))
    (station,) = seen["verified"].values()
    assert station["kept"] == station["whole"] == station["entries"] == 12, "two weeks are kept"
    assert station["damage"] == []
    assert "<polyline" in out.with_suffix(".svg").read_text()
    assert "| 12 |" in done.stdout
