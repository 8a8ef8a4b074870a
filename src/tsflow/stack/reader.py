"""The file from which a program that reads champions takes its way in: where the store answers, and keys that only read."""

from pathlib import Path

from tsflow.settings import ObjectStoreSettings
from tsflow.stack.places import private_dir, write_private


def reader_file() -> Path:
    """Return where the read-only keys of the embedded store lie."""
    return private_dir() / "reader.env"


def write_reader_file(store: ObjectStoreSettings) -> None:
    """Write a store's address and keys in the form that a shell sources and `docker run --env-file` takes."""
    prefix = "TSFLOW_OBJECT_STORE__"
    values = {
        f"{prefix}ENDPOINT_URL": store.endpoint_url or "",
        f"{prefix}BUCKET": store.bucket,
        f"{prefix}REGION": store.region,
        f"{prefix}ACCESS_KEY_ID": store.access_key_id.get_secret_value() if store.access_key_id else "",
        f"{prefix}SECRET_ACCESS_KEY": store.secret_access_key.get_secret_value() if store.secret_access_key else "",
    }
    write_private(reader_file(), "".join(f"{name}={value}\n" for name, value in values.items()))
