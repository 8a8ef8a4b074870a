"""Certificates: private, lasting, made anew when damaged; and a store that does not ask for them is not used."""

import socket
import ssl
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tsflow.errors import StackError
from tsflow.settings import load_settings
from tsflow.stack.certificates import certificate_file
from tsflow.stack.doors import is_closed
from tsflow.stack.marks import sweep
from tsflow.stack.ports import choose_ports
from tsflow.stack.processes import Kept, stop
from tsflow.stack.secrets import load_secrets
from tsflow.stack.weed import NAME, answers, remove_sockets, wanted_ports, weed


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TSFLOW_STATE", str(tmp_path / "state"))
    yield
    sweep(lambda part: True)


def test_they_are_private_the_same_each_time_and_last() -> None:
    path = certificate_file()
    before = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert certificate_file().read_bytes() == before
    for certificate in x509.load_pem_x509_certificates(before):
        assert certificate.not_valid_before_utc.year == 2000
        assert certificate.not_valid_after_utc.year == 2100


def test_the_authority_signed_one_certificate_and_its_key_is_nowhere() -> None:
    content = certificate_file().read_bytes()
    ours, authority = x509.load_pem_x509_certificates(content)
    ours.verify_directly_issued_by(authority)
    assert content.count(b"PRIVATE KEY-----") == 2  # the beginning and the end of one
    assert [path.name for path in certificate_file().parent.iterdir()] == ["store.pem"]


@pytest.mark.parametrize("damage", ["", "nonsense", "cut", "no authority", "open"])
def test_what_is_damaged_or_was_open_to_others_is_made_anew(damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = certificate_file()
    before = path.read_text()
    if damage == "open":
        path.chmod(0o644)
    else:
        beginnings = {"cut": before[: len(before) // 2], "no authority": before[: before.rindex("-----BEGIN")]}
        path.write_text(beginnings.get(damage, damage))
    assert certificate_file().read_text() != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "made anew" in capsys.readouterr().err
    assert "PRIVATE" not in capsys.readouterr().err


@pytest.mark.parametrize(("asks", "closed"), [(ssl.CERT_REQUIRED, True), (ssl.CERT_NONE, False), (None, False)])
def test_a_door_is_closed_only_if_it_asks_for_a_certificate(asks: ssl.VerifyMode | None, closed: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file())
    context.load_verify_locations(certificate_file())
    if asks is not None:
        context.verify_mode = asks

    def serve(connection: socket.socket) -> None:
        connection.settimeout(5)
        try:
            with context.wrap_socket(connection, server_side=True) if asks is not None else connection as secured:
                secured.recv(1 if asks is None else 0)
                secured.sendall(b"welcome")
        except OSError:
            connection.close()

    def serve_twice() -> None:
        for _ in range(2):
            serve(listening.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=serve_twice)
        server.start()
        port = listening.getsockname()[1]
        assert is_closed(port) is closed
        socket.create_connection(("127.0.0.1", port)).close()  # a second visitor, if there was only one
        server.join()
    assert is_closed(port) is None


@pytest.mark.stack
def test_a_store_that_lets_everybody_in_is_not_used() -> None:
    ports = choose_ports(NAME, wanted_ports(load_settings()))
    component = weed(load_secrets(), ports, "tsflow")
    environment = {name: value for name, value in component.environment.items() if "_S3_CERT" not in name}
    kept = Kept(type(component)(NAME, component.command, environment, component.folder, 1.0), max_restarts=0)
    kept.tick(time.monotonic())
    try:
        with pytest.raises(StackError, match=r"does not ask for a certificate at s3\.port\.grpc"):
            until_open(kept, ports)
    finally:
        stop([kept])
        remove_sockets()


def until_open(kept: Kept, ports: dict[str, int], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while kept.process is not None and kept.process.poll() is None and time.monotonic() < deadline:
        answers(kept.process.pid, ports)
        time.sleep(0.1)
