"""The embedded store alone: shared, private, gone with its last user."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from conftest import REPOSITORY
from tsflow.errors import StackError, StorageDenied, StorageUnavailable
from tsflow.settings import ObjectStoreSettings, load_settings
from tsflow.stack import object_store
from tsflow.stack.control import _staying, down, stay
from tsflow.stack.keeper import Keeper
from tsflow.stack.marks import marked, part_of
from tsflow.stack.objects import EmbeddedStore, use_lock
from tsflow.stack.ports import remembered_ports
from tsflow.stack.reader import require_own_keys
from tsflow.stack.record import KEEPER, DaemonRecord, read_record
from tsflow.stack.secrets import load_secrets
from tsflow.stack.weed import NAME

pytestmark = pytest.mark.stack

# Uses the store until its stdin ends.
USER = """
import sys
from tsflow.settings import load_settings
from tsflow.stack import object_store
with object_store(load_settings()) as store:
    print(store.endpoint_url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path / "state"))
    yield
    down()


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def user() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", USER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def weed() -> psutil.Process:
    (process,) = marked(lambda part: part == NAME)
    return process


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_objects_survive_the_end_and_the_next_start() -> None:
    with object_store(load_settings()) as store:
        assert store.open().put_new("a/b", b"x" * 5_000_000)
    assert marked() == []
    with object_store(load_settings()) as store:
        assert store.open().get("a/b") == b"x" * 5_000_000
    assert marked() == []


def test_the_store_refuses_wrong_keys_and_strangers() -> None:
    with object_store(load_settings()) as store:
        store.open().put_new("secret", b"x")
        for change in ({"access_key_id": SecretStr("AKIAWRONG")}, {"secret_access_key": SecretStr("wrong")}):
            with pytest.raises(StorageDenied, match="refused"):
                store.model_copy(update=change).open().get("secret")
        assert status_of(f"{store.endpoint_url}/{store.bucket}/secret") == 403


def test_it_listens_on_loopback_only_and_reports_nothing() -> None:
    with object_store(load_settings()):
        connections = weed().net_connections("inet")
        assert connections
        assert {connection.laddr.ip for connection in connections} == {"127.0.0.1"}
        assert {connection.raddr.ip for connection in connections if connection.raddr} <= {"127.0.0.1"}
        assert {connection.laddr.port for connection in connections if connection.status == psutil.CONN_LISTEN} == set(
            remembered_ports(NAME).values()
        )
        assert "-master.telemetry=false" in weed().cmdline()


def test_three_commands_at_once_share_one_store_and_the_last_one_stops_it() -> None:
    users = [user() for _ in range(3)]
    addresses = {one.stdout.readline() for one in users if one.stdout}
    assert len(addresses) == 1
    pid = weed().pid
    for one in users[:2]:
        one.communicate()
        assert one.returncode == 0
        assert weed().pid == pid
    users[2].communicate()
    assert marked() == []


def test_stores_started_at_once_over_one_port_are_each_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("TSFLOW_STACK__OBJECT_STORE_PORT", str(probe.getsockname()[1]))
    states = [tmp_path / f"state{i}" for i in range(3)]
    users = []
    for state in states:
        monkeypatch.setenv("TSFLOW_STATE", str(state))
        users.append(user())
    addresses = [one.stdout.readline().strip() for one in users if one.stdout]  # each printed once its own keys were let in
    for one in users:
        one.communicate()
        assert one.returncode == 0
    assert len({*addresses} - {""}) == 3


def test_the_store_of_a_killed_command_stops_by_itself() -> None:
    one = user()
    assert one.stdout
    assert one.stdin
    one.stdout.readline()
    one.kill()
    one.communicate()
    until(lambda: not marked())


def test_a_state_folder_may_be_said_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSFLOW_STATE", "here/state")
    monkeypatch.setenv("TSFLOW_HOME", os.path.relpath(REPOSITORY, tmp_path))
    monkeypatch.chdir(tmp_path)
    with object_store(load_settings()) as store:
        assert store.open().put_new("a", b"x")
    assert (tmp_path / "here" / "state" / "objects").is_dir()
    assert not (tmp_path / "here" / "state" / "here").exists()


def test_a_keeper_that_failed_while_the_disk_was_full_says_so_once_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    user, keeper, full = use_lock(), Keeper(load_settings()), [True, True]
    assert user.acquire(shared=True)
    write = DaemonRecord.write

    def written(record: DaemonRecord) -> None:
        if full:
            full.pop()
            raise StackError("no space left on device")
        write(record)

    monkeypatch.setattr(DaemonRecord, "write", written)
    keeper.state, keeper.reason = "failed", "after 5 restarts"
    monkeypatch.setattr(keeper, "stopping", lambda: (found := read_record(KEEPER)) is not None and found.state == "failed")
    keeper._wait_unused()
    assert read_record(KEEPER) is not None
    user.release()
    for end in (keeper._woken, keeper._waker):
        end.close()


