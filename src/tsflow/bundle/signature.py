"""Ed25519 signatures of pointers: who can write to the store, but has no private key, cannot publish unseen.

Keys are PEM files, as OpenSSL makes them::

    openssl genpkey -algorithm ed25519 -out signing.pem
    openssl pkey -in signing.pem -pubout -out signing.pub.pem

Bernstein et al. (2012), High-speed high-security signatures, J. Cryptographic Engineering 2; here by the library `cryptography`.
"""

import base64
import binascii
from dataclasses import replace

from tsflow.bundle.manifest import Pointer, dump
from tsflow.errors import IntegrityError, SettingsError


def signed_bytes(pointer: Pointer) -> bytes:
    """Return what a pointer's signature is about: the pointer without it."""
    return dump(replace(pointer, signature=""))


def sign(pointer: Pointer, private_key: bytes) -> str:
    """Return the signature of a pointer, in base64; `private_key` in PEM, without a password."""
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise SettingsError(_LACKING) from error
    try:
        key = load_pem_private_key(private_key, password=None)
    except (ValueError, TypeError) as error:
        msg = f"the private key is no PEM without a password ({error}); make one as docs/security.md says"
        raise SettingsError(msg) from error
    if not isinstance(key, Ed25519PrivateKey):
        msg = "the private key is not an Ed25519 one; make one as docs/security.md says"
        raise SettingsError(msg)
    return base64.b64encode(key.sign(signed_bytes(pointer))).decode()


def verify(pointer: Pointer, public_key: bytes, key_of_pointer: str) -> None:
    """Raise unless a pointer was signed by the private key that belongs to a public one, in PEM.

    Raises
    ------
    IntegrityError
        If it is not signed, or by another key, or was changed since.
    SettingsError
        If the public key cannot be used.
    """
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise SettingsError(_LACKING) from error
    try:
        key = load_pem_public_key(public_key)
    except (ValueError, TypeError) as error:
        msg = f"the public key is no PEM ({error}); give the file that `openssl pkey -pubout` wrote"
        raise SettingsError(msg) from error
    if not isinstance(key, Ed25519PublicKey):
        msg = "the public key is not an Ed25519 one; give the file that `openssl pkey -pubout` wrote"
        raise SettingsError(msg)
    if not pointer.signature:
        msg = f"{key_of_pointer}: the pointer is not signed, a signature is demanded; do not use it"
        raise IntegrityError(msg)
    try:
        key.verify(base64.b64decode(pointer.signature, validate=True), signed_bytes(pointer))
    except (InvalidSignature, binascii.Error) as error:
        msg = f"{key_of_pointer}: the signature is not of this pointer and key; it was forged or changed, do not use it"
        raise IntegrityError(msg) from error


_LACKING = "signatures need the package cryptography; install it beside the client: pip install cryptography"
