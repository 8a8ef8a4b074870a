"""Knocking at the store's inner ports as a stranger would, to be sure that they ask for a certificate.

`weed` serves gRPC to everybody, with no more than a warning in its log, when it cannot read its certificate.
"""

import contextlib
import socket
import ssl
from collections.abc import Iterator

from tsflow.stack.ports import LOOPBACK

_SECONDS = 2.0
_REFUSALS = {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE", "SSLV3_ALERT_BAD_CERTIFICATE"}
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # of gRPC without TLS: preface, empty settings
_ALERT = b"\x15"  # how TLS begins a complaint


def is_closed(port: int) -> bool | None:
    """Say whether a port refuses a visitor who has no certificate; None if nobody answers there (yet)."""
    try:
        with _connected(port) as connection, _stranger().wrap_socket(connection) as secured:
            return False if secured.recv(1) else None  # in TLS 1.3 the refusal comes after the handshake
    except ssl.SSLError as error:
        return True if error.reason in _REFUSALS else _is_closed_to_plain_text(port)
    except OSError:
        return _is_closed_to_plain_text(port)


def _is_closed_to_plain_text(port: int) -> bool | None:
    """Say False if somebody there speaks gRPC without TLS, which hangs up on a visitor who speaks TLS."""
    try:
        with _connected(port) as connection:
            connection.sendall(_GREETING)
            answer = connection.recv(1)
    except OSError:
        return None
    return False if answer not in {b"", _ALERT} else None


def _stranger() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # whoever it is, it must not talk to us
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@contextlib.contextmanager
def _connected(port: int) -> Iterator[socket.socket]:
    with contextlib.closing(socket.create_connection((LOOPBACK, port), timeout=_SECONDS)) as connection:
        yield connection
