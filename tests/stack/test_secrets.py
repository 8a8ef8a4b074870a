"""Secrets: random, private, the same for everybody who asks."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tsflow.errors import StackError
from tsflow.stack.places import private_dir
from tsflow.stack.secrets import Secrets, load_secrets, password_file, secrets_file, write_password_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def plain(secrets: Secrets) -> dict[str, str]:
    return {name: getattr(secrets, name).get_secret_value() for name in Secrets.model_fields}


def test_files_are_readable_by_their_owner_only(state: Path) -> None:
    write_password_file(load_secrets())
    assert mode(state) == mode(state / "airflow") == 0o700
    assert mode(secrets_file()) == mode(password_file()) == 0o600


def test_a_file_that_was_opened_to_others_is_closed_again(state: Path) -> None:
    load_secrets()
    secrets_file().chmod(0o644)
    state.chmod(0o755)
    load_secrets()
    assert mode(secrets_file()) == 0o600
    assert mode(private_dir()) == 0o700


def test_a_second_call_gives_the_same_secrets_and_another_state_folder_others(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = plain(load_secrets())
    assert plain(load_secrets()) == first
    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path / "another"))
    assert not set(plain(load_secrets()).values()) & set(first.values())
    assert min(len(value) for value in first.values()) >= 20


def test_eight_first_starts_at_once_agree(state: Path) -> None:
    code = "from tsflow.stack.secrets import load_secrets; print(load_secrets().admin_password.get_secret_value())"
    starts = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(8)]
    assert len({start.communicate()[0] for start in starts}) == 1
    assert [path.name for path in state.iterdir()] == ["secrets.json"]


OLD = ("admin_password", "viewer_password", "jwt_secret", "session_secret", "fernet_key")
OLD += ("access_key_id", "secret_access_key", "volume_key")


def test_secrets_of_an_older_tsflow_stay_and_get_what_they_lack(state: Path) -> None:
    old = {name: f"{name}-of-the-first-version" for name in OLD}
    private_dir()
    secrets_file().write_text(json.dumps(old))
    code = "from tsflow.stack.secrets import load_secrets; print(load_secrets().reader_secret_access_key.get_secret_value())"
    starts = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    (reader,) = {start.communicate()[0].strip() for start in starts}
    new = plain(load_secrets())
    assert {name: new[name] for name in OLD} == old
    assert new["reader_secret_access_key"] == reader
    assert set(new) == set(json.loads(secrets_file().read_text())) == set(Secrets.model_fields)
    assert mode(secrets_file()) == 0o600


@pytest.mark.parametrize("lost", ["access_key_id", "reader_access_key_id"])
def test_secrets_that_lost_one_are_refused_not_filled_up(lost: str, state: Path) -> None:
    known = plain(load_secrets())
    secrets_file().write_text(json.dumps({name: value for name, value in known.items() if name != lost}))
    with pytest.raises(StackError, match="not the secrets that tsflow wrote"):
        load_secrets()


def test_secrets_do_not_show_in_texts(state: Path) -> None:
    secrets = load_secrets()
    assert not any(value in repr(secrets) + str(secrets) for value in plain(secrets).values())


def test_a_damaged_file_is_an_error_that_names_it_and_hides_its_content(state: Path) -> None:
    load_secrets()
    secrets_file().write_text('{"admin_password": "hunter2"}')
    with pytest.raises(StackError, match=r"secrets\.json.*tsflow down") as error:
        load_secrets()
    assert "hunter2" not in str(error.value)


def test_airflow_finds_both_users(state: Path) -> None:
    secrets = load_secrets()
    passwords = json.loads(write_password_file(secrets).read_text())
    assert passwords == {
        "admin": secrets.admin_password.get_secret_value(),
        "viewer": secrets.viewer_password.get_secret_value(),
    }
