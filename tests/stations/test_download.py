"""Servers that drip, flood, squeeze, fall silent or send another part: a download ends in time, whole, and fits into memory."""

import gzip
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from requests.exceptions import RequestException, Timeout

from tsflow.stations import body, download


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """Answers as `server.answer` says; it is given the handler."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def answered(server: ThreadingHTTPServer, answer: Callable[[BaseHTTPRequestHandler], None]) -> str:
    server.answer = answer
    return f"http://127.0.0.1:{server.server_port}/x.csv"


def fetched(url: str, *, timeout_seconds: float) -> bytes | None:
    return download.answer_of(url, timeout_seconds=timeout_seconds).body


def begin(handler: BaseHTTPRequestHandler, **headers: str) -> None:
    handler.send_response(200)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def test_a_body_comes_whole_also_if_it_was_squeezed_on_the_way(server: ThreadingHTTPServer):
    text = b"time,T\n" * 300_000

    def squeezed(handler: BaseHTTPRequestHandler) -> None:
        packed = gzip.compress(text)
        begin(handler, Content_Encoding="gzip", Content_Length=str(len(packed)))
        handler.wfile.write(packed)

    assert fetched(answered(server, squeezed), timeout_seconds=10) == text


def test_a_server_that_drips_is_not_waited_for_without_end(server: ThreadingHTTPServer):
    def drip(handler: BaseHTTPRequestHandler) -> None:
        begin(handler)
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)

    with pytest.raises(Timeout, match=r"not whole after 2 s, \d+ bytes of it were there"):
        fetched(answered(server, drip), timeout_seconds=0.2)


def test_a_server_that_floods_is_cut_off(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(body, "MOST_BYTES", 3_000_000)

    def flood(handler: BaseHTTPRequestHandler) -> None:
        begin(handler)
        while True:
            handler.wfile.write(b"x" * 100_000)

    with pytest.raises(RequestException, match="larger than 3000000 bytes"):
        fetched(answered(server, flood), timeout_seconds=10)


def test_a_body_said_to_be_too_large_is_refused_before_it_is_read(server: ThreadingHTTPServer):
    with pytest.raises(RequestException, match="the server says 3000000000; nothing of it was read"):
        fetched(answered(server, lambda handler: begin(handler, Content_Length="3000000000")), timeout_seconds=10)


BODY = bytes(range(256)) * 4000


def cutting(asked: list[str | None], *, tag: str, resumes: bool) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return a server's answers: half of the body, then the rest if it was asked for by the tag, else all."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers.get("Range"))
        if len(asked) == 1:
            begin(handler, ETag=tag, Content_Length=str(len(BODY)))
            handler.wfile.write(BODY[: len(BODY) // 2])
        elif asked[-1] and resumes and handler.headers["If-Range"] == tag:
            first = int(asked[-1].removeprefix("bytes=").removesuffix("-"))
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {first}-{len(BODY) - 1}/{len(BODY)}")
            handler.send_header("Content-Length", str(len(BODY) - first))
            handler.end_headers()
            handler.wfile.write(BODY[first:])
        else:
            begin(handler, ETag=tag, Content_Length=str(len(BODY)))
            handler.wfile.write(BODY)

    return answer


@pytest.mark.parametrize(
    ("tag", "resumes", "second"),
    [('"a"', True, f"bytes={len(BODY) // 2}-"), ('"a"', False, f"bytes={len(BODY) // 2}-"), ('W/"a"', True, None)],
    ids=["resumed", "begun again by the server", "begun again for a weak tag"],
)
def test_a_body_that_is_cut_off_comes_whole(server: ThreadingHTTPServer, tag: str, resumes: bool, second: str | None):
    asked: list[str | None] = []
    assert fetched(answered(server, cutting(asked, tag=tag, resumes=resumes)), timeout_seconds=10) == BODY
    assert asked == [None, second]


def test_a_body_that_is_cut_off_each_time_is_given_up_with_an_error_that_sources_know(server: ThreadingHTTPServer):
    def cut(handler: BaseHTTPRequestHandler) -> None:
        begin(handler, Content_Length="100")
        handler.wfile.write(b"x" * 40)

    with pytest.raises(RequestException, match="cut off after 40 bytes"):
        fetched(answered(server, cut), timeout_seconds=10)


Answers = list[Callable[[BaseHTTPRequestHandler], None]]


def in_turn(answers: Answers, asked: list[str | None]) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return a server's answers, one after the other, the last one again; what part was asked for goes to `asked`."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers.get("Range"))
        answers[min(len(asked), len(answers)) - 1](handler)

    return answer


def half(handler: BaseHTTPRequestHandler) -> None:
    begin(handler, ETag='"a"', Content_Length=str(len(BODY)))
    handler.wfile.write(BODY[: len(BODY) // 2])


def whole(handler: BaseHTTPRequestHandler) -> None:
    begin(handler, ETag='"a"', Content_Length=str(len(BODY)))
    handler.wfile.write(BODY)


def part(first: int, end: int, *, said: str | None = None, tag: str = '"a"') -> Callable[[BaseHTTPRequestHandler], None]:
    """Return the answer with the bytes from `first` up to `end`, which says that they are those, or others."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(206)
        handler.send_header("ETag", tag)
        handler.send_header("Content-Range", said or f"bytes {first}-{end - 1}/{len(BODY)}")
        handler.send_header("Content-Length", str(end - first))
        handler.end_headers()
        handler.wfile.write(BODY[first:end])

    return answer


