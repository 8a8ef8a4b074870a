"""The file from which a program that reads champions takes its way in: where the store answers, and keys that only read."""

from pathlib import Path

from tsflow.errors import StackError
from tsflow.settings import ObjectStoreSettings
from tsflow.stack.places import private_dir, write_private
from tsflow.stack.record import KEEPER, living
from tsflow.stack.secrets import load_secrets, opened_with


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


def require_own_keys(store: ObjectStoreSettings) -> None:
    """Raise `StackError` if a shell that has read that file starts the stack, as if its own store were somebody else's."""
    key = store.access_key_id
    if store.endpoint_url and key is not None and key == load_secrets().reader.access_key_id:
        msg = f"this shell has read {reader_file()}, whose keys are for programs that read champions of the stack's own store: run "
        msg += "`unset ${!TSFLOW_OBJECT_STORE__*}` in it, or start the stack in another shell"
        raise StackError(msg)


def reader_settings(store: ObjectStoreSettings) -> ObjectStoreSettings:
    """Return the settings with which the embedded store, which must be running, is read and not written.

    Raises
    ------
    StackError
        If it does not run.
    """
    keeper = living(KEEPER)
    if keeper is None or keeper.url is None:
        msg = "the embedded object store does not run; start it with `tsflow up`, or name another in TSFLOW_OBJECT_STORE__*"
        raise StackError(msg)
    return opened_with(load_secrets().reader, store, keeper.url)
