"""The daemon that keeps Airflow running, over an object store that it holds in use."""

import contextlib
import sys
import time
from collections.abc import Iterator

from tsflow.settings import ObjectStoreSettings, Settings
from tsflow.stack.airflow import API_SERVER, PARTS, airflow_environment, components, migration, migration_done, pages_environment
from tsflow.stack.daemon import Daemon, received_settings
from tsflow.stack.marks import sweep
from tsflow.stack.objects import EmbeddedStore
from tsflow.stack.ports import ANY, LOOPBACK, PORT_SECONDS, choose_ports, is_free
from tsflow.stack.processes import Kept, stop
from tsflow.stack.record import KEEPER, SUPERVISOR, living
from tsflow.stack.secrets import load_secrets


class Supervisor(Daemon):
    """Keeps the object store in use and Airflow's components running."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(SUPERVISOR, settings.stack.stop_timeout_seconds + 30.0)  # and the API server, and the store
        self._settings = settings
        self._embedded: EmbeddedStore | None = None
        self._port = ANY
        self._held = contextlib.ExitStack()

    def work(self) -> None:
        """Start everything, then restart what dies, until asked to stop."""
        sweep(lambda part: part in PARTS)  # left by a supervisor that was killed
        migrate = migration(self._environment(self._settings.object_store))
        migrating = migrate.start() if migrate else None  # while the store starts: neither needs the other
        store = self._held.enter_context(self._store())
        if migrate and migrating:
            migrate.wait(migrating, self.stopping)
            if self.stopping():
                return
            migration_done()
        self.kept = self._parts(store)
        while not self.stopping():
            for kept in self.kept:
                kept.tick(time.monotonic())
            self.state = "running"
            self.write()
            if self._embedded is not None:
                self._embedded.keep()
                store = self._followed(store)
            if self._port_was_taken():
                self._stop_parts()
                self.kept = self._parts(store)
            self.pause()

    def _parts(self, store: ObjectStoreSettings) -> list[Kept]:
        """Return Airflow's parts, which work in this store."""
        stack, locks = self._settings.stack, self._embedded.handed_on if self._embedded else ()
        pages = pages_environment(load_secrets().reader) if self._embedded else {}
        parts = components(self._environment(store), stack.stop_timeout_seconds, locks, pages=pages)
        return [Kept(component, stack.max_restarts) for component in parts]

    def _followed(self, store: ObjectStoreSettings) -> ObjectStoreSettings:
        """Start Airflow's parts anew if the store came back at another port, as they know it by its address."""
        keeper = living(KEEPER)
        if keeper is None or keeper.url is None or keeper.url == store.endpoint_url:
            return store
        self._stop_parts()
        moved = load_secrets().of_store(self._settings.object_store, keeper.url)
        self.kept = self._parts(moved)
        return moved

    def _port_was_taken(self) -> bool:
        """Say whether the API server has died and another program listens at its port, for which it would wait in vain.

        It was free when it was chosen: of two stacks that start at the same moment one gets it. All parts know the server by it.
        """
        died = any(kept.component.name == API_SERVER and kept.state == "restarting" for kept in self.kept)
        return died and not is_free(self._port)

    def _environment(self, store: ObjectStoreSettings) -> dict[str, str]:
        """Choose the port just before it is used: another stack that starts on this machine may want the same one."""
        self._port = choose_ports("airflow", {"ui": self._settings.stack.ui_port}, patience_seconds=PORT_SECONDS)["ui"]
        self.url = f"http://{LOOPBACK}:{self._port}"
        return airflow_environment(self._settings, store, load_secrets(), self._port)

    @contextlib.contextmanager
    def _store(self) -> Iterator[ObjectStoreSettings]:
        if self._settings.object_store.endpoint_url:
            yield self._settings.object_store
            return
        self._embedded = EmbeddedStore(self._settings)
        with self._embedded as url:
            yield load_secrets().of_store(self._settings.object_store, url)

    def cleanup(self) -> None:
        """Stop Airflow, then let go of the store.

        The API server goes last: tasks that still run report to it, and the scheduler waits for them.
        """
        self._stop_parts()
        self._held.close()

    def _stop_parts(self) -> None:
        last = [kept for kept in self.kept if kept.component.name == API_SERVER]
        stop([kept for kept in self.kept if kept not in last])
        stop(last)
        sweep(lambda part: part in PARTS)


def main() -> int:
    """Run as `python -m tsflow.stack.supervisor`, the settings on stdin."""
    supervisor = Supervisor(received_settings())
    return supervisor.live(supervisor.work, supervisor.cleanup)


if __name__ == "__main__":
    sys.exit(main())
