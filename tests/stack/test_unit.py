"""The systemd unit: what it says, and what systemd is told; a systemctl that notes its calls stands for the machine's."""

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tsflow.errors import StackError
from tsflow.stack import unit

SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
test "$2" != "$REFUSED" || { echo "Failed to connect to bus" >&2; exit 1; }
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path / "state of 100 %"))
    monkeypatch.setenv("TSFLOW_STACK__UI_PORT", "9999")
    return program.parent / "calls"


def test_it_is_written_enabled_started_and_removed(calls: Path, tmp_path: Path):
    path = unit.install()
    assert path == tmp_path / "config" / "systemd" / "user" / "tsflow.service"
    assert path.read_text() == unit.unit()
    assert calls.read_text().splitlines() == [
        "--user daemon-reload",
        "--user enable tsflow.service",
        "--user restart tsflow.service",
    ]
    environment = tmp_path / "state of 100 %" / "service.env"
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600
    assert 'TSFLOW_STACK__UI_PORT="9999"' in environment.read_text()
    unit.uninstall()
    assert calls.read_text().splitlines()[-1] == "--user disable --now tsflow.service"
    assert not path.exists()
    assert not environment.exists()


def test_keys_of_sources_proxies_and_airflows_settings_go_with_it(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given = {"MAST_KEY": "k", "HTTPS_PROXY": "http://proxy:3128", "no_proxy": "localhost", "AIRFLOW__SMTP__SMTP_HOST": "mail"}
    for name, value in {**given, "OTHER": "o"}.items():
        monkeypatch.setenv(name, value)
    unit.install({"MAST_KEY"})
    said = (tmp_path / "state of 100 %" / "service.env").read_text()
    assert all(f'{name}="{value}"' in said for name, value in given.items())
    assert "OTHER" not in said


def test_what_it_starts_is_there_and_takes_the_arguments(calls: Path):
    (line,) = re.findall("^ExecStart=(.*)$", unit.unit(), re.MULTILINE)
    program, *arguments = shlex.split(line.replace("%%", "%"))
    assert Path(program) == Path(sys.executable).parent / "tsflow"
    done = subprocess.run([program, *arguments, "--help"], capture_output=True, text=True, check=True)
    assert "--stay" in done.stdout
    assert "100 %%" in unit.unit(), "a per cent sign is systemd's own"


def test_systemd_itself_finds_nothing_wrong_with_it(calls: Path, tmp_path: Path):
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze, which checks units, is not installed")
    path = unit.install()
    checked = [verify, "verify", "--user", "--man=no", path]
    done = subprocess.run(
        checked, env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_systemd_that_refuses_is_quoted(calls: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REFUSED", "daemon-reload")
    with pytest.raises(StackError, match=r"daemon-reload` failed: Failed to connect to bus; the unit is .*tsflow\.service"):
        unit.install()


def test_a_machine_without_systemd_says_what_to_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(StackError, match="tsflow up --stay"):
        unit.install()
