"""Days of operation with a sensor that drifts: the alert comes after the drift began, and not before."""

import json
import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY, store_environment
from tsflow.records.store import Records

PROGRAM = REPOSITORY / "benchmarks" / "thirty_days.py"


def test_a_drifting_thermometer_raises_an_alert_within_three_days_and_not_before(records: Records, home: Path, tmp_path: Path):
    environment = store_environment(records) | {"TSFLOW_HOME": str(home), "TSFLOW_GATE__PROBABILITY": "0.6"}
    out = tmp_path / "out.json"
    few = ["--days", "8", "--drift-day", "5", "--every-hours", "3", "--history-days", "200", "--retrain-until", "1"]
    few += ["--architectures", "autoregression_direct,naive", "--per-hour", "0.3", "--output", str(out)]
    done = subprocess.run([sys.executable, PROGRAM, *few], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(out.read_text())
    assert seen["forecasts"] > 50, "some are refused once the thermometer leaves its range"
    told = {day["day"]: [alert.partition(":")[0] for alert in day["alerts"]] for day in seen["days"]}
    assert all(not alerts for day, alerts in told.items() if day <= 5), told
    assert any(alerts for day, alerts in told.items() if 5 < day <= 8), told
    assert len(seen["scores"]) >= 6
    assert "<polyline" in out.with_suffix(".svg").read_text()
