"""What an audit of a champion's history finds; pointers that are signed as they move."""

from dataclasses import replace

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from published import described, promote
from tsflow.architectures.baselines import Persistence
from tsflow.bundle.manifest import dump, read_pointer
from tsflow.champion import actions
from tsflow.champion.audit import audit
from tsflow.champion.bundle import write_bundle
from tsflow.champion.history import History
from tsflow.client import load_champion
from tsflow.records.store import Records
from tsflow.storage.objects import ObjectStore

KEY = "champions/small/champion.json"


def publish(objects: ObjectStore, version: str) -> None:
    told = described(version)
    promote(objects, told, *write_bundle(objects, told, {"model.onnx": Persistence(120, 4, 0).to_onnx()}))


def test_an_audit_finds_orphans_and_damage(objects: ObjectStore):
    publish(objects, "2026v1")
    publish(objects, "2026v2")
    write_bundle(objects, described("2026v3"), {"model.onnx": b"never published"})
    history = History(Records(objects), "small")
    found = audit(history)
    assert (found.whole, found.orphans, found.damage) == (["2026v1", "2026v2"], ["2026v3"], [])
    key = "champions/small/2026v1/model.onnx"
    objects.swap(key, b"?", objects.get_tagged(key)[1])
    assert "version 2026v1" in audit(history).damage[0]
    pointer = read_pointer(objects.get(KEY), KEY)
    objects.swap(KEY, dump(replace(pointer, version="2026v1")), objects.get_tagged(KEY)[1])
    assert any("the pointer says version 2026v1, entry 2 of the history says another one" in one for one in audit(history).damage)


def test_a_promotion_signs_its_pointer(objects: ObjectStore):
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_bundle(objects, described("v1"), {"model.onnx": Persistence(120, 4, 0).to_onnx()})
    actions.promote(History(Records(objects), "small", private_key=private), "v1", actor="ada", reason="signed")
    assert load_champion("small", objects, public_key=public).manifest.version == "v1"
