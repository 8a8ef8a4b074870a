"""The daemon that keeps SeaweedFS running for as long as somebody uses it.

Each user (a command, the stack's supervisor) holds a shared lock on one file. When the keeper gets that lock for
itself alone, the last user is gone, even if it was killed, and the store stops.
"""

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tsflow.errors import StorageUnavailable
from tsflow.settings import Settings
from tsflow.stack.certificates import certificate_file
from tsflow.stack.daemon import Daemon, received_settings
from tsflow.stack.durable import wait_for_disk
from tsflow.stack.marks import sweep
from tsflow.stack.objects import use_lock
from tsflow.stack.ports import LOOPBACK, PORT_SECONDS, choose_ports
from tsflow.stack.processes import Component, Kept, stop
from tsflow.stack.reader import write_reader_file
from tsflow.stack.record import KEEPER
from tsflow.stack.secrets import load_secrets, opened_with
from tsflow.stack.weed import NAME, S3, answers, remove_sockets, wanted_ports, weed

if TYPE_CHECKING:
    from tsflow.storage.objects import ObjectStore

PROBE = "healthy/started"  # an object that each start writes over


class Keeper(Daemon):
    """Keeps one `weed`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(KEEPER, stop_seconds=10.0)
        self._settings = settings
        self._ports: dict[str, int] = {}
        self._opened: int | None = None  # the process of weed that was looked at and found well
        self._unused = use_lock()

    def work(self) -> None:
        """Serve until asked to stop, unused, or failed."""
        sweep(lambda part: part == NAME)  # left by a keeper that was killed
        kept = Kept(self._component(), self._settings.stack.max_restarts)
        self.kept = [kept]
        while not self.stopping() and not self._unused.acquire():
            kept.tick(time.monotonic())
            if self.state == "starting" and kept.state == "restarting":
                kept.component = self._component()  # another program may have taken one of its ports since they were chosen
            elif kept.state == "restarting":
                certificate_file()  # somebody may have removed it since
            if kept.process is not None and kept.process.pid != self._opened and answers(kept.process.pid, self._ports):
                self._open(kept.process.pid)
            if kept.state == "failed":
                self.state, self.reason = "failed", kept.reason
            self.write()
            if self.state == "failed":
                self._wait_unused()
                return
            self.pause()

    def _component(self) -> Component:
        self._ports = choose_ports(NAME, wanted_ports(self._settings), patience_seconds=PORT_SECONDS)
        return weed(load_secrets(), self._ports, self._settings.object_store.bucket)

    def _open(self, pid: int) -> None:
        """Make the bucket and write to it; the store is up when that has worked."""
        secrets, url = load_secrets(), f"http://{LOOPBACK}:{self._ports[S3]}"
        store = self._settings.object_store.changed(attempts=1, timeout_seconds=5.0)
        try:
            opened_with(secrets.store_admin, store, url).open().ensure_bucket()
            _write(opened_with(secrets.writer, store, url).open())
            wait_for_disk(self._ports, store.bucket)
        except StorageUnavailable:
            return  # its volume server is not there yet; asked again at the next tick
        write_reader_file(opened_with(secrets.reader, store, url))
        self.state, self.url, self._opened = "running", url, pid

    def _wait_unused(self) -> None:
        """Stay to say what failed until its users have seen it; on a full disk that can be written only once there is room."""
        while not self.stopping() and not self._unused.acquire():
            self.write()
            self.pause()

    def cleanup(self) -> None:
        """Stop weed, then let new users in."""
        stop(self.kept)
        remove_sockets()
        self._unused.release()


def _write(objects: "ObjectStore") -> None:
    """Write one small object over the one of the last start: only so is it known that there is room and a volume server."""
    from tsflow.storage.objects import ObjectMissing

    try:
        etag: str | None = objects.get_tagged(PROBE)[1]
    except ObjectMissing:
        etag = None
    objects.swap(PROBE, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode(), etag)


def main() -> int:
    """Run as `python -m tsflow.stack.keeper`, the settings on stdin."""
    keeper = Keeper(received_settings())
    return keeper.live(keeper.work, keeper.cleanup)


if __name__ == "__main__":
    sys.exit(main())
