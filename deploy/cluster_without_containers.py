"""Run the layout of docker-compose.yaml on one machine without containers, let DAGs run, show which worker took which task.

PostgreSQL and Redis are Debian's (`apt-get install postgresql redis-server`), SeaweedFS is the lock's. Environment, commands
and health checks are read from docker-compose.yaml, with hosts, ports and folders replaced. All of it listens on loopback,
lives in one new folder, and is gone at the end, whatever happens.

    python deploy/cluster_without_containers.py --dag ingest_weather --conf '{"retrain": false}' --dag retrain
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml
from airflow_run import follow_run
from make_env import VALUES

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
WORKERS = ("w1", "w2")
MARK = "CLUSTER_FOLDER"  # in the environment of all that is started, so that all of it is found again
SERVERS = frozenset({"postgres", "redis-server", "weed", "runuser"})  # stopped last
STOP_SECONDS = 20.0


def free_ports(count: int) -> list[int]:
    """Return ports that are free now; held together, so that they differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Cluster:
    """The services of docker-compose.yaml as processes of this machine."""

    def __init__(self, folder: Path, dags: Path) -> None:
        self.folder = folder
        self.services: Mapping[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text())["services"]
        self.secrets = {name: make() for name, make in VALUES.items()}
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        names = ("api", "health", "postgres", "redis", "s3", "s3.grpc", "master", "master.grpc", "volume", "volume.grpc")
        self.ports = dict(zip((*names, "filer", "filer.grpc"), free_ports(len(names) + 2), strict=True))
        self.url = f"http://127.0.0.1:{self.ports['api']}"
        api, redis = f"127.0.0.1:{self.ports['api']}", f"127.0.0.1:{self.ports['redis']}"
        self.places = {
            "@postgres:5432": f"@127.0.0.1:{self.ports['postgres']}",
            "@redis:6379": f"@{redis}",
            "api-server:8080": api,
            "localhost:8080": api,
            "localhost:8974": f"127.0.0.1:{self.ports['health']}",
            "object-store:8333": f"127.0.0.1:{self.ports['s3']}",
            "localhost:8333": f"127.0.0.1:{self.ports['s3']}",
            "-s3.port=8333": f"-s3.port={self.ports['s3']}",
            "-s3.ip.bind=0.0.0.0": "-s3.ip.bind=127.0.0.1",
            "redis-cli": f"redis-cli -p {self.ports['redis']}",
            "dir /data": f"dir {self._folder('redis')}\nbind 127.0.0.1\nport {self.ports['redis']}",
            "/opt/tsflow/dags": str(dags),
            "/opt/tsflow": str(REPOSITORY),
            "/var/lib/tsflow/objects": str(self._folder("objects")),
            "/var/lib/tsflow/passwords": str(self._folder("passwords")),
            "/var/log/airflow": str(self._folder("logs")),
            "/tmp/tsflow": str(self._folder("state")),  # noqa: S108  # the container's
        }

    def _folder(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    def here(self, text: str) -> str:
        """Fill in `${VARIABLE}` as compose does, and put this machine's places for the containers' ones."""
        filled = re.sub(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}", lambda found: self.secrets.get(found[1], found[2] or ""), text)
        theirs = "|".join(map(re.escape, self.places))  # all at once: our own folder's name contains one of theirs
        return re.sub(theirs, lambda found: self.places[found[0]], filled).replace("$$", "$")

    def environment(self, service: str, name: str) -> dict[str, str]:
        """Return what a container of the service would see, and what one machine needs besides."""
        theirs = {key: self.here(str(value)) for key, value in self.services[service].get("environment", {}).items()}
        ours = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(REPOSITORY / "deploy"),  # for one_machine
            "HOSTNAME": name,
            "HOME": str(self._folder("home")),
            "AIRFLOW_HOME": str(self._folder(f"airflow-{name}")),  # a container's own; a worker finds no database in it
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "one_machine.hostname",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.ports["api"]),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.ports["health"]),
            "TSFLOW_HOME": str(REPOSITORY),  # the image sets it
            "no_proxy": "127.0.0.1,localhost",
            MARK: str(self.folder),
        }
        return {**theirs, **ours}

    def start(self, service: str, *, name: str = "", command: list[str] | None = None, more: tuple[str, ...] = ()) -> None:
        """Start a service in a session of its own; it writes to a file named after it."""
        name = name or service
        words = command or [self.here(word) for word in self.services[service]["command"]]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.started[name] = subprocess.Popen(
                [*words, *more], env=self.environment(service, name), cwd=REPOSITORY, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, service: str, name: str = "", timeout_seconds: float = 180.0) -> None:
        """Wait until the service's own health check in docker-compose.yaml succeeds."""
        name = name or service
        kind, *test = self.services[service]["healthcheck"]["test"]
        words = [self.here(word) for word in test]
        command = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
        if service == "postgres":
            command += ["--port", str(self.ports["postgres"])]
        started = time.monotonic()
        while True:
            check = subprocess.run(command, env=self.environment(service, name), capture_output=True, text=True, check=False)
            if check.returncode == 0:
                print(f"  {name}: healthy after {time.monotonic() - started:.1f} s", flush=True)
                return
            if time.monotonic() - started > timeout_seconds or self.started[name].poll() is not None:
                end = (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]
                msg = f"{name} is not healthy: {check.stdout}{check.stderr}\nthe end of its log:\n{end}"
                raise SystemExit(msg)
            time.sleep(0.2)

    def start_postgres(self) -> None:
        """Make a database cluster in the folder and serve it, as the user `postgres`: the server refuses root."""
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        if not programs:
            raise SystemExit("no PostgreSQL in /usr/lib/postgresql; apt-get install postgresql")
        data, password = self._folder("postgres"), self.folder / "postgres.password"
        password.write_text(self.secrets["POSTGRES_PASSWORD"])
        self.as_postgres: list[str] = []
        if os.geteuid() == 0:
            self.as_postgres = ["runuser", "-u", "postgres", "--"]
            self.folder.chmod(0o711)
            for path in (data, password):
                shutil.chown(path, "postgres", "postgres")
        made = [
            *self.as_postgres,
            str(programs[-1] / "initdb"),
            "--pgdata",
            str(data),
            "--username",
            "airflow",
            "--encoding",
            "UTF8",
        ]
        subprocess.run([*made, "--auth", "scram-sha-256", "--pwfile", str(password)], check=True, capture_output=True)
        served = [str(programs[-1] / "postgres"), "-D", str(data), "-p", str(self.ports["postgres"])]
        self.start("postgres", command=[*self.as_postgres, *served, "-c", "listen_addresses=127.0.0.1", "-k", str(data)])
        self.wait("postgres")
        login = {**os.environ, "PGPASSWORD": self.secrets["POSTGRES_PASSWORD"]}
        where = ["--host", "127.0.0.1", "--port", str(self.ports["postgres"]), "--username", "airflow"]
        subprocess.run([str(programs[-1] / "createdb"), *where, "airflow"], env=login, check=True)

    def start_object_store(self) -> None:
        """Serve S3, each part of it on a port of this run's own."""
        inner = [f"-{part}.port={self.ports[part]}" for part in ("master", "volume", "filer")]
        grpc = [f"-{part}.port.grpc={self.ports[f'{part}.grpc']}" for part in ("s3", "master", "volume", "filer")]
        self.start("object-store", more=(*inner, *grpc))
        self.wait("object-store")

    def up(self) -> None:
        """Start all, in the order of docker-compose.yaml, each when what it depends on is healthy."""
        self.start_postgres()
        self.start("redis")
        self.start_object_store()
        self.wait("redis")
        prepare = [sys.executable, *self.services["init"]["command"][1:]]
        subprocess.run(prepare, env=self.environment("init", "init"), cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
        for service in PARTS:
            self.start(service, more=("--skip-serve-logs",) if service in {"scheduler", "triggerer"} else ())
        self.wait("api-server")
        for name in WORKERS:  # each takes both queues, so that one machine shows the fan-out
            words = ["airflow", "celery", "worker", "--celery-hostname", f"celery@{name}", "--queues", "default,training"]
            self.start("worker-training", name=name, command=[*words, "--concurrency", "2", "--skip-serve-logs"])
        for service in PARTS[1:]:
            self.wait(service)
        for name in WORKERS:
            self.wait("worker-training", name)

    def down(self) -> None:
        """Stop Airflow, then the servers; what does not end in time is killed."""
        for server in (False, True):
            chosen = [process for process in self.processes() if server or process.name() not in SERVERS]
            for process in chosen:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
            psutil.wait_procs(chosen, timeout=3 if server else STOP_SECONDS)  # no data to save: the folder goes
            for process in set(self.processes()) & set(chosen):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        for started in self.started.values():
            started.wait()

    def processes(self) -> list[psutil.Process]:
        """Return what we started and what came of it: by session, and by the mark for those that left theirs."""
        sessions = {started.pid for started in self.started.values()}
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                ours = os.getsid(process.pid) in sessions or process.environ().get(MARK) == str(self.folder)
                if ours and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


def main() -> int:
    """Bring the cluster up, run each DAG in turn, take it down; 0 if every run succeeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dag", action="append", required=True, help="what to run; again for one after it")
    parser.add_argument("--conf", action="append", default=[], help="JSON; the first for the first --dag, and so on")
    parser.add_argument("--dags-folder", type=Path, default=REPOSITORY / "dags")
    parser.add_argument("--timeout-seconds", type=float, default=1800.0, help="for each run")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    options = parser.parse_args()
    confs = [json.loads(text) for text in options.conf] + [{}] * len(options.dag)
    for stop in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, lambda number, _: sys.exit(128 + number))
    folder = Path(tempfile.mkdtemp(prefix="tsflow-cluster-"))
    print(f"logs, while it runs: {folder}", flush=True)
    cluster = Cluster(folder, options.dags_folder.resolve())
    try:
        cluster.up()
        states = [
            follow_run(cluster.url, cluster.secrets["AIRFLOW_ADMIN_PASSWORD"], dag, conf, options.timeout_seconds)
            for dag, conf in zip(options.dag, confs, strict=False)
        ]
    finally:
        cluster.down()
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if set(states) == {"success"} else 1


if __name__ == "__main__":
    sys.exit(main())
