"""Servers that drip, flood or squeeze: a download ends in time, and fits into memory."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from requests.exceptions import RequestException, Timeout

from tsflow.stations import download
from tsflow.stations.download import download as fetched


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
