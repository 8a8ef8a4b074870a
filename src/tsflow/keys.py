"""Keys of several hands: who signs what is published, and who only reads the object store."""

from pathlib import Path
from typing import Self

from pydantic import SecretStr, model_validator

from tsflow.errors import SettingsError
from tsflow.model import Strict


class PagesSettings(Strict):
    """Keys that may only read the object store, for the pages in Airflow's UI; None: they read with the keys that write."""

    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None

    @model_validator(mode="after")
    def _both_keys_or_none(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            msg = "pages.access_key_id and pages.secret_access_key: set both or neither"
            raise ValueError(msg)
        return self

    @property
    def given(self) -> dict[str, SecretStr]:
        """The keys by the names that an object store's settings have for them; empty without any."""
        return {} if not (self.access_key_id and self.secret_access_key) else dict(self)


class SigningSettings(Strict):
    """Who may publish: a reader that knows the public key takes no pointer that was not signed with this one."""

    private_key_file: Path | None = None  # Ed25519 in PEM, as docs/security.md says; None: pointers are not signed

    def private_key(self) -> bytes | None:
        """Return the key's bytes; `SettingsError` if the file cannot be read."""
        if self.private_key_file is None:
            return None
        try:
            return self.private_key_file.read_bytes()
        except OSError as error:
            msg = f"signing.private_key_file {self.private_key_file}: cannot be read ({error.strerror})"
            raise SettingsError(msg) from error
