"""The benchmark of the lecture's networks: beside its seconds, that tsflow trains the same networks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY

PROGRAM = REPOSITORY / "benchmarks" / "book.py"


def test_a_network_of_tsflows_ends_with_the_books_error_when_it_has_the_windows_in_the_books_order(tmp_path: Path):
    out = tmp_path / "book.json"
    command = [sys.executable, PROGRAM, "--station", "demo", "--profile", "smoke", "--epochs", "2", "--output", out]
    done = subprocess.run([*command, "--architectures", "dense,conv1d,lstm"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "ratio" in done.stdout
    for name, found in json.loads(out.read_text())["networks"].items():
        assert found["same_order"] == pytest.approx(found["book"]["val_mae"], abs=1e-3), name
        assert found["tsflow"]["val_mae"] != found["book"]["val_mae"], f"{name} shuffles for itself where nobody says otherwise"
