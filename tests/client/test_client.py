"""The consumer's side stands apart: it imports little."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY
from tsflow.architectures.baselines import Persistence

TELEMETRY = "ORT_DISABLE_TELEMETRY"
REPORTED_AFTER = 12  # seconds, in which ONNX Runtime 1.32 looks its receiver up, unless told not to
HEAVY = ("tensorflow", "keras", "airflow", "pandas", "pydantic", "great_expectations")


def test_importing_the_client_loads_nothing_heavy():
    code = f"import sys, tsflow.client; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_model_that_runs_reports_to_nobody(tmp_path: Path):
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace, which shows connections, is not installed")
    (tmp_path / "model.onnx").write_bytes(Persistence(120, 4, 0).to_onnx())
    program = f"""if True:
        import sys, time, numpy
        from pathlib import Path
        from tsflow.bundle.session import open_model
        session = open_model(Path("model.onnx").read_bytes())
        session.run(None, {{"observations": numpy.zeros((1, 120, 4), numpy.float32)}})
        time.sleep({REPORTED_AFTER})
    """
    inherited = {name: value for name, value in os.environ.items() if name != TELEMETRY}
    subprocess.run(
        [strace, "-f", "-e", "trace=connect", "-o", "trace", sys.executable, "-c", program], cwd=tmp_path, env=inherited, check=True
    )
    trace = (tmp_path / "trace").read_text()
    assert "exited with 0" in trace
    assert [line for line in trace.splitlines() if "AF_INET" in line] == []


def test_one_place_loads_the_runtime_of_models():
    loaded = re.compile(r"^\s*(import|from) onnxruntime\b", re.MULTILINE)
    sources = [
        path
        for folder in ("src", "dags", "plugins", "deploy", "benchmarks", "tests")
        for path in (REPOSITORY / folder).rglob("*.py")
    ]
    assert [path.name for path in sources if loaded.search(path.read_text())] == ["session.py"]