def no_such_part(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(416)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


MIDDLE = len(BODY) // 2
REST = f"bytes={MIDDLE}-"


@pytest.mark.parametrize(
    ("answers", "parts"),
    [
        ([half, no_such_part, whole], [None, REST, None]),
        ([half, part(0, MIDDLE), whole], [None, REST, None]),
        ([half, part(MIDDLE, len(BODY), said="bytes */9"), whole], [None, REST, None]),
        ([half, part(MIDDLE, len(BODY), said="nonsense"), whole], [None, REST, None]),
        ([half, part(MIDDLE, len(BODY), tag='"b"'), whole], [None, REST, None]),
        ([half, part(MIDDLE, MIDDLE + 7), part(MIDDLE + 7, len(BODY))], [None, REST, f"bytes={MIDDLE + 7}-"]),
        ([part(0, 7), part(7, len(BODY))], [None, "bytes=7-"]),
    ],
    ids=[
        "no such part",
        "another part",
        "no part",
        "a part that is none",
        "a part of another file",
        "a part of the rest",
        "a part where all was asked for",
    ],
)
def test_a_part_that_is_not_the_rest_never_stands_for_it(server: ThreadingHTTPServer, answers: Answers, parts: list[str | None]):
    asked: list[str | None] = []
    assert fetched(answered(server, in_turn(answers, asked)), timeout_seconds=10) == BODY
    assert asked == parts


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([half, part(0, MIDDLE), part(0, 9)], f"only 9 of {len(BODY)} bytes came"),
        ([no_such_part], "416 Client Error"),
        ([half, half, no_such_part], rf"the rest from byte {MIDDLE} on was asked for, and the server has none"),
    ],
    ids=["parts", "never there", "gone"],
)
def test_a_server_that_never_sends_the_whole_is_given_up(server: ThreadingHTTPServer, answers: Answers, says: str):
    asked: list[str | None] = []
    with pytest.raises(RequestException, match=says):
        fetched(answered(server, in_turn(answers, asked)), timeout_seconds=10)
    assert len(asked) <= 3


@pytest.fixture
def silence() -> Iterator[Callable[[BaseHTTPRequestHandler], None]]:
    """A server's answer that stops in the middle, and says no more until the test ends."""
    over = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        half(handler)
        handler.wfile.flush()
        over.wait()

    yield answer
    over.set()


def test_a_server_that_falls_silent_is_asked_for_the_rest(
    server: ThreadingHTTPServer, silence: Callable[[BaseHTTPRequestHandler], None]
):
    asked: list[str | None] = []
    answers = in_turn([silence, part(MIDDLE, len(BODY))], asked)
    assert fetched(answered(server, answers), timeout_seconds=0.5) == BODY
    assert asked == [None, REST]


def test_a_server_that_stays_silent_is_given_up(server: ThreadingHTTPServer, silence: Callable[[BaseHTTPRequestHandler], None]):
    asked: list[str | None] = []
    with pytest.raises(Timeout, match=f"fell silent after {MIDDLE} bytes"):
        fetched(answered(server, in_turn([silence], asked)), timeout_seconds=0.2)
    assert asked == [None, REST, REST]


@pytest.mark.parametrize("limit", ["TELL_AFTER_BYTES", "TELL_AFTER_SECONDS"])
def test_a_long_download_tells_how_far_it_is(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, limit: str
):
    caplog.set_level(logging.INFO, "tsflow")
    monkeypatch.setattr(body, limit, 0)
    address = answered(server, whole).replace("://", "://user:hush@") + "?key=hush"
    assert fetched(address, timeout_seconds=10) == BODY
    assert caplog.messages, "a piece at least"
    shown = f"http://***@127.0.0.1:{server.server_port}/x.csv"
    assert set(caplog.messages) <= {f"{tenth / 10:.1f} of 1.0 MB of {shown} came" for tenth in range(11)}
    assert "hush" not in caplog.text


def test_a_short_download_says_nothing(server: ThreadingHTTPServer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "tsflow")
    fetched(answered(server, whole), timeout_seconds=10)
    assert caplog.messages == []
