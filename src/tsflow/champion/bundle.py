"""Writing a bundle: files first, the manifest that names them last; each key is written once."""

from dataclasses import replace

from tsflow.bundle.manifest import BundleFile, Manifest, dump
from tsflow.storage import keys
from tsflow.storage.codecs import digest
from tsflow.storage.objects import ObjectStore


def card(manifest: Manifest) -> bytes:
    """Return the model card: what the model is, what it was trained on, how well it did, how to read it."""
    metrics = manifest.metrics
    lines = [
        f"# {manifest.title}",
        "",
        f"Champion of station `{manifest.station}`, version `{manifest.version}`: forecasts {manifest.target['name']} "
        f"({manifest.target['unit']}) {manifest.horizon_hours} hours after the last of {manifest.context_hours} hourly rows.",
        "",
        "| part | windows | from | to | MAE | RMSE | naive MAE |",
        "|---|---|---|---|---|---|---|",
    ]
    for part, short in (("train", "train"), ("validation", "val"), ("test", "test")):
        facts = manifest.split["parts"][part]
        if facts["windows"]:
            mae, rmse = (metrics[f"{short}_{name}"] for name in ("mae", "rmse"))  # None: an ensemble, on the training part
            shown = " | ".join("–" if error is None else f"{error:.3f}" for error in (mae, rmse, metrics["naive"][part]))
            lines.append(f"| {part} | {facts['windows']} | {facts['first']} | {facts['last']} | {shown} |")
    refit = metrics.get("refit")
    if refit and refit["test_mae"] is not None:
        lines.append(
            f"| test, refitted | {manifest.split['parts']['test']['windows']} | | | "
            f"{refit['test_mae']:.3f} | {refit['test_rmse']:.3f} | |"
        )
    lines += [
        "",
        *(
            f"Intervals of {100 * found['level']:g} % covered {100 * found['coverage']:.1f} % of the test part, "
            f"{found['width']:.1f} {manifest.target['unit']} wide on average."
            for found in metrics.get("intervals", [])
        ),
        "",
        "Chosen by validation MAE; the test part was not used for choosing."
        + (" The published model was then trained once more, on train and validation." if refit is not None else ""),
        "",
        "Inputs, in order: " + ", ".join(f"{feature['name']} ({feature['unit']})" for feature in manifest.features) + ".",
        "",
        f"Data as of {manifest.as_of} (station's clock), "
        f"fingerprint `{manifest.fingerprint}`, run `{manifest.run}`, seed {manifest.seed}.",
        "",
        "```python",
        "from tsflow.client import load_champion",
        "",
        f'champion = load_champion("{manifest.station}")  # verifies every hash',
        f"champion.forecast(frame)  # {manifest.context_hours} hourly rows, raw units -> {manifest.target['unit']}",
        "```",
        "",
    ]
    return "\n".join(lines).encode()


def write_bundle(objects: ObjectStore, manifest: Manifest, files: dict[str, bytes]) -> tuple[str, str]:
    """Write a bundle and return its manifest's key and SHA-256.

    `manifest.files` is filled in here; the card is added. Writing the same bundle again changes nothing;
    other bytes under the same version raise `IntegrityError`.
    """
    files = {**files, "card.md": card(manifest)}
    named = {name: BundleFile(digest(body), len(body)) for name, body in sorted(files.items())}
    for name, body in files.items():
        objects.put_same(keys.champion(manifest.station, manifest.version, name), body)
    body = dump(replace(manifest, files=named))
    key = keys.champion(manifest.station, manifest.version, "manifest.json")
    objects.put_same(key, body, "application/json")
    return key, digest(body)
