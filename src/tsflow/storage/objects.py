"""An S3-compatible object store: immutable objects, and pointers swapped by If-Match.

Works with boto3 against SeaweedFS, AWS S3 and other stores with conditional PUT
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
"""

import time
from collections.abc import Iterable
from functools import partial
from uuid import uuid4

from botocore.exceptions import ClientError

from tsflow.errors import IntegrityError, PointerConflict, StorageDenied, StorageUnavailable
from tsflow.storage.answers import ABSENT, BUSY, TAKEN, ObjectMissing, code_of
from tsflow.storage.bucket import PAGE, Bucket, Stored
from tsflow.texts import without_passwords

__all__ = ["JSON", "ObjectMissing", "ObjectStore", "Stored"]

JSON = "application/json"
_BUSY_TRIES = 6
_FIRST_REGION = "us-east-1"  # AWS refuses to be told that it is meant, and any other unless it is told
_PROBE = "healthy/conditional"
_MARK = "tsflow-write"  # metadata: which call wrote an object


class ObjectStore(Bucket):
    """One bucket. Keys are immutable but for pointers, which only `swap` changes."""

    def ensure_bucket(self) -> None:
        """Create the bucket if it is not there; keys that may use only this bucket are enough if it is."""
        with self._explained(""):
            try:
                self._s3.head_bucket(Bucket=self.bucket)
            except ClientError as error:
                if code_of(error) not in ABSENT:
                    raise
                self._create_bucket()

    def _create_bucket(self) -> None:
        try:
            region = self._s3.meta.region_name
            where = {} if region == _FIRST_REGION else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            self._s3.create_bucket(Bucket=self.bucket, **where)  # type: ignore[arg-type] # its types know no such mapping
        except ClientError as error:
            if code_of(error) not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:  # another one was first
                raise

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
                code = code_of(error)
                if code in TAKEN or (etag is not None and code in ABSENT):
                    return self._mark_of(key) == mark
                if code not in BUSY or number == _BUSY_TRIES - 1:
                    raise
                time.sleep(0.1 * 2**number)
            else:
                return True
        return False

    def _mark_of(self, key: str) -> str | None:
        try:
            return self._s3.head_object(Bucket=self.bucket, Key=key)["Metadata"].get(_MARK)
        except ClientError as error:
            if code_of(error) in ABSENT:
                return None
            raise

    def renew(self, key: str) -> None:
        """Write an object once more as it is, so that it counts as new; `ObjectMissing` if it is gone."""
        with self._explained(key):
            there = self._s3.get_object(Bucket=self.bucket, Key=key)
            self._put_if(key, there["Body"].read(), there["ContentType"], there["ETag"])

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, in this order; one that is gone already does no harm.

        Raises
        ------
        StorageUnavailable
            If the store did not delete one of them; those before it are gone.
        """
        given = list(keys)
        for some in (given[first : first + PAGE] for first in range(0, len(given), PAGE)):
            with self._explained(some[0]):
                answer = self._s3.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
                )
            if failed := [each for each in answer.get("Errors", []) if each["Code"] not in ABSENT]:
                first, further = failed[0], f", nor {len(failed) - 1} others" if failed[1:] else ""
                msg = f"{self.address(first['Key'])}: not deleted ({first['Code']}: {first.get('Message', '')}){further}"
                raise StorageUnavailable(msg)

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
