"""The state folder: whole files, clear errors."""

import errno
import os
from pathlib import Path

import psutil
import pytest

from tsflow.errors import StackError
from tsflow.stack import places


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_write_that_finds_the_disk_full_leaves_the_old_file_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    path = places.private_dir("run") / "file.json"
    places.write_private(path, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StackError, match="no space left on the disk; make room, or set TSFLOW_STATE"):
        places.write_private(path, "new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_start_on_a_full_disk_is_refused(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = psutil.disk_usage(str(state.parent))
    monkeypatch.setattr(psutil, "disk_usage", lambda _: usage._replace(free=5 * 2**20))
    with pytest.raises(StackError, match=r"is full: 5 MiB free, at least 256 MiB needed"):
        places.require_room()


def test_a_state_folder_below_a_file_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path / "file" / "state"))
    with pytest.raises(StackError, match="cannot be written"):
        places.private_dir()


def test_only_the_first_of_two_writers_makes_a_file_that_must_not_be_replaced() -> None:
    path = places.private_dir() / "once"
    assert places.write_private(path, "first", replace=False)
    assert not places.write_private(path, "second", replace=False)
    assert path.read_text() == "first"
