"""Ports: the wanted one, else another, and the same again."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread, Timer

import pytest

from tsflow.stack.airflow import HEALTH_KEYS, health
from tsflow.stack.ports import ANY, choose_ports, is_free


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path / "state"))


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def taken(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as other:
        other.bind((request.param, 0))
        other.listen()
        yield other.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_free_port_is_taken_as_wanted() -> None:
    port = free_port()
    assert choose_ports("test", {"ui": port}) == {"ui": port}


def test_a_taken_port_is_replaced_by_a_free_one(taken: int) -> None:
    chosen = choose_ports("test", {"ui": taken})["ui"]
    assert chosen != taken
    assert is_free(chosen)
    assert not is_free(taken)


def test_the_replacement_is_remembered_until_the_setting_changes(taken: int) -> None:
    chosen = choose_ports("test", {"ui": taken})
    assert choose_ports("test", {"ui": taken}) == chosen
    other = free_port()
    assert choose_ports("test", {"ui": other}) == {"ui": other}


def test_the_port_of_the_last_start_is_waited_for(tmp_path: Path) -> None:
    with socket.socket() as old:
        old.bind(("127.0.0.1", 0))
        old.listen()
        port = old.getsockname()[1]
        (tmp_path / "state" / "run").mkdir(parents=True)
        (tmp_path / "state" / "run" / "ports-x.json").write_text(json.dumps({"a": {"wanted": 0, "port": port}}))
        Timer(0.3, old.close).start()
        assert choose_ports("x", {"a": ANY}, patience_seconds=30.0) == {"a": port}


def test_no_two_names_get_the_same_port() -> None:
    port = free_port()
    chosen = choose_ports("test", {"a": port, "b": port, **{f"any{i}": ANY for i in range(20)}})
    assert len(set(chosen.values())) == 22


HEALTHY = {"status": "healthy", **{f"latest_{name}_heartbeat": "2999-01-01T00:00:00Z" for name in HEALTH_KEYS.values()}}


class _Report(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(dict.fromkeys(("metadatabase", *HEALTH_KEYS.values()), HEALTHY)).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_the_health_of_another_airflow_on_the_port_is_not_taken_for_ones_own() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Report) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert health(url, {}, os.getpid()) == dict.fromkeys(["api-server", *HEALTH_KEYS])
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as ours:
            assert {*health(url, {}, ours.pid).values()} == {f"another program answers at {url}"}
            ours.communicate(b"\n")
        server.shutdown()
