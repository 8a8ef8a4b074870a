"""The doors of the embedded store: to another user of the machine, and to a web page, every one of them is closed.

What is tried here worked on a store whose gRPC asked for no certificate and whose master answered HTTP.
"""

import os
import subprocess
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from stack.stranger import Stranger
from tsflow.errors import StorageDenied
from tsflow.settings import ObjectStoreSettings, load_settings, settings
from tsflow.stack import object_store
from tsflow.stack.certificates import certificate_file, weed_environment
from tsflow.stack.control import down
from tsflow.stack.marks import marked
from tsflow.stack.ports import remembered_ports
from tsflow.stack.weed import NAME, weed_binary

pytestmark = pytest.mark.stack

DATA = {"champions/small/champion.json": b'{"version": "v1"}', "a/b": b"x" * 5_000_000, "a/c": b"small"}
FILER = "/buckets/tsflow/champions/small/champion.json"
# As a client of SeaweedFS would read, write, delete and move, and what its servers offer to administrators.
REQUESTS = [
    *(("GET", path) for path in ("/", "/dir/status", "/dir/assign", "/dir/lookup?volumeId=1", "/vol/status", "/status")),
    *(("GET", path) for path in ("/ui/index.html", "/cluster/status", "/raft/stats", "/metrics", "/stats/disk", "/healthz")),
    *(("GET", path) for path in ("/buckets/tsflow/?pretty=y", FILER, "/1,01637037d6", "/collection/info?collection=tsflow")),
    *(("GET", path) for path in ("/col/delete?collection=tsflow", "/vol/grow?collection=tsflow&count=1", "/vol/vacuum")),
    *(("POST", path) for path in ("/submit", "/1,01637037d6", FILER, f"/buckets/tsflow/stolen?mv.from={FILER}")),
    *(("PUT", path) for path in (FILER, "/1,01637037d6")),
    *(("DELETE", path) for path in (FILER, "/buckets/tsflow?recursive=true", "/1,01637037d6")),
    ("OPTIONS", FILER),
]
S3_REQUESTS = [
    *(
        ("GET", path)
        for path in ("/", "/tsflow", "/tsflow/a/c", "/tsflow?policy", "/tsflow?acl", "/?Action=ListUsers&Version=2010-05-08")
    ),
    *(("POST", path) for path in ("/?Action=CreateUser&UserName=evil", "/tsflow?delete", "/tsflow/a/d?uploads")),
    *(("PUT", path) for path in ("/evil", "/tsflow/a/c", "/tsflow?policy", "/tsflow?acl", "/tsflow?cors", "/tsflow?lifecycle")),
    *(("DELETE", path) for path in ("/tsflow/a/c", "/tsflow")),
    PREFLIGHT := ("OPTIONS", "/tsflow/a/c"),
]
PAGE = {"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"}  # what a browser adds for a web page
COMMANDS = f"""lock
fs.ls -l /buckets/tsflow/a
fs.cat {FILER}
fs.mv /buckets/tsflow/a/c /buckets/tsflow/a/moved
fs.rm -rf /buckets/tsflow/champions
s3.configure -user evil -access_key EVIL -secret_key evil -actions Admin -apply
collection.delete -collection tsflow -apply
s3.bucket.delete -name tsflow
volume.list
"""


@pytest.fixture(scope="module")
def store(stranger: Stranger) -> Iterator[ObjectStoreSettings]:
    """A store with data, started by somebody whose new files are open to all, in a folder on an open path."""
    before = os.environ.get("TSFLOW_STATE")
    os.environ["TSFLOW_STATE"] = str(stranger.folder / "state")
    settings.cache_clear()
    umask = os.umask(0)
    try:
        with object_store(load_settings()) as opened:
            for key, body in DATA.items():
                opened.open().put_same(key, body)
            yield opened
    finally:
        os.umask(umask)
        down()
        os.environ.pop("TSFLOW_STATE")
        if before is not None:
            os.environ["TSFLOW_STATE"] = before


@pytest.fixture
def ports(store: ObjectStoreSettings) -> Iterator[dict[str, int]]:
    """All ports of the store; after the test, nothing of the data may be gone, changed or new."""
    yield remembered_ports(NAME)
    objects = store.open()
    assert {key: objects.get(key) for key in DATA} == DATA
    assert set(objects.keys("a/")) | set(objects.keys("champions/")) == set(DATA)


def inner(ports: dict[str, int]) -> dict[str, int]:
    return {name: port for name, port in ports.items() if name != "s3.port"}