def test_down_does_not_stop_what_somebody_keeps_up() -> None:
    staying = _staying()
    assert staying.acquire()
    staying.path.write_text("4711")
    with pytest.raises(StackError, match=r"`tsflow up --stay` \(process 4711\) keeps the stack up and would start it again"):
        down()
    with pytest.raises(StackError, match=r"another `tsflow up --stay` \(process 4711\) keeps the stack up already"):
        stay(load_settings(), lambda: True)
    staying.release()


def test_a_shell_with_a_readers_keys_starts_no_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = load_secrets().reader
    own = load_settings().object_store.changed(access_key_id=reader.access_key_id, secret_access_key=reader.secret_access_key)
    require_own_keys(own)
    with pytest.raises(StackError, match=r"this shell has read .*reader\.env"):
        require_own_keys(own.changed(endpoint_url="http://127.0.0.1:8333"))


def test_down_leaves_the_store_of_a_command_that_still_uses_it() -> None:
    with object_store(load_settings()) as store:
        down()
        assert store.open().put_new("a", b"x")


@pytest.mark.parametrize("victims", [("object-store",), ("object-store-keeper",), ("object-store-keeper", "object-store")])
def test_killed_parts_hold_up_neither_this_command_nor_the_next(victims: tuple[str, ...]) -> None:
    with object_store(load_settings()) as store:
        store.open().put_new("a", b"x")
        for process in marked(lambda part: part in victims):
            os.kill(process.pid, signal.SIGKILL)
        until(lambda: not [p for p in marked(lambda part: part == victims[0]) if part_of(p) is None])
        with object_store(load_settings()) as again:
            assert again.endpoint_url
            until(lambda: _answer(again))
    assert marked() == []
    assert not list(Path("/tmp").glob(f"seaweedfs-*-{remembered_ports(NAME)['s3.port.grpc']}.sock"))


@pytest.mark.parametrize("victim", ["object-store-keeper", "object-store"])
def test_a_store_whose_keeper_died_or_gave_up_is_brought_back_without_waiting(victim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsflow.stack.objects._AGAIN_SECONDS", 0.5)
    settings = load_settings({"stack.max_restarts": 0})  # so that the keeper gives up at the first death
    embedded = EmbeddedStore(settings)
    with embedded as url:
        store = load_secrets().of_store(settings.object_store, url)
        store.open().put_new("a", b"x")
        before = {process.pid for process in marked()}
        (process,) = marked(lambda part: part == victim)
        process.kill()

        def kept() -> bool:
            embedded.keep()
            return not before & {process.pid for process in marked()} and _answer(store)

        until(kept)


def _answer(store: ObjectStoreSettings) -> bool:
    try:
        return store.open().get("a") == b"x"
    except StorageUnavailable:
        return False


def test_champions_and_observations_are_on_the_disk_before_the_answer(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    with object_store(load_settings()) as store:
        objects = store.open()
        counted = {}
        for folder in ("champions", "observations", "runs"):
            objects.put_new(f"{folder}/warm", b"x")
            if strace is None:
                pytest.skip("strace, which counts fsync, is not installed")
            out = tmp_path / folder
            watching = subprocess.Popen(
                [strace, "-f", "-e", "trace=fsync,fdatasync", "-o", out, "-p", str(weed().pid)], stderr=subprocess.PIPE
            )
            assert watching.stderr
            watching.stderr.readline()  # attached
            for number in range(5):
                objects.put_new(f"{folder}/{number}", b"x")
            watching.terminate()
            watching.communicate()
            counted[folder] = len(re.findall(r"^.*sync\(", out.read_text(), re.MULTILINE))
    assert counted["champions"] >= 5
    assert counted["observations"] >= 5
    assert counted["runs"] == 0


def test_a_store_of_the_settings_is_used_as_it_is() -> None:
    with object_store(load_settings()) as mine:
        keys = vars(load_secrets().store_admin)
        own = {f"object_store.{name}": value.get_secret_value() for name, value in keys.items() if value}
        settings = load_settings({**own, "object_store.endpoint_url": mine.endpoint_url, "object_store.bucket": "another"})
        before = {process.pid for process in marked()}
        with object_store(settings) as store:
            assert store == settings.object_store
            assert store.open().put_new("a", b"x")
            assert {process.pid for process in marked()} == before


def test_a_store_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "objects").write_text("a file where a folder should be")
    with pytest.raises(StackError, match=r"state/objects: cannot be written \(File exists\)"), object_store(load_settings()):
        pass
    assert marked() == []
