"""`make env`: secrets of one's own, kept."""

import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from conftest import REPOSITORY


def values(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))


def test_it_makes_all_values_for_the_owner_alone(tmp_path: Path, make_env: Any) -> None:
    assert make_env.make_env(tmp_path / ".env") == list(make_env.VALUES)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert set(values(tmp_path / ".env")) == set(make_env.VALUES)
    assert list(tmp_path.iterdir()) == [tmp_path / ".env"]


def test_a_second_time_changes_nothing(tmp_path: Path, make_env: Any) -> None:
    make_env.make_env(tmp_path / ".env")
    before = (tmp_path / ".env").read_bytes()
    assert make_env.make_env(tmp_path / ".env") == []
    assert (tmp_path / ".env").read_bytes() == before


def test_what_is_there_stays_and_what_is_missing_is_added(tmp_path: Path, make_env: Any) -> None:
    path = tmp_path / ".env"
    path.write_text("# ours\nPOSTGRES_PASSWORD=chosen\nTSFLOW_OBJECT_STORE__BUCKET=weather\nCOMPOSE_PROFILES=")
    path.chmod(0o644)
    added = make_env.make_env(path)
    assert path.read_text().startswith("# ours\nPOSTGRES_PASSWORD=chosen\nTSFLOW_OBJECT_STORE__BUCKET=weather\nCOMPOSE_PROFILES=\n")
    assert set(added) == set(make_env.VALUES) - {"POSTGRES_PASSWORD", "COMPOSE_PROFILES"}
    assert values(path)["POSTGRES_PASSWORD"] == "chosen"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_differ_from_each_other_and_from_the_next_installation_s(tmp_path: Path, make_env: Any) -> None:
    for name in ("one", "two"):
        make_env.make_env(tmp_path / name)
    one, two = values(tmp_path / "one"), values(tmp_path / "two")
    secret = [name for name in make_env.VALUES if name != "COMPOSE_PROFILES"]
    assert len({values[name] for name in secret for values in (one, two)}) == 2 * len(secret)
    assert all(len(one[name]) >= 20 for name in secret)


def test_values_stand_in_urls_and_in_env_files_as_they_are(make_env: Any) -> None:
    for name, make in make_env.VALUES.items():
        assert re.fullmatch(r"[\w-]+=?", make()), name
        if name != "AIRFLOW__CORE__FERNET_KEY":  # base64 ends with =; it stands in no URL
            assert "=" not in make()
    Fernet(make_env.VALUES["AIRFLOW__CORE__FERNET_KEY"]())


def test_it_runs_with_python_alone_and_prints_no_secret(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", str(REPOSITORY / "deploy" / "make_env.py"), str(tmp_path / ".env")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "POSTGRES_PASSWORD" in said
    assert not [value for name, value in values(tmp_path / ".env").items() if name != "COMPOSE_PROFILES" and value in said]


def test_git_ignores_the_file() -> None:
    assert "/.env" in (REPOSITORY / ".gitignore").read_text().splitlines()
