"""Conditional writes, on which all else rests: a store that asks for patience, and one that ignores conditions."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tsflow.errors import PointerConflict, StorageDenied, StorageUnavailable
from tsflow.storage.objects import ObjectStore


class Store(ThreadingHTTPServer):
    """Takes every PUT, whatever its conditions; first it answers `busy` times that another writer is at the same key."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.busy, self.puts = 0, 0

    def opened(self) -> ObjectStore:
        url = f"http://127.0.0.1:{self.server_port}"
        return ObjectStore(bucket="theirs", endpoint_url=url, access_key_id="a", secret_access_key="b", attempts=1)


class _Handler(BaseHTTPRequestHandler):
    server: Store

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.puts += 1
        busy = self.server.puts <= self.server.busy
        body = b"<Error><Code>ConditionalRequestConflict</Code></Error>" if busy else b""
        self.send_response(409 if busy else 200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def theirs() -> Iterator[Store]:
    with Store() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_store_that_ignores_conditions_is_refused(theirs: Store):
    with pytest.raises(StorageDenied, match="ignores If-None-Match and If-Match, so two writers would overwrite each other"):
        theirs.opened().require_conditions()


def test_a_store_that_honours_them_is_taken_again_and_again(objects: ObjectStore):
    objects.require_conditions()
    objects.require_conditions()


def test_two_writers_at_the_same_moment_are_no_loss_but_a_reason_to_try_again(theirs: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tsflow.storage.objects.time.sleep", lambda seconds: None)
    theirs.busy = 3
    assert theirs.opened().put_new("a", b"x")
    assert theirs.puts == 4
    theirs.busy = 100
    with pytest.raises(StorageUnavailable, match="ConditionalRequestConflict"):
        theirs.opened().put_new("a", b"x")


def test_a_pointer_that_is_gone_is_a_conflict_too(objects: ObjectStore):
    with pytest.raises(PointerConflict, match="was changed by another writer"):
        objects.swap("never", b"{}", '"0"')
