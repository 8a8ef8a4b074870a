"""The object store that a reader's environment names."""

import os

from tsflow.errors import SettingsError
from tsflow.storage.objects import ObjectStore


def store_from_environment() -> ObjectStore:
    """Open the store that `TSFLOW_OBJECT_STORE__*` variables name.

    Raises
    ------
    SettingsError
        If neither an address nor a bucket is named: no bucket of the wide world is taken for one's own.
    """

    def value(name: str) -> str | None:
        return os.environ.get(f"TSFLOW_OBJECT_STORE__{name}") or None

    if not (value("ENDPOINT_URL") or value("BUCKET")):
        msg = (
            "no object store is named: set TSFLOW_OBJECT_STORE__ENDPOINT_URL (and __BUCKET, __ACCESS_KEY_ID, "
            "__SECRET_ACCESS_KEY), or on AWS TSFLOW_OBJECT_STORE__BUCKET; the embedded store's stand in .tsflow/reader.env: "
            "`set -a; . .tsflow/reader.env; set +a`"
        )
        raise SettingsError(msg)
    return ObjectStore(
        bucket=value("BUCKET") or "tsflow",
        endpoint_url=value("ENDPOINT_URL"),
        access_key_id=value("ACCESS_KEY_ID"),
        secret_access_key=value("SECRET_ACCESS_KEY"),
        region=value("REGION") or "us-east-1",
    )
