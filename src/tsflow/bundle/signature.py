"""Signed pointers: who may publish, beyond who may write to the store (Ed25519, https://datatracker.ietf.org/doc/html/rfc8032).

The pointer names the manifest by hash and the manifest every file, so that one signature covers the whole bundle. It lies in
the pointer, for the two to change at once; what is signed is the pointer without it. Needs the extra `signed`.
"""

import base64
import binascii
import json
from dataclasses import replace

from tsflow.bundle.manifest import Pointer, dump
from tsflow.errors import IntegrityError, SettingsError


def sign(body: bytes, private_key_pem: bytes) -> str:
    """Return the Ed25519 signature of some bytes, in base64.

    Raises
    ------
    SettingsError
        If the key is not an unencrypted Ed25519 private key in PEM, or `cryptography` is not installed.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise _not_installed() from error
    try:
        key = load_pem_private_key(private_key_pem, password=None)
    except (ValueError, TypeError) as error:  # an encrypted key is a TypeError
        raise _not_a_key("private") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_a_key("private", f"a key of {type(key).__name__}")
    return base64.b64encode(key.sign(body)).decode()


def verify(body: bytes, signature: str, public_key_pem: bytes, key: str = "the signed bytes") -> None:
    """Raise `IntegrityError`, naming `key`, unless the signature is that of these bytes by the owner of the public key.

    Raises
    ------
    SettingsError
        If the key is not an Ed25519 public key in PEM, or `cryptography` is not installed.
    """
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise _not_installed() from error
    try:
        public = load_pem_public_key(public_key_pem)
    except ValueError as error:
        raise _not_a_key("public") from error
    if not isinstance(public, Ed25519PublicKey):
        raise _not_a_key("public", f"a key of {type(public).__name__}")
    try:
        public.verify(_decoded(signature, key), body)
    except InvalidSignature as error:
        msg = f"{key}: the signature does not fit content and public key; it was changed or signed by somebody else, do not use it"
        raise IntegrityError(msg) from error


def signed(pointer: Pointer, private_key_pem: bytes) -> Pointer:
    """Return a pointer with its signature."""
    return replace(pointer, signature=sign(dump(replace(pointer, signature="")), private_key_pem))


def require_signature(body: bytes, pointer: Pointer, public_key_pem: bytes, key: str) -> None:
    """Raise `IntegrityError` unless the pointer that was read from `body` is signed by the owner of the public key."""
    if not pointer.signature:
        msg = f"{key}: not signed, expected a signature that the public key fits; sign it when publishing, or ask for no signature"
        raise IntegrityError(msg)
    verify(_unsigned(body), pointer.signature, public_key_pem, key)


def _unsigned(body: bytes) -> bytes:
    """Return what `dump` gave before the signature, with fields of a newer tsflow, too, which `Pointer` does not know."""
    content = json.loads(body)
    told = {name: value for name, value in content.items() if name != "signature"}
    return (json.dumps(told, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def _decoded(signature: str, key: str) -> bytes:
    try:
        found = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if base64.b64encode(found).decode() != signature or not found:  # one signature has one spelling
        msg = f"{key}: the signature is not base64; it was damaged, do not use it; publish again"
        raise IntegrityError(msg)
    return found


def _not_installed() -> SettingsError:
    found = "signatures need the package `cryptography` (the extra `signed`), which is not installed"
    return SettingsError(f"{found}; run `pip install cryptography`")


def _not_a_key(kind: str, found: str = "something else") -> SettingsError:
    wanted = f"expected an Ed25519 {kind} key in PEM, not encrypted"
    return SettingsError(f"{wanted}; found {found}; make a pair with `openssl genpkey -algorithm ed25519`")
