"""Who may do what in the embedded store: the writer works in its bucket, the reader reads it, neither does more."""

import os
import shlex
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tsflow.errors import StackError, StorageDenied
from tsflow.settings import ObjectStoreSettings, load_settings
from tsflow.stack import object_store, status
from tsflow.stack.control import down
from tsflow.stack.keeper import PROBE
from tsflow.stack.reader import reader_file
from tsflow.stack.secrets import load_secrets, opened_with
from tsflow.storage.objects import ObjectStore

pytestmark = pytest.mark.stack
POLICY = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::tsflow/*"}]}'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStoreSettings]:
    patch = pytest.MonkeyPatch()
    patch.setenv("TSFLOW_STATE", str(tmp_path_factory.mktemp("state")))
    with object_store(load_settings()) as opened:
        opened.open().put_same("champions/small/champion.json", b"{}")
        yield opened
    down()
    patch.undo()


@pytest.fixture(autouse=True)
def _state(store: ObjectStoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of a test are undone after it, those of a module with them."""
    assert os.environ["TSFLOW_STATE"]


def sourced(path: Path) -> dict[str, str]:
    """What a program sees that is started after the file was sourced."""
    command = f"set -a; . {shlex.quote(str(path))}; env"
    said = subprocess.run(["sh", "-c", command], env={}, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in said.splitlines() if line.startswith("TSFLOW_"))


def test_a_consumer_gets_in_with_the_file_that_status_names(store: ObjectStoreSettings) -> None:
    found = status().reader_file
    assert found == str(reader_file())
    assert stat.S_IMODE(reader_file().stat().st_mode) == 0o600
    values = sourced(reader_file())
    assert values["TSFLOW_OBJECT_STORE__ENDPOINT_URL"] == store.endpoint_url
    reader = ObjectStore(
        endpoint_url=values["TSFLOW_OBJECT_STORE__ENDPOINT_URL"],
        bucket=values["TSFLOW_OBJECT_STORE__BUCKET"],
        region=values["TSFLOW_OBJECT_STORE__REGION"],
        access_key_id=values["TSFLOW_OBJECT_STORE__ACCESS_KEY_ID"],
        secret_access_key=values["TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY"],
    )
    assert reader.get("champions/small/champion.json") == b"{}"
    assert reader.keys("champions/") == ["champions/small/champion.json"]


def test_a_reader_writes_and_deletes_nothing(store: ObjectStoreSettings) -> None:
    reader = opened_with(load_secrets().reader, store, store.endpoint_url or "").open()
    _, etag = reader.get_tagged("champions/small/champion.json")
    with pytest.raises(StorageDenied):
        reader.put_new("a", b"x")
    with pytest.raises(StorageDenied):
        reader.swap("champions/small/champion.json", b"forged", etag)
    bucket, key = {"Bucket": store.bucket}, {"Bucket": store.bucket, "Key": "champions/small/champion.json"}
    refused(reader, "delete_object", **key)
    refused(reader, "put_object_tagging", **key, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    refused(reader, "copy_object", **bucket, Key="copy", CopySource="tsflow/champions/small/champion.json")
    refused(reader, "create_multipart_upload", **bucket, Key="parts")
    refused(
        reader, "put_bucket_cors", **bucket, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    )
    deleted = reader._s3.delete_objects(**bucket, Delete={"Objects": [{"Key": "champions/small/champion.json"}]})
    assert deleted["Errors"][0]["Code"] == "AccessDenied"
    assert reader.get("champions/small/champion.json") == b"{}"


@pytest.mark.parametrize("who", ["writer", "reader"])
def test_only_the_keeper_s_keys_make_buckets_or_give_rights(who: str, store: ObjectStoreSettings) -> None:
    objects = opened_with(getattr(load_secrets(), who), store, store.endpoint_url or "").open()
    refused(objects, "create_bucket", Bucket="another")
    refused(objects, "delete_bucket", Bucket=store.bucket)
    refused(objects, "put_bucket_policy", Bucket=store.bucket, Policy=POLICY)
    refused(objects, "put_bucket_acl", Bucket=store.bucket, ACL="public-read-write")


def refused(objects: ObjectStore, operation: str, **parameters: object) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(objects._s3, operation)(**parameters)


def test_the_writer_s_and_the_reader_s_bucket_is_the_only_one_they_see(store: ObjectStoreSettings) -> None:
    secrets, url = load_secrets(), store.endpoint_url or ""
    other = store.model_copy(update={"bucket": "tsflow-other"})
    admin = opened_with(secrets.store_admin, other, url).open()
    admin.ensure_bucket()
    for keys in (secrets.writer, secrets.reader):
        with pytest.raises(StorageDenied):
            opened_with(keys, other, url).open().keys("")


def test_the_store_was_written_to_before_it_was_said_to_run(store: ObjectStoreSettings) -> None:
    assert store.open().get(PROBE).startswith(b"2")


def test_another_bucket_of_a_store_that_runs_is_refused_with_what_to_do(store: ObjectStoreSettings) -> None:
    with (
        pytest.raises(StackError, match="no bucket 'another' for us; run `tsflow down`"),
        object_store(load_settings({"object_store.bucket": "another"})),
    ):
        pass


def test_the_store_s_own_administrator_stays_in_the_keeper(store: ObjectStoreSettings) -> None:
    secrets = load_secrets()
    shown = {store.access_key_id, *sourced(reader_file()).values()}
    assert secrets.store_admin_access_key_id not in shown
    assert secrets.store_admin_access_key_id.get_secret_value() not in shown
    assert store.access_key_id == secrets.access_key_id