@pytest.mark.parametrize("headers", [{}, PAGE], ids=["program", "web page"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_only_the_port_of_s3_answers_a_stranger(
    scheme: str, headers: dict[str, str], stranger: Stranger, ports: dict[str, int]
) -> None:
    asked = [(name, *request) for name in inner(ports) for request in REQUESTS]
    told = stranger.ask([(scheme, ports[name], method, path, headers) for name, method, path in asked])
    open_doors = [(request, answer[0]) for request, answer in zip(asked, told, strict=True) if answer[0] not in {0, 400}]
    assert open_doors == []
    assert {answer[2].strip() for answer in told if answer[0] == 400} <= {"Client sent an HTTP request to an HTTPS server."}


@pytest.mark.parametrize("headers", [{}, PAGE], ids=["program", "web page"])
def test_s3_tells_a_stranger_nothing_and_no_web_page_may_ask(
    headers: dict[str, str], stranger: Stranger, ports: dict[str, int]
) -> None:
    told = stranger.ask([("http", ports["s3.port"], method, path, headers) for method, path in S3_REQUESTS])
    told_of = dict(zip(S3_REQUESTS, told, strict=True))
    assert {request: answer[0] for request, answer in told_of.items() if answer[0] not in {403, 405} and request != PREFLIGHT} == {}
    readable = {request for request, (_, answered, _) in told_of.items() if "Access-Control-Allow-Origin" in answered}
    assert not [path for _, path in readable if path.startswith("/tsflow")]


def test_weed_shell_of_a_stranger_does_nothing(stranger: Stranger, ports: dict[str, int]) -> None:
    said = stranger.run(*shell(stranger.weed, ports), stdin=COMMANDS, seconds=8.0)
    assert "champion" not in said
    assert "v1" not in said
    assert "volume id" not in said


def test_a_stranger_copies_no_champion_into_the_filer(stranger: Stranger, ports: dict[str, int]) -> None:
    forged = stranger.folder / "own" / "champion.json"
    forged.write_text("forged")
    forged.chmod(0o644)
    to = f"http://127.0.0.1:{ports['filer.port']}.{ports['filer.port.grpc']}/buckets/tsflow/champions/small/"
    stranger.run(stranger.weed, "filer.copy", str(forged), to, seconds=8.0)


def test_with_the_certificate_the_same_commands_work(store: ObjectStoreSettings) -> None:
    """So it is the lack of it that stopped the stranger."""
    objects = store.open()
    objects.put_same("control/x", b"x")
    said = subprocess.run(
        shell(str(weed_binary()), remembered_ports(NAME)),
        input="fs.ls /buckets/tsflow/control\nfs.rm /buckets/tsflow/control/x\n",
        env=weed_environment(certificate_file()),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    assert "x" in said.split()
    assert objects.find("control/x") is None


def test_nobody_makes_an_identity_of_their_own(store: ObjectStoreSettings, ports: dict[str, int]) -> None:
    """Over gRPC the gateway takes identities from whoever is let in; in a store without signing keys even unsigned."""
    grpc = pytest.importorskip("grpc")

    def field(number: int, *values: bytes) -> bytes:
        return b"".join(bytes([number << 3 | 2, len(value)]) + value for value in values)

    identity = field(1, b"evil") + field(2, field(1, b"EVIL") + field(2, b"evil")) + field(3, b"Admin", b"Read", b"Write", b"List")
    address = f"127.0.0.1:{ports['s3.port.grpc']}"
    known = grpc.ssl_channel_credentials(root_certificates=certificate_file().read_bytes())
    for channel in (grpc.insecure_channel(address), grpc.secure_channel(address, known)):
        with channel, pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary("/messaging_pb.SeaweedS3IamCache/PutIdentity")(field(1, identity), timeout=5)
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    evil = store.model_copy(update={"access_key_id": SecretStr("EVIL"), "secret_access_key": SecretStr("evil")})
    with pytest.raises(StorageDenied, match="InvalidAccessKeyId"):
        evil.open().get("a/c")


def shell(program: str, ports: dict[str, int]) -> list[str]:
    servers = {name: f"127.0.0.1:{ports[f'{name}.port']}.{ports[f'{name}.port.grpc']}" for name in ("master", "filer")}
    return [program, "shell", *(f"-{name}={address}" for name, address in servers.items())]


def test_the_files_and_sockets_of_the_store_are_closed_to_a_stranger(stranger: Stranger, store: ObjectStoreSettings) -> None:
    (weed,) = marked(lambda part: part == NAME)
    sockets = [connection.laddr for connection in weed.net_connections("unix") if str(connection.laddr).startswith("/")]
    assert sockets
    files = [str(stranger.folder / "state" / "secrets.json"), f"/proc/{weed.pid}/environ", f"/proc/{weed.pid}/cwd/filerldb2"]
    code = f"""
for path in {sockets}:
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        print("connected to", path)
    except OSError: pass
for path in {files}:
    try:
        open(path)
        print("opened", path)
    except OSError as error: assert isinstance(error, PermissionError), error
print("done")
"""
    assert stranger.python(code) == "done\n"
