"""Passwords and keys: random, made on the first start, readable by their owner only."""

import base64
import json
import secrets
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from tsflow.errors import StackError
from tsflow.settings import ObjectStoreSettings
from tsflow.stack.places import private_dir, write_private

ADMIN, VIEWER = "admin", "viewer"


class Secrets(BaseModel):
    """What the embedded stack's parts prove themselves with."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))

    admin_password: SecretStr
    viewer_password: SecretStr
    jwt_secret: SecretStr
    session_secret: SecretStr
    fernet_key: SecretStr
    access_key_id: SecretStr
    secret_access_key: SecretStr
    volume_key: SecretStr  # signs what SeaweedFS's parts ask of each other over HTTP

    def of_store(self, store: ObjectStoreSettings, endpoint_url: str) -> ObjectStoreSettings:
        """Return the settings with which to open the embedded store."""
        keys = {"access_key_id": self.access_key_id, "secret_access_key": self.secret_access_key}
        return store.model_copy(update={"endpoint_url": endpoint_url, **keys})


def _fresh() -> dict[str, str]:
    return {
        "admin_password": secrets.token_urlsafe(15),
        "viewer_password": secrets.token_urlsafe(15),
        "jwt_secret": secrets.token_urlsafe(64),
        "session_secret": secrets.token_urlsafe(48),
        "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "access_key_id": secrets.token_hex(10).upper(),
        "secret_access_key": secrets.token_urlsafe(30),
        "volume_key": secrets.token_urlsafe(48),
    }


def secrets_file() -> Path:
    """Return where the secrets lie."""
    return private_dir() / "secrets.json"


def load_secrets() -> Secrets:
    """Read the secrets, made now if there are none; processes that do so at once get the same ones.

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
        return Secrets.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, ValueError, OSError) as error:
        kind = type(error).__name__  # a validation error's own text would show the secrets
        msg = f"{path}: not the secrets that tsflow wrote ({kind}); restore it, or remove it after `tsflow down` for fresh ones"
        raise StackError(msg) from None


def password_file() -> Path:
    """Return where Airflow reads the passwords of its users."""
    return private_dir("airflow") / "passwords.json"


def write_password_file(known: Secrets) -> Path:
    """Write the file of Airflow's simple auth manager, so that it makes up no passwords of its own."""
    passwords = {ADMIN: known.admin_password.get_secret_value(), VIEWER: known.viewer_password.get_secret_value()}
    path = password_file()
    write_private(path, json.dumps(passwords) + "\n")
    return path
