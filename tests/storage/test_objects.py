"""The object store's promises, against a real one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from tsflow.errors import IntegrityError, PointerConflict, StorageDenied, StorageUnavailable
from tsflow.settings import ObjectStoreSettings
from tsflow.storage.objects import ObjectMissing, ObjectStore


def test_of_sixteen_writers_of_a_new_key_exactly_one_wins(objects: ObjectStore):
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda i: objects.put_new("race", str(i).encode()), range(16)))
    assert won.count(True) == 1
    assert objects.get("race") == str(won.index(True)).encode()


def test_of_sixteen_swaps_of_a_pointer_exactly_one_wins(objects: ObjectStore):
    objects.swap("pointer", b"old", None)
    _, etag = objects.get_tagged("pointer")

    def swap(i: int) -> bool:
        try:
            objects.swap("pointer", str(i).encode(), etag)
        except PointerConflict:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(swap, range(16)))
    assert won.count(True) == 1
    assert objects.get("pointer") == str(won.index(True)).encode()


def test_a_first_swap_wants_the_pointer_absent(objects: ObjectStore):
    objects.swap("pointer", b"1", None)
    with pytest.raises(PointerConflict, match="was changed by another writer"):
        objects.swap("pointer", b"2", None)


def test_an_immutable_object_may_be_written_again_only_with_the_same_bytes(objects: ObjectStore):
    objects.put_same("a", b"1")
    objects.put_same("a", b"1")
    with pytest.raises(IntegrityError, match="objects never change"):
        objects.put_same("a", b"2")


def test_keys_are_listed_beyond_one_page(objects: ObjectStore):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: objects.put_new(f"many/{i:04d}", b""), range(1_005)))
    assert len(objects.keys("many/")) == 1_005
    assert objects.keys("none/") == []


def test_a_missing_object_is_named(objects: ObjectStore):
    assert objects.find("nothing") is None
    with pytest.raises(ObjectMissing, match=r"s3://.*/nothing: no such object"):
        objects.get("nothing")


def test_wrong_keys_are_refused_with_what_to_check(store_settings: ObjectStoreSettings):
    wrong = store_settings.model_copy(update={"secret_access_key": SecretStr("wrong")})
    with pytest.raises(StorageDenied, match="check the keys and the bucket"):
        wrong.open().keys("")


def test_a_store_that_is_down_says_how_to_start_it():
    down = ObjectStore(bucket="tsflow", endpoint_url="http://127.0.0.1:9", access_key_id="a", secret_access_key="b", attempts=1)
    with pytest.raises(StorageUnavailable, match="start it"):
        down.get("a")


def test_a_bucket_outside_the_first_region_is_made_where_the_settings_say():
    asked: list[bytes] = []

    class Elsewhere(BaseHTTPRequestHandler):
        """An S3 that has no bucket yet."""

        def do_HEAD(self) -> None:
            self.send_response(404)
            self.end_headers()

        def do_PUT(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = {"endpoint_url": f"http://127.0.0.1:{server.server_port}", "access_key_id": "a", "secret_access_key": "b"}
        for region in ("eu-central-1", "us-east-1"):
            ObjectStore(bucket="weather", region=region, **where).ensure_bucket()
        server.shutdown()
    assert b"<LocationConstraint>eu-central-1</LocationConstraint>" in asked[0]
    assert asked[1] == b""
