"""The prompt answers at once: a command loads what it needs, and help and wrong arguments need next to nothing."""

import subprocess
import sys

import pytest

HEAVY = (
    "airflow",
    "boto3",
    "great_expectations",
    "keras",
    "numpy",
    "onnxruntime",
    "pandas",
    "psutil",
    "pyarrow",
    "requests",
    "tensorflow",
)
CODE = f"""
import sys
from tsflow.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("LOADED", [name for name in {HEAVY!r} if name in sys.modules])
"""


@pytest.mark.parametrize(
    "typed",
    [["--help"], ["run", "--help"], ["champion", "--help"], ["station", "init", "--help"], ["nonsense"], ["run", "--seed", "x"]],
)
def test_help_and_wrong_arguments_load_nothing_heavy(typed: list[str]):
    done = subprocess.run([sys.executable, "-c", CODE, *typed], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"
