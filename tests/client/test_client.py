"""The consumer's side stands apart: it imports little."""

import subprocess
import sys

HEAVY = ("tensorflow", "keras", "airflow", "pandas", "pydantic", "great_expectations")


def test_importing_the_client_loads_nothing_heavy():
    code = f"import sys, tsflow.client; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
