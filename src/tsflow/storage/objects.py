"""An S3-compatible object store: immutable objects, and pointers swapped by If-Match.

Works with boto3 against SeaweedFS, AWS S3 and other stores with conditional PUT
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
"""

import contextlib
import time
from collections.abc import Iterator
from functools import cache, partial
from typing import Any
from uuid import uuid4

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from botocore.loaders import create_loader

from tsflow.errors import IntegrityError, PointerConflict, StorageDenied, StorageUnavailable
from tsflow.texts import without_passwords

JSON = "application/json"
_DENIED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket", "403"}
_ABSENT = {"NoSuchKey", "404", "NotFound"}
_UNCHANGED = {"304", "NotModified"}
_TAKEN = {"PreconditionFailed", "412"}
_BUSY = {"ConditionalRequestConflict", "OperationAborted", "409"}  # two writers at the same moment: S3 asks to try again
_BUSY_TRIES = 6
_PAGE = 1000  # keys that a store lists at once
_PROBE = "healthy/conditional"
_MARK = "tsflow-write"  # metadata: which call wrote an object


class ObjectMissing(IntegrityError):
    """An object that another one names is not there."""


class ObjectStore:
    """One bucket. Keys are immutable but for pointers, which only `swap` changes."""

    def __init__(
        self,
        *,
        bucket: str,
        endpoint_url: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        region: str = "us-east-1",
        timeout_seconds: float = 20.0,
        attempts: int = 4,
    ) -> None:
        self.bucket = bucket
        self.endpoint_url = endpoint_url
        config = Config(
            connect_timeout=min(5.0, timeout_seconds),
            read_timeout=timeout_seconds,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            s3={"addressing_style": "path"},
            max_pool_connections=16,
        )
        # A session of its own: boto3's default session is not safe to share between threads.
        session = botocore.session.Session()
        session.register_component("data_loader", _descriptions())
        self._s3 = boto3.session.Session(
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            region_name=region,
            botocore_session=session,
        ).client("s3", endpoint_url=endpoint_url, config=config)

    def address(self, key: str) -> str:
        """Return where an object lies, for people and logs."""
        return f"s3://{self.bucket}/{key}"

    def ensure_bucket(self) -> None:
        """Create the bucket if it is not there; keys that may use only this bucket are enough if it is."""
        with self._explained(""):
            try:
                self._s3.head_bucket(Bucket=self.bucket)
            except ClientError as error:
                if _code(error) not in _ABSENT:
                    raise
                self._create_bucket()

    def _create_bucket(self) -> None:
        try:
            self._s3.create_bucket(Bucket=self.bucket)
        except ClientError as error:
            if _code(error) not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:  # another one was first
                raise

    def get(self, key: str) -> bytes:
        """Return an object's bytes; `ObjectMissing` if there is none."""
        return self.get_tagged(key)[0]

    def get_tagged(self, key: str) -> tuple[bytes, str]:
        """Return an object's bytes and its ETag, which `swap` asks for."""
        with self._explained(key):
            answer = self._s3.get_object(Bucket=self.bucket, Key=key)
            return answer["Body"].read(), answer["ETag"]

    def get_if_changed(self, key: str, etag: str | None) -> tuple[bytes, str] | None:
        """Return an object's bytes and ETag, or None if it still has this ETag."""
        if etag is None:
            return self.get_tagged(key)
        with self._explained(key):
            try:
                answer = self._s3.get_object(Bucket=self.bucket, Key=key, IfNoneMatch=etag)
            except ClientError as error:
                if _code(error) in _UNCHANGED:
                    return None
                raise
            return answer["Body"].read(), answer["ETag"]

    def find(self, key: str) -> bytes | None:
        """Return an object's bytes, or None if there is none."""
        try:
            return self.get(key)
        except ObjectMissing:
            return None

    def keys(self, prefix: str, *, most: int | None = None) -> list[str]:
        """Return all keys that start with `prefix`, sorted; of many at most the first `most` of them."""
        with self._explained(prefix):
            if most is not None and most <= _PAGE:
                page = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=most)
                return sorted(item["Key"] for item in page.get("Contents", []))
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return sorted(item["Key"] for page in pages for item in page.get("Contents", []))[:most]

    def folders(self, prefix: str) -> list[str]:
        """Return what stands between `prefix` and the next slash of the keys that start with it, sorted."""
        with self._explained(prefix):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
            found = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
        return sorted(name.removeprefix(prefix).removesuffix("/") for name in found)

    def put_new(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> bool:
        """Write an object unless one of that key is there; say whether this call wrote it.

        Safe under a race: exactly one of any number of writers gets True.
        """
        with self._explained(key):
            return self._put_if(key, body, content_type, None)

    def _put_if(self, key: str, body: bytes, content_type: str, etag: str | None) -> bool:
        """Write an object if the one that is there has this ETag (None: if there is none); say whether it was written.

        Each call marks its object. boto asks again when an answer is lost, and finds the condition broken by its own first try.
        """
        mark = uuid4().hex
        write = partial(
            self._s3.put_object, Bucket=self.bucket, Key=key, Body=body, ContentType=content_type, Metadata={_MARK: mark}
        )
        for number in range(_BUSY_TRIES):
            try:
                write(IfNoneMatch="*") if etag is None else write(IfMatch=etag)
            except ClientError as error:
                code = _code(error)
                if code in _TAKEN or (etag is not None and code in _ABSENT):
                    return self._mark_of(key) == mark
                if code not in _BUSY or number == _BUSY_TRIES - 1:
                    raise
                time.sleep(0.1 * 2**number)
            else:
                return True
        return False

    def _mark_of(self, key: str) -> str | None:
        try:
            return self._s3.head_object(Bucket=self.bucket, Key=key)["Metadata"].get(_MARK)
        except ClientError as error:
            if _code(error) in _ABSENT:
                return None
            raise

    def put_same(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        """Write an object whose bytes follow from its key; one that is there must hold the same bytes."""
        if not self.put_new(key, body, content_type) and self.get(key) != body:
            msg = f"{self.address(key)} is there with other bytes than those to be written; objects never change"
            raise IntegrityError(msg)

    def swap(self, key: str, body: bytes, expected_etag: str | None) -> None:
        """Replace a pointer if it still is what was read (`expected_etag`; None: it was not there).

        Raises
        ------
        PointerConflict
            If someone else changed it since.
        """
        with self._explained(key):
            if not self._put_if(key, body, JSON, expected_etag):
                msg = f"{self.address(key)} was changed by another writer since it was read; run the step again"
                raise PointerConflict(msg)

    def require_conditions(self) -> None:
        """Raise `StorageDenied` unless the store honours If-None-Match and If-Match, on which every guarantee rests."""
        with self._explained(_PROBE):
            self._put_if(_PROBE, b"{}", JSON, None)
            broken = [
                name
                for name, etag in (("If-None-Match", None), ("If-Match", '"00000000000000000000000000000000"'))
                if self._put_if(_PROBE, b"{}", JSON, etag)
            ]
        if broken:
            msg = (
                f"object store {without_passwords(self.endpoint_url or 'AWS')}: ignores {' and '.join(broken)}, so two writers "
                f"would overwrite each other unseen; use a store with conditional writes, such as AWS S3 or SeaweedFS"
            )
            raise StorageDenied(msg)

    @contextlib.contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        """Turn boto's errors into tsflow's, which say what to do."""
        where = f"object store {without_passwords(self.endpoint_url or 'AWS')}, {self.address(key)}"
        try:
            yield
        except (NoCredentialsError, PartialCredentialsError) as error:
            msg = f"{where}: no keys given; set TSFLOW_OBJECT_STORE__ACCESS_KEY_ID and __SECRET_ACCESS_KEY"
            raise StorageDenied(msg) from error
        except ClientError as error:
            code = _code(error)
            if code in _ABSENT:
                msg = f"{self.address(key)}: no such object"
                raise ObjectMissing(msg) from error
            if code in _DENIED:
                msg = f"{where}: refused ({code}); check the keys and the bucket in TSFLOW_OBJECT_STORE__*"
                raise StorageDenied(msg) from error
            msg = f"{where}: failed ({code}: {error}); see the store's log, and whether its disk is full"
            raise StorageUnavailable(msg) from error
        except BotoCoreError as error:
            reason = without_passwords(str(error))
            msg = f"{where}: not reachable ({reason}); start it (`tsflow up`) or correct TSFLOW_OBJECT_STORE__ENDPOINT_URL"
            raise StorageUnavailable(msg) from error


@cache
def _descriptions() -> Any:
    """Return boto's descriptions of services, which take most of a session's start and never change."""
    return create_loader()


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
