"""A proxy before the object store that does what was asked and then loses its answer."""

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from line import reached_by
from tsflow.storage.objects import ObjectStore

_HOP = {"connection", "expect", "keep-alive", "transfer-encoding"}  # headers between neighbours, not of the message


class Lossy(ThreadingHTTPServer):
    """Passes requests on; `loses` says of each PUT, by its number and key, whether its answer gets lost."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = urlsplit(url).netloc
        self.puts: list[str] = []
        self.lost: list[str] = []
        self.loses: Callable[[int, str], bool] = lambda number, key: False
        self.lock = threading.Lock()

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Lossy
    protocol_version = "HTTP/1.1"

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        store = http.client.HTTPConnection(self.server.host, timeout=30)
        try:
            store.request(self.command, self.path, body, headers)
            answer = store.getresponse()
            content = answer.read()
        finally:
            store.close()
        if self.command == "PUT" and self._is_lost():
            self.close_connection = True
            self.connection.close()
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP | {"content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_one  # noqa: N815  # the names that the library asks for

    def _is_lost(self) -> bool:
        key = unquote(urlsplit(self.path).path)
        with self.server.lock:
            self.server.puts.append(key)
            lost = self.server.loses(len(self.server.puts), key)
            self.server.lost += [key] if lost else []
        return lost

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def lossy(objects: ObjectStore) -> Iterator[tuple[Lossy, ObjectStore]]:
    """Yield the proxy, and the store as it is reached by it."""
    with Lossy(str(objects.endpoint_url)) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        reached = reached_by(f"http://127.0.0.1:{proxy.server_port}", objects)
        try:
            yield proxy, reached
        finally:
            reached._s3.close()
            proxy.shutdown()


def first_of_each_key() -> Callable[[int, str], bool]:
    """Return a rule that loses the answer of each key's first PUT, and of its third: the one between asks again.

    Each key counts for itself, as several are written at once.
    """
    waiting: set[str] = set()  # whose answer was lost, and who ask again

    def loses(_: int, key: str) -> bool:
        waiting.symmetric_difference_update({key})
        return key in waiting

    return loses
