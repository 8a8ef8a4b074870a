"""Passwords and keys: random, made on the first start, readable by their owner only."""

import base64
import json
import secrets
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from tsflow.errors import StackError
from tsflow.settings import ObjectStoreSettings
from tsflow.stack.identities import Keys
from tsflow.stack.locks import FileLock
from tsflow.stack.places import private_dir, write_private

ADMIN, VIEWER = "admin", "viewer"
_ADDED = {f"{whose}_{key}" for whose in ("reader", "store_admin") for key in ("access_key_id", "secret_access_key")}
_UPGRADE_SECONDS = 10.0


class Secrets(BaseModel):
    """What the embedded stack's parts prove themselves with."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))

    admin_password: SecretStr
    viewer_password: SecretStr
    jwt_secret: SecretStr
    session_secret: SecretStr
    fernet_key: SecretStr
    access_key_id: SecretStr  # of the identity that works in the bucket
    secret_access_key: SecretStr
    reader_access_key_id: SecretStr
    reader_secret_access_key: SecretStr
    store_admin_access_key_id: SecretStr  # makes the bucket; never leaves the store's keeper
    store_admin_secret_access_key: SecretStr
    volume_key: SecretStr  # signs what SeaweedFS's parts ask of each other over HTTP

    @property
    def writer(self) -> Keys:
        """The keys of Airflow's tasks and of commands."""
        return Keys(self.access_key_id, self.secret_access_key)

    @property
    def reader(self) -> Keys:
        """The keys of programs that read champions."""
        return Keys(self.reader_access_key_id, self.reader_secret_access_key)

    @property
    def store_admin(self) -> Keys:
        """The keys that make the bucket."""
        return Keys(self.store_admin_access_key_id, self.store_admin_secret_access_key)

    def of_store(self, store: ObjectStoreSettings, endpoint_url: str) -> ObjectStoreSettings:
        """Return the settings with which to work in the embedded store."""
        return opened_with(self.writer, store, endpoint_url)


def opened_with(keys: Keys, store: ObjectStoreSettings, endpoint_url: str) -> ObjectStoreSettings:
    """Return the settings with which one identity opens the embedded store."""
    return store.changed(endpoint_url=endpoint_url, **vars(keys))


def _fresh() -> dict[str, str]:
    return {
        "admin_password": secrets.token_urlsafe(15),
        "viewer_password": secrets.token_urlsafe(15),
        "jwt_secret": secrets.token_urlsafe(64),
        "session_secret": secrets.token_urlsafe(48),
        "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        **_fresh_keys(""),
        **_fresh_keys("reader_"),
        **_fresh_keys("store_admin_"),
        "volume_key": secrets.token_urlsafe(48),
    }


def _fresh_keys(whose: str) -> dict[str, str]:
    return {f"{whose}access_key_id": secrets.token_hex(10).upper(), f"{whose}secret_access_key": secrets.token_urlsafe(30)}


def secrets_file() -> Path:
    """Return where the secrets lie."""
    return private_dir() / "secrets.json"


def load_secrets() -> Secrets:
    """Read the secrets, made now if there are none; processes that do so at once get the same ones.

    A file of an older tsflow keeps what it has and gets what it lacks.

    Raises
    ------
    StackError
        If the file is not as tsflow wrote it.
    """
    path = secrets_file()
    if not path.exists():
        write_private(path, json.dumps(_fresh(), indent=1) + "\n", replace=False)
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        return Secrets.model_validate(_complete(path))
    except (ValidationError, ValueError, OSError) as error:
        kind = type(error).__name__  # a validation error's own text would show the secrets
        msg = f"{path}: not the secrets that tsflow wrote ({kind}); restore it, or remove it after `tsflow down` for fresh ones"
        raise StackError(msg) from None


def _complete(path: Path) -> object:
    """Return the file's content, with what newer versions ask for added to the file."""
    if not _lacks(known := json.loads(path.read_text(encoding="utf-8"))):
        return known
    alone = FileLock(path)
    if not alone.acquire(timeout_seconds=_UPGRADE_SECONDS):
        msg = f"{path}: another process has been adding to it for {_UPGRADE_SECONDS:g} s; end that one"
        raise StackError(msg)
    try:
        if _lacks(known := json.loads(path.read_text(encoding="utf-8"))):  # nobody was faster
            known = {**_fresh(), **known}
            write_private(path, json.dumps(known, indent=1) + "\n")
    finally:
        alone.release()
    return known


def _lacks(known: object) -> bool:
    """Say whether the secrets are those of the first version, which made no reader and no administrator of the store."""
    return isinstance(known, dict) and set(known) == set(Secrets.model_fields) - _ADDED


def password_file() -> Path:
    """Return where Airflow reads the passwords of its users."""
    return private_dir("airflow") / "passwords.json"


def write_password_file(known: Secrets) -> Path:
    """Write the file of Airflow's simple auth manager, so that it makes up no passwords of its own."""
    passwords = {ADMIN: known.admin_password.get_secret_value(), VIEWER: known.viewer_password.get_secret_value()}
    path = password_file()
    write_private(path, json.dumps(passwords) + "\n")
    return path
