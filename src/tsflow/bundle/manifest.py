"""The file formats that a consumer shares with the workflow: pointer and manifest. Standard library only.

A bundle is an immutable folder; its manifest names every file with SHA-256 and size. The pointer names one
manifest with its SHA-256, so that from the pointer on nothing can be swapped unseen.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from tsflow.errors import IntegrityError

FORMAT = 1  # raise it when a reader of the old form could misread the new one


@dataclass(frozen=True)
class Pointer:
    """What `champion.json` says."""

    format: int
    station: str
    version: str
    manifest_key: str
    manifest_sha256: str
    promoted_at: str
    sequence: int


@dataclass(frozen=True)
class BundleFile:
    """A file of a bundle."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """What a bundle's `manifest.json` says."""

    format: int
    station: str
    version: str
    run: str
    architecture: str
    title: str
    settings: dict[str, Any]  # of the architecture
    features: list[dict[str, str]]  # name and unit, in the order of the model's input
    target: dict[str, str]  # name and unit
    context_hours: int
    horizon_hours: int
    hourly: dict[str, Any]  # how hours were made of the station's cadence
    scaler: dict[str, list[float]]
    split: dict[str, Any]
    fingerprint: str
    as_of: str
    created_at: str
    seed: int
    metrics: dict[str, Any]
    libraries: dict[str, str]
    git_commit: str | None
    files: dict[str, BundleFile]


def dump(content: Pointer | Manifest) -> bytes:
    """Return pointer or manifest as JSON; the same content gives the same bytes."""
    return (json.dumps(asdict(content), sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def _fields(body: bytes, key: str) -> dict[str, Any]:
    try:
        content = json.loads(body)
        found = content["format"]
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{key}: not a file of tsflow's ({error}); it was damaged or written by another program"
        raise IntegrityError(msg) from error
    if found != FORMAT:
        msg = f"{key}: format {found!r}, this tsflow reads {FORMAT}; install the tsflow that wrote it, or a newer one"
        raise IntegrityError(msg)
    return dict(content)


def read_pointer(body: bytes, key: str) -> Pointer:
    """Read a pointer; `IntegrityError` if it is not one."""
    try:
        return Pointer(**_fields(body, key))
    except TypeError as error:
        msg = f"{key}: not a champion pointer ({error})"
        raise IntegrityError(msg) from error


def read_manifest(body: bytes, key: str) -> Manifest:
    """Read a manifest; `IntegrityError` if it is not one."""
    try:
        fields = _fields(body, key)
        fields["files"] = {name: BundleFile(**file) for name, file in fields["files"].items()}
        return Manifest(**fields)
    except (TypeError, KeyError, AttributeError) as error:
        msg = f"{key}: not a bundle's manifest ({error})"
        raise IntegrityError(msg) from error


def check(body: bytes, expected: BundleFile, key: str) -> bytes:
    """Return the bytes if they are the expected ones, else raise `IntegrityError`."""
    found = hashlib.sha256(body).hexdigest()
    if found != expected.sha256 or len(body) != expected.size:
        msg = (
            f"{key}: SHA-256 {found[:16]}... and {len(body)} bytes, the manifest says {expected.sha256[:16]}... and "
            f"{expected.size}; the file was changed or damaged, do not use it; publish again"
        )
        raise IntegrityError(msg)
    return body
