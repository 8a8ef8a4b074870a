"""When a server that fails is asked again: after what its Retry-After says, within bounds."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.utils import formatdate
from types import SimpleNamespace

import pytest
from requests.exceptions import RequestException

from answering import Answer, Answering, Asked
from serving import running
from tsflow.stations.download import answer_of

NOW = 1_700_000_000.0


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between two requests, in seconds; they are noted and not waited."""
    waits: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time", SimpleNamespace(sleep=waits.append, time=lambda: NOW))
    return waits


@pytest.fixture
def failing() -> Iterator[Callable[..., Answering]]:
    """A server that fails once and says when to ask again."""

    def started(said: str | None, status: int = 503) -> Answering:
        first = Answer(b"", status, {} if said is None else {"Retry-After": said})
        answers = iter([first])
        return servers.enter_context(running(Answering(lambda _: next(answers, Answer(b"rows")))))

    with ExitStack() as servers:
        yield started


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("said", "waits"),
    [("7", [7]), (formatdate(NOW + 7, usegmt=True), [7]), ("0", []), (formatdate(NOW - 99, usegmt=True), [])],
    ids=["seconds", "date", "at once", "date in the past"],
)
def test_a_server_is_asked_again_when_it_says(
    failing: Callable[..., Answering], waited: list[float], said: str, status: int, waits: list[float]
):
    server = failing(said, status)
    assert answer_of(f"{server.url}/x", timeout_seconds=10).body == b"rows"
    assert (waited, len(server.asked)) == (waits, 2)


@pytest.mark.parametrize("said", ["11", "9" * 400, formatdate(NOW + 86_400, usegmt=True)], ids=["seconds", "ages", "date"])
def test_a_server_that_wants_to_be_left_alone_for_long_is_given_up_at_once(
    failing: Callable[..., Answering], waited: list[float], said: str
):
    server = failing(said)
    with pytest.raises(RequestException, match=r"asks to be left alone .* longer than `timeout_seconds`, 10 s; ask it later"):
        answer_of(f"{server.url}/x", timeout_seconds=10)
    assert (waited, len(server.asked)) == ([], 1)


@pytest.mark.parametrize("said", [None, "soon", "-5", "Mon, 99 Feb 99999 99:99:99 GMT", ""])
def test_what_is_no_time_counts_as_not_said(failing: Callable[..., Answering], waited: list[float], said: str | None):
    server = failing(said)
    assert answer_of(f"{server.url}/x", timeout_seconds=10).body == b"rows"
    assert len(server.asked) == 2


def test_a_server_that_goes_on_failing_is_given_up(waited: list[float]):
    def answer(_: Asked) -> Answer:
        return Answer(b"", 503, {"Retry-After": "3"})

    with running(Answering(answer)) as server, pytest.raises(RequestException, match="too many 503 error responses"):
        answer_of(f"{server.url}/x", timeout_seconds=10)
    assert (waited, len(server.asked)) == ([3, 3], 3)
