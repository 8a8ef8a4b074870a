"""Certificates with which the parts of SeaweedFS know each other: made at the first start, for nobody else.

One file holds the key, the certificate for it and the authority that signed it, so that it is there as a whole or not at
all. The authority's own key is thrown away, so that no second certificate can ever be made.
"""

import ipaddress
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tsflow.errors import StackError
from tsflow.stack.places import private_dir, write_private
from tsflow.stack.ports import LOOPBACK

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate

# Far apart, since a small machine's clock may be wrong at its first start, and nothing renews them.
_NOT_BEFORE, _NOT_AFTER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_GRPC_PARTS = ("MASTER", "VOLUME", "FILER", "S3", "CLIENT")
_HTTPS_PARTS = ("MASTER", "VOLUME", "FILER", "CLIENT")


def certificate_file() -> Path:
    """Return the embedded store's certificates, made (again) if they are not there, damaged, or were open to others."""
    path = private_dir("certificates") / "store.pem"
    problem = _problem(path)
    if problem:
        if path.exists():
            sys.stderr.write(f"{path}: {problem}; made anew, which costs nothing: no data depends on it\n")
        write_private(path, fresh_certificates())
    return path


def weed_environment(path: Path) -> dict[str, str]:
    """Return what makes `weed` ask for a certificate at every port but S3's, and show one wherever it asks itself."""
    file = str(path)
    grpc = {f"WEED_GRPC_{part}_{kind}": file for part in _GRPC_PARTS for kind in ("CERT", "KEY")}
    https = {f"WEED_HTTPS_{part}_{kind}": file for part in _HTTPS_PARTS for kind in ("CERT", "KEY", "CA")}
    return {"WEED_GRPC_CA": file, **grpc, **https, "WEED_HTTPS_CLIENT_ENABLED": "true"}


def fresh_certificates() -> str:
    """Return a new key, its certificate and the authority's, as PEM.

    Raises
    ------
    StackError
        If the package that makes them is not installed.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    except ImportError as error:
        msg = "the package `cryptography`, which makes the object store's certificates, is not installed; run `make install`"
        raise StackError(msg) from error
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    certificates = [_signed("tsflow object store", key, authority), _signed("tsflow", authority, authority)]
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return b"".join([private, *(certificate.public_bytes(Encoding.PEM) for certificate in certificates)]).decode()


def _signed(subject: str, key: "EllipticCurvePrivateKey", authority: "EllipticCurvePrivateKey") -> "Certificate":
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name("tsflow"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=key is authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False)
        .sign(authority, SHA256())
    )


def _problem(path: Path) -> str | None:
    """Say why the file cannot be used, or None."""
    try:
        if path.stat().st_mode & 0o077:
            return "others could read it"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(path)
        context.load_verify_locations(path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        return f"not the certificates that tsflow wrote ({type(error).__name__})"
    return None if context.get_ca_certs() else "holds no authority"
