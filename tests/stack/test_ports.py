"""Ports: the wanted one, else another, and the same again."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def test_no_two_names_get_the_same_port() -> None:
    port = free_port()
    chosen = choose_ports("test", {"a": port, "b": port, **{f"any{i}": ANY for i in range(20)}})
    assert len(set(chosen.values())) == 22
