"""Bundles as a reader's tests publish them: two models that cannot be mistaken, and pointers written by hand."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tsflow.architectures.baselines import Persistence
from tsflow.bundle.calendar import CALENDAR, RANGES
from tsflow.bundle.intervals import Intervals
from tsflow.bundle.manifest import (
    FORMAT,
    Column,
    Hours,
    Manifest,
    Metrics,
    PartFacts,
    Pointer,
    Scaler,
    Split,
    Target,
    dump,
)
from tsflow.bundle.signature import signed
from tsflow.champion.bundle import write_bundle
from tsflow.storage.codecs import to_json
from tsflow.storage.objects import ObjectStore


def pair(seed: int) -> tuple[bytes, bytes]:
    """A private and a public key in PEM."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), public


PRIVATE, PUBLIC = pair(1)
POINTER = "champions/small/champion.json"
HOURLY = Hours("subsample", "PT1H", utc_offset_hours=1.0, missing=[-9999.0], minute=0)
COLUMNS = [
    Column("T", "degC", (-40.0, 45.0)),
    Column("p", "mbar", (900.0, 1080.0)),
    *(Column(name, unit, RANGES[name]) for name, unit in CALENDAR.items()),
]
OLD_COLUMNS = [replace(column, range=None) for column in COLUMNS]  # as bundles were when manifests had no ranges
OLD_HOURLY = Hours("subsample", "PT1H")


def manifest(version: str = "v1", **changes: Any) -> Manifest:
    part = PartFacts(10, 5, "2021-01-01", "2021-02-01")
    errors = {f"{short}_{metric}": 1.0 for short in ("train", "val", "test") for metric in ("mae", "rmse")}
    described = Manifest(
        format=FORMAT,
        station="small",
        version=version,
        run="r",
        architecture="naive",
        title="Naive",
        settings={},
        features=COLUMNS,
        target=Target("T", "degC"),
        context_hours=120,
        horizon_hours=24,
        hourly=HOURLY,
        scaler=Scaler([0, 0], [1, 1]),
        split=Split("book", dict.fromkeys(("train", "validation", "test"), part)),
        fingerprint="abc",
        as_of="2021-02-01T00:00:00",
        created_at="2021-02-01T00:00:00",
        seed=1,
        metrics=Metrics(**errors, naive={"train": 1.0, "validation": 1.0, "test": 1.0}),
        libraries={},
        git_commit=None,
        files={},
    )
    return replace(described, **changes)


@cache
def model(column: int) -> bytes:
    """A model that forecasts the last value of a column: 0 is T, 1 is p."""
    return Persistence(120, 4, column).to_onnx()


def files(column: int) -> dict[str, bytes]:
    """A bundle's files; the intervals of the model of T are 1 wide on both sides, those of p 2."""
    width = column + 1.0
    intervals = Intervals(1, (0.8,), ((-width,),) * 24, ((width,),) * 24, (100,) * 24)
    return {
        "model.onnx": model(column),
        "intervals.json": to_json(intervals.to_dict()),
        "model.keras": b"only for those who train on",
        "scaler.json": b"{}",
    }


def write(objects: ObjectStore, version: str = "v1", column: int = 0, *, sequence: int = 1, **changes: Any) -> Pointer:
    """Write a bundle and return the pointer that would make it the champion."""
    key, sha256 = write_bundle(objects, manifest(version, **changes), files(column))
    return Pointer(FORMAT, "small", version, key, sha256, "2021-02-01T00:00:00+00:00", sequence)


def point(objects: ObjectStore, pointer: Pointer, private_key_pem: bytes | None = None) -> None:
    """Make it what the champion's pointer says."""
    put(objects, POINTER, dump(pointer if private_key_pem is None else signed(pointer, private_key_pem)))


def publish(objects: ObjectStore, version: str = "v1", column: int = 0, *, sequence: int = 1, **changes: Any) -> Pointer:
    """Write a bundle and make it the champion."""
    pointer = write(objects, version, column, sequence=sequence, **changes)
    point(objects, pointer)
    return pointer


def put(objects: ObjectStore, key: str, body: bytes) -> None:
    """Write over what is there, as no program of tsflow's does."""
    objects._s3.put_object(Bucket=objects.bucket, Key=key, Body=body)


def remove(objects: ObjectStore, key: str) -> None:
    objects._s3.delete_object(Bucket=objects.bucket, Key=key)


def frame(hours: int = 120, *, start: str = "2021-03-01T00:00", **changes: Any) -> dict[str, Any]:
    """Hourly rows whose last T is 6.38 and last p is 1003.5."""
    times = np.datetime64(start, "s") + np.arange(hours) * np.timedelta64(timedelta(hours=1))
    values = {"T": np.linspace(1, 6.38, hours), "p": np.linspace(990, 1003.5, hours)}
    return {"time": times.astype("datetime64[s]"), **values, **changes}
