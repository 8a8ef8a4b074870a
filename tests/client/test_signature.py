"""Signed pointers: who may write to the store cannot thereby publish to a reader who demands a signature."""

import base64
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_curve_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bundles import POINTER, PRIVATE, PUBLIC, frame, pair, point, publish, put, write
from line import line_to
from tsflow.bundle.manifest import Pointer, dump, read_pointer
from tsflow.bundle.signature import sign, signed, verify
from tsflow.client import IntegrityError, load_champion
from tsflow.errors import SettingsError
from tsflow.storage.objects import ObjectStore

T = pytest.approx(6.38, abs=1e-4)


THEIRS, THEIR_PUBLIC = pair(2)


def test_a_signature_is_that_of_the_standards_example():
    """RFC 8032, section 7.1, test 2."""
    secret = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    expected = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    private = Ed25519PrivateKey.from_private_bytes(secret).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert base64.b64decode(sign(b"\x72", private)).hex() == expected


def test_a_signed_champion_is_read_by_those_who_demand_it_and_by_those_who_do_not(objects: ObjectStore, tmp_path: Path):
    point(objects, write(objects), PRIVATE)
    (tmp_path / "key.pem").write_bytes(PUBLIC)
    for key in (PUBLIC, tmp_path / "key.pem", str(tmp_path / "key.pem"), None):
        assert load_champion("small", objects, public_key=key).forecast(frame()) == T


def test_an_unsigned_pointer_is_byte_for_byte_what_it_was(objects: ObjectStore):
    pointer = Pointer(1, "small", "v1", "k", "s", "2021-02-01", 1)
    old = {name: value for name, value in vars(pointer).items() if name != "signature"}
    assert dump(pointer) == (json.dumps(old, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
    assert read_pointer(dump(pointer), "k") == pointer
    assert read_pointer(dump(signed(pointer, PRIVATE)), "k") == signed(pointer, PRIVATE)


def test_an_unsigned_pointer_is_refused_by_who_demands_a_signature(objects: ObjectStore):
    publish(objects)
    with pytest.raises(IntegrityError, match=r"champion\.json: not signed, expected a signature that the public key fits"):
        load_champion("small", objects, public_key=PUBLIC)


def test_another_ones_signature_is_refused(objects: ObjectStore):
    point(objects, write(objects), THEIRS)
    with pytest.raises(IntegrityError, match=r"champion\.json: the signature does not fit content and public key"):
        load_champion("small", objects, public_key=PUBLIC)
    load_champion("small", objects, public_key=THEIR_PUBLIC)


CHANGES = [{"sequence": 9}, {"promoted_at": "2022"}, {"version": "v2"}, {"manifest_sha256": "0" * 64}, {"manifest_key": "x"}]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_pointer_changed_after_it_was_signed_is_refused(objects: ObjectStore, change: dict[str, object]):
    pointer = signed(write(objects), PRIVATE)
    put(objects, POINTER, dump(replace(pointer, **change)))
    with pytest.raises(IntegrityError, match=r"champion\.json: the signature does not fit"):
        load_champion("small", objects, public_key=PUBLIC)


def test_a_signed_pointer_of_another_station_or_task_is_refused(objects: ObjectStore):
    pointer = signed(write(objects), PRIVATE)
    put(objects, "champions/other/champion.json", dump(pointer))
    with pytest.raises(IntegrityError, match="station is 'small', expected 'other'"):
        load_champion("other", objects, public_key=PUBLIC)
    put(objects, "champions/small/wind/champion.json", dump(pointer))
    with pytest.raises(IntegrityError, match=r"manifest_key is 'champions/small/v1/.*', expected 'champions/small/wind/v1/"):
        load_champion("small", objects, task="wind", public_key=PUBLIC)


def test_a_signature_has_one_spelling_and_covers_fields_of_a_newer_tsflow(objects: ObjectStore):
    newer = {**vars(write(objects)), "colour": "red"}
    del newer["signature"]
    body = (json.dumps(newer, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
    signature = sign(body, PRIVATE)
    put(objects, POINTER, json.dumps({**newer, "signature": signature}).encode())
    assert load_champion("small", objects, public_key=PUBLIC).forecast(frame()) == T
    put(objects, POINTER, json.dumps({**newer, "colour": "blue", "signature": signature}).encode())
    with pytest.raises(IntegrityError, match="does not fit"):
        load_champion("small", objects, public_key=PUBLIC)
    last = chr(ord(signature[-3]) + 1)  # of its six bits four say nothing
    for other in (signature[:-3] + last + "==", signature + "\n", signature.rstrip("="), "ä", signature[:4]):
        put(objects, POINTER, json.dumps({**newer, "signature": other}).encode())
        with pytest.raises(IntegrityError, match="signature"):
            load_champion("small", objects, public_key=PUBLIC)


def test_a_refresh_demands_the_signature_and_so_does_the_cache(objects: ObjectStore, tmp_path: Path):
    point(objects, write(objects), PRIVATE)
    with line_to(objects) as (line, store):
        champion = load_champion("small", store, public_key=PUBLIC, cache=tmp_path)
        publish(objects, "v2", 1, sequence=2)
        assert champion.refresh() is False
        assert "not signed" in str(champion.problem)
        assert champion.forecast(frame()) == T
        line.cut()
        assert load_champion("small", store, public_key=PUBLIC, cache=tmp_path).forecast(frame()) == T
        with pytest.raises(IntegrityError, match="does not fit"):
            load_champion("small", store, public_key=THEIR_PUBLIC, cache=tmp_path)


def test_what_is_no_key_is_said(objects: ObjectStore, tmp_path: Path):
    point(objects, write(objects), PRIVATE)
    curve = generate_curve_key(SECP256R1())
    public = curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    private = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    ours = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
    locked = ours.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    for wrong in (b"", b"not PEM", PRIVATE, public):
        with pytest.raises(SettingsError, match="expected an Ed25519 public key in PEM"):
            load_champion("small", objects, public_key=wrong)
    for wrong in (b"", PUBLIC, private, locked):
        with pytest.raises(SettingsError, match="expected an Ed25519 private key in PEM"):
            sign(b"", wrong)
    with pytest.raises(SettingsError, match=r"nowhere\.pem: cannot be read"):
        load_champion("small", objects, public_key=tmp_path / "nowhere.pem")


def test_without_the_library_only_signatures_are_refused():
    """In a process of its own, in which `cryptography` cannot be imported."""
    program = """
import sys
sys.modules["cryptography"] = None
import tsflow.client
from tsflow.bundle.signature import sign, verify
from tsflow.errors import SettingsError
for ask in (lambda: sign(b"", b""), lambda: verify(b"", "", b"")):
    try:
        ask()
    except SettingsError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    says = "signatures need the package `cryptography` (the extra `signed`), which is not installed; run `pip install cryptography`"
    assert done.stdout.splitlines() == [says, says]


def test_verify_names_what_was_signed():
    verify(b"body", sign(b"body", PRIVATE), PUBLIC)
    with pytest.raises(IntegrityError, match="the letter: the signature does not fit"):
        verify(b"Body", sign(b"body", PRIVATE), PUBLIC, "the letter")
