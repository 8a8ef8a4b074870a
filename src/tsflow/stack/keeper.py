"""The daemon that keeps SeaweedFS running for as long as somebody uses it.

Each user (a command, the stack's supervisor) holds a shared lock on one file. When the keeper gets that lock for
itself alone, the last user is gone, even if it was killed, and the store stops.
"""

import sys
import time

from tsflow.settings import Settings
from tsflow.stack.daemon import Daemon, received_settings
from tsflow.stack.marks import sweep
from tsflow.stack.objects import use_lock
from tsflow.stack.ports import LOOPBACK, choose_ports
from tsflow.stack.processes import Component, Kept, stop
from tsflow.stack.record import KEEPER
from tsflow.stack.secrets import load_secrets
from tsflow.stack.weed import NAME, answers, remove_sockets, wanted_ports, weed


class Keeper(Daemon):
    """Keeps one `weed`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(KEEPER, stop_seconds=10.0)
        self._settings = settings
        self._ports: dict[str, int] = {}
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
            if self.state == "starting" and kept.process is not None and answers(kept.process.pid, self._ports):
                self.state = "running"
                self.url = f"http://{LOOPBACK}:{self._ports['s3.port']}"
            if kept.state == "failed":
                self.state, self.reason = "failed", kept.reason
            self.write()
            if self.state == "failed":
                self._wait_unused()
                return
            self.pause()

    def _component(self) -> Component:
        self._ports = choose_ports(NAME, wanted_ports(self._settings))
        return weed(load_secrets(), self._ports)

    def _wait_unused(self) -> None:
        """Stay to say what failed until its users have seen it."""
        while not self.stopping() and not self._unused.acquire():
            self.pause()

    def cleanup(self) -> None:
        """Stop weed, then let new users in."""
        stop(self.kept)
        remove_sockets()
        self._unused.release()


def main() -> int:
    """Run as `python -m tsflow.stack.keeper`, the settings on stdin."""
    keeper = Keeper(received_settings())
    return keeper.live(keeper.work, keeper.cleanup)


if __name__ == "__main__":
    sys.exit(main())
