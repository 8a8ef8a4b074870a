"""Servers that drip, flood or squeeze: a download ends in time, and fits into memory."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from requests.exceptions import RequestException, Timeout

from tsflow.stations import download


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
    body = b"time,T\n" * 300_000

    def squeezed(handler: BaseHTTPRequestHandler) -> None:
        packed = gzip.compress(body)
        begin(handler, Content_Encoding="gzip", Content_Length=str(len(packed)))
        handler.wfile.write(packed)

    assert fetched(answered(server, squeezed), timeout_seconds=10) == body


def test_a_server_that_drips_is_not_waited_for_without_end(server: ThreadingHTTPServer):
    def drip(handler: BaseHTTPRequestHandler) -> None:
        begin(handler)
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)

    with pytest.raises(Timeout, match=r"not whole after 2 s, \d+ bytes of it were there"):
        fetched(answered(server, drip), timeout_seconds=0.2)


def test_a_server_that_floods_is_cut_off(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(download, "MOST_BYTES", 3_000_000)

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
