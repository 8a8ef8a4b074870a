"""Writing a bundle: files first, the manifest that names them last; each key is written once."""

from dataclasses import replace

from tsflow.bundle.manifest import BundleFile, Manifest, dump
from tsflow.bundle.places import bundle_folder
from tsflow.champion.card import NOTHING, Further, card, html
from tsflow.names import PRODUCTION, Stage
from tsflow.storage.codecs import digest
from tsflow.storage.objects import JSON, ObjectStore


def write_bundle(
    objects: ObjectStore, manifest: Manifest, files: dict[str, bytes], stage: Stage = PRODUCTION, further: Further = NOTHING
) -> tuple[str, str]:
    """Write a bundle and return its manifest's key and SHA-256.

    `manifest.files` is filled in here; the card is added. Writing the same bundle again changes nothing;
    other bytes under the same version raise `IntegrityError`.
    """
    told = card(manifest, further)
    files = {**files, "card.md": told, "card.html": html(told)}
    named = {name: BundleFile(digest(body), len(body)) for name, body in sorted(files.items())}
    folder = bundle_folder(manifest.station, manifest.target.task, manifest.version, stage)
    for name, body in files.items():
        objects.put_same(f"{folder}{name}", body)
    body = dump(replace(manifest, files=named))
    key = f"{folder}manifest.json"
    objects.put_same(key, body, JSON)
    return key, digest(body)
