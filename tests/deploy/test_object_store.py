"""The object store of docker-compose.yaml, its own command line on this machine: who gets in, and where."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from conftest import REPOSITORY
from shell import wait_until
from tsflow.errors import StorageDenied
from tsflow.stack.doors import is_closed
from tsflow.stack.durable import FOLDERS, asked
from tsflow.storage.objects import ObjectStore

pytestmark = pytest.mark.stack
BUCKET = """
import sys
sys.path.insert(0, "deploy")
from initialise import make_bucket
from tsflow.settings import settings
make_bucket(settings().object_store)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The service alone, started as deploy/cluster_without_containers.py does."""
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(str(REPOSITORY / "deploy"))
    module: ModuleType = __import__("cluster_without_containers")
    started = module.Cluster(tmp_path_factory.mktemp("cluster"), REPOSITORY / "dags")
    try:
        started.start_object_store()
        prepared = [sys.executable, "-c", BUCKET]
        subprocess.run(prepared, env=started.environment("init", "init"), cwd=REPOSITORY, check=True)
        yield started
    finally:
        started.down()
        patch.undo()


def opened(cluster: Any, whose: str) -> ObjectStore:
    return ObjectStore(
        bucket="tsflow",
        endpoint_url=f"http://127.0.0.1:{cluster.ports['s3']}",
        access_key_id=cluster.secrets[f"{whose}_ACCESS_KEY_ID"],
        secret_access_key=cluster.secrets[f"{whose}_SECRET_ACCESS_KEY"],
    )


def test_tasks_write_and_a_consumer_only_reads(cluster: Any) -> None:
    writer, reader = opened(cluster, "TSFLOW_OBJECT_STORE_"), opened(cluster, "READER")
    writer.swap("champions/small/champion.json", b"{}", None)
    body, etag = reader.get_tagged("champions/small/champion.json")
    assert body == b"{}"
    with pytest.raises(StorageDenied):
        reader.swap("champions/small/champion.json", b"forged", etag)
    with pytest.raises(StorageDenied):
        reader.put_new("a", b"x")


def test_every_port_but_s3_s_asks_for_a_certificate(cluster: Any) -> None:
    """S3's gRPC port listens on every address, and gives an identity to whoever it lets in."""
    inner = [f"{part}{kind}" for part in ("master", "volume", "filer") for kind in ("", ".grpc")]
    assert {name: is_closed(cluster.ports[name]) for name in (*inner, "s3.grpc")} == dict.fromkeys((*inner, "s3.grpc"), True)


def test_champions_and_observations_wait_for_the_disk(cluster: Any) -> None:
    """The store is told so by its own shell, which the same process asks again here."""
    log = cluster.folder / "object-store.log"
    wait_until(lambda: "SeaweedFS waits for the disk" in log.read_text(), 60)
    ports = {f"{part}.port{kind}": cluster.ports[f"{part}{kind}"] for part in ("master", "filer") for kind in ("", ".grpc")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSFLOW_STATE", str(cluster.folder / "state"))
        said = asked(ports, ["fs.configure"])
    assert {folder: f"/buckets/tsflow/{folder}/" in said for folder in FOLDERS} == dict.fromkeys(FOLDERS, True)
    assert said.count('"fsync"') == len(FOLDERS)
    assert [process.status() for process in cluster.processes() if process.status() == psutil.STATUS_ZOMBIE] == []


def test_no_secret_stands_in_the_process_list(cluster: Any) -> None:
    (weed,) = [process for process in cluster.processes() if process.name() == "weed"]
    assert not [word for word in weed.cmdline() if any(secret in word for secret in cluster.secrets.values() if len(secret) > 12)]


def test_identities_and_certificates_are_the_owner_s_alone(cluster: Any) -> None:
    state: Path = cluster.folder / "state"
    files = [state / "run" / "identities.json", state / "certificates" / "store.pem"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
