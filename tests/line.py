"""A line to the object store that a test can cut and mend: what a client sees when the store is away and comes back."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tsflow.storage.objects import ObjectStore


class Line(socketserver.ThreadingTCPServer):
    """Passes on what comes in, while it is whole."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        parts = urlsplit(url)
        self.ends = (str(parts.hostname), int(parts.port or 80))
        self.whole = True
        self.bytes_until_cut: int | None = None
        self.live: set[socket.socket] = set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def cut(self) -> None:
        """End all connections, in whatever they are, and take no new ones."""
        self.whole = False
        with self.lock:
            for end in self.live:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.whole, self.bytes_until_cut = True, None

    def cut_after(self, size: int) -> None:
        """Cut when so many bytes of answers have passed."""
        self.bytes_until_cut = size

    def passes(self, size: int) -> bool:
        if self.bytes_until_cut is None:
            return self.whole
        self.bytes_until_cut -= size
        if self.bytes_until_cut < 0:
            self.cut()
        return self.whole


class _Connection(socketserver.BaseRequestHandler):
    server: Line

    def handle(self) -> None:
        if not self.server.whole:
            return
        with socket.create_connection(self.server.ends) as store:
            with self.server.lock:
                self.server.live |= {store, self.request}
            back = threading.Thread(target=self.pump, args=(store, self.request, True), daemon=True)
            back.start()
            self.pump(self.request, store, False)
            back.join()
            with self.server.lock:
                self.server.live -= {store, self.request}

    def pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while (received := source.recv(4096)) and (not answers or self.server.passes(len(received))):
                sink.sendall(received)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def reached_by(url: str, objects: ObjectStore, **options: Any) -> ObjectStore:
    """Return a store with the same keys, as it is reached by another address."""
    keys = objects._s3._request_signer._credentials
    known = {"access_key_id": keys.access_key, "secret_access_key": keys.secret_key}
    return ObjectStore(bucket=objects.bucket, endpoint_url=url, **known, **options)


@contextlib.contextmanager
def line_to(objects: ObjectStore) -> Iterator[tuple[Line, ObjectStore]]:
    """Yield a line to a store, and the store as it is reached by the line, which gives up at the first failure."""
    with Line(str(objects.endpoint_url)) as line:
        threading.Thread(target=line.serve_forever, args=(0.01,), daemon=True).start()
        reached = reached_by(line.url, objects, timeout_seconds=10, attempts=1)
        try:
            yield line, reached
        finally:
            reached._s3.close()
            line.cut()
            line.shutdown()
