"""Results that may be made again: each is written once, under the next number, and the newest one counts."""

from typing import Any

from tsflow.storage.codecs import from_json, to_json
from tsflow.storage.objects import ObjectStore


def numbered(objects: ObjectStore, prefix: str, name: str) -> list[str]:
    """Return the folders under `prefix` that hold an object called `name`, oldest first."""
    return [key.removesuffix(name) for key in objects.keys(prefix) if key.endswith(f"/{name}")]


def write_numbered(objects: ObjectStore, prefix: str, name: str, content: dict[str, Any]) -> str:
    """Write content under the next number, unless the newest one says the same but for `created_at`; return its folder."""
    while True:
        folders = numbered(objects, prefix, name)
        if folders:
            newest = from_json(objects.get(f"{folders[-1]}{name}"), f"{folders[-1]}{name}")
            if newest | {"created_at": None} == from_json(to_json(content), name) | {"created_at": None}:
                return folders[-1]
        folder = f"{prefix}{len(folders) + 1:03d}/"
        if objects.put_new(f"{folder}{name}", to_json(content), "application/json"):
            return folder
