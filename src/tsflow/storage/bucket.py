"""The reading half of an S3-compatible object store: what a bucket holds, what an object is, what the store's clock says."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import create_loader

from tsflow.storage.answers import UNCHANGED, ObjectMissing, code_of, explained

PAGE = 1000  # keys that a store lists, or deletes, at once


@dataclass(frozen=True)
class Stored:
    """An object as the store lists it; `modified` by the store's own clock, with its zone."""

    key: str
    size: int
    modified: datetime


class Bucket:
    """One bucket, opened with its keys."""

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
                if code_of(error) in UNCHANGED:
                    return None
                raise
            return answer["Body"].read(), answer["ETag"]

    def find(self, key: str) -> bytes | None:
        """Return an object's bytes, or None if there is none."""
        try:
            return self.get(key)
        except ObjectMissing:
            return None

    def keys(self, prefix: str, *, most: int | None = None, after: str = "") -> list[str]:
        """Return all keys that start with `prefix` and come after `after`, sorted; of many at most the first `most` of them."""
        with self._explained(prefix):
            if most is not None and most <= PAGE:
                page = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=most, StartAfter=after)
                return sorted(item["Key"] for item in page.get("Contents", []))
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, StartAfter=after)
            return sorted(item["Key"] for page in pages for item in page.get("Contents", []))[:most]

    def listed(self, prefix: str) -> Iterator[Stored]:
        """Yield the objects whose key starts with `prefix`, in order, with their size and the moment of their last writing."""
        with self._explained(prefix):
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    yield Stored(item["Key"], item["Size"], item["LastModified"])

    def now(self) -> datetime:
        """Return what the store's clock says, with its zone."""
        with self._explained(""):
            answer = self._s3.head_bucket(Bucket=self.bucket)["ResponseMetadata"]["HTTPHeaders"]
        return parsedate_to_datetime(answer["date"])

    def folders(self, prefix: str) -> list[str]:
        """Return what stands between `prefix` and the next slash of the keys that start with it, sorted."""
        with self._explained(prefix):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
            found = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
        return sorted(name.removeprefix(prefix).removesuffix("/") for name in found)

    def _explained(self, key: str) -> AbstractContextManager[None]:
        """Turn boto's errors into tsflow's, which say what to do."""
        return explained(self.endpoint_url, self.address(key))


@cache
def _descriptions() -> Any:
    """Return boto's descriptions of services, which take most of a session's start and never change."""
    return create_loader()
