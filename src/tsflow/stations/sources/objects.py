"""Files in an S3-compatible object store, into which a logger or another program puts them."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from tsflow.errors import SettingsError, SourceFormatError, SourceUnavailable, StorageUnavailable
from tsflow.stations.raw import Origin, RawFile
from tsflow.stations.sources.registry import Source, register

if TYPE_CHECKING:
    from tsflow.stations.station import Station
    from tsflow.storage.objects import ObjectStore


@register("objects")
class ObjectsSource(Source):
    """All objects below a prefix, in order of their keys; those that were stored before are read only if they changed."""

    bucket: Annotated[str, Field(min_length=3)]
    prefix: str = ""
    endpoint_url: str | None = None  # None: AWS
    region: str = "us-east-1"
    access_key_variable: str = "AWS_ACCESS_KEY_ID"  # the environment variables that hold the keys
    secret_key_variable: str = "AWS_SECRET_ACCESS_KEY"  # noqa: S105  # a name
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0

    def fetch(self, station: Station, *, start: datetime | None, end: datetime) -> list[RawFile]:
        """Return the objects, whatever the interval; of those that are as they were, no bytes."""
        try:
            store = self._store()
            keys = [key for key in store.keys(self.prefix) if not key.endswith("/")]  # some programs make folders of their own
            if not keys:
                msg = f"no object below {store.address(self.prefix)}; correct `bucket` or `prefix` in the station file"
                raise SourceFormatError(msg)
            return [self._file(store, key) for key in keys]
        except StorageUnavailable as error:
            raise SourceUnavailable(str(error)) from error

    def _file(self, store: ObjectStore, key: str) -> RawFile:
        url = f"{self.endpoint_url or 'aws'}/{self.bucket}/{key}"
        known, name = self._known(url), key.rpartition("/")[2]
        found = store.get_if_changed(key, known.etag if known else None)
        if found is None:
            return RawFile(name, b"", origin=known, unchanged=True)
        body, etag = found
        return RawFile(name, body, origin=Origin(url, etag, None))

    def _store(self) -> ObjectStore:
        from tsflow.storage.objects import ObjectStore

        names = (self.access_key_variable, self.secret_key_variable)
        if lacking := [name for name in names if not os.environ.get(name)]:
            msg = f"the environment variable {lacking[0]} is not set; the source of kind objects names it as one of its keys"
            raise SettingsError(msg)
        return ObjectStore(
            bucket=self.bucket,
            endpoint_url=self.endpoint_url,
            access_key_id=os.environ[names[0]],
            secret_access_key=os.environ[names[1]],
            region=self.region,
            timeout_seconds=self.timeout_seconds,
        )
