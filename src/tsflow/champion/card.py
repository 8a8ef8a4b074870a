"""The model card of a bundle: what the model is, what it was trained on, how well it did, how to read it."""

from tsflow.bundle.manifest import Manifest
from tsflow.names import MAIN


def card(manifest: Manifest) -> bytes:
    """Return the card in Markdown."""
    target, split = manifest.target, manifest.split
    lines = [
        f"# {manifest.title}",
        "",
        f"Champion of station `{manifest.station}`, version `{manifest.version}`: forecasts {target.name} "
        f"({target.unit}) {manifest.horizon_hours} hours after the last of {manifest.context_hours} hourly rows.",
        "",
        *_errors(manifest),
        "",
        *(
            f"Intervals of {100 * band.level:g} % covered {100 * band.coverage:.1f} % of the test part, "
            f"{band.width:.1f} {target.unit} wide on average."
            for band in manifest.metrics.intervals
        ),
        "",
        f"Chosen by validation MAE (split `{split.name}`); the test part was not used for choosing." + _fitted(manifest),
        "",
        "Inputs, in order: " + ", ".join(f"{column.name} ({column.unit})" for column in manifest.features) + ".",
        "",
        f"Data as of {manifest.as_of} (station's clock), "
        f"fingerprint `{manifest.fingerprint}`, run `{manifest.run}`, seed {manifest.seed}.",
        "",
        "```python",
        "from tsflow.client import load_champion",
        "",
        f"champion = load_champion({_arguments(manifest)})  # verifies every hash",
        f"champion.forecast(frame)  # {manifest.context_hours} hourly rows, raw units -> {target.unit}",
        "```",
        "",
    ]
    return "\n".join(lines).encode()


def _fitted(manifest: Manifest) -> str:
    fit, split = manifest.metrics.fit, manifest.split
    if fit is None or fit.last <= str(split.parts["train"].last):
        return ""
    if manifest.metrics.refit is not None:
        return f" The published model was fitted once more on train and validation, up to {fit.last}; its test error stands above."
    return (
        f" The published model was fitted once more on all rows up to {fit.last}, so that it knows the newest weather; the errors "
        f"above are those of its candidate on rows that it had not seen, and the honest figure from now on is its live score."
    )


def _arguments(manifest: Manifest) -> str:
    return f'"{manifest.station}"' + ("" if manifest.target.task == MAIN else f', task="{manifest.target.task}"')


def _errors(manifest: Manifest) -> list[str]:
    metrics, parts = manifest.metrics, manifest.split.parts
    lines = ["| part | windows | from | to | MAE | RMSE | naive MAE |", "|---|---|---|---|---|---|---|"]
    errors = {
        "train": (metrics.train_mae, metrics.train_rmse),
        "validation": (metrics.val_mae, metrics.val_rmse),
        "test": (metrics.test_mae, metrics.test_rmse),
    }
    for part, (mae, rmse) in errors.items():
        facts = parts[part]
        if facts.windows:  # an error of None: an ensemble, on the training part
            shown = " | ".join("–" if error is None else f"{error:.3f}" for error in (mae, rmse, metrics.naive[part]))
            lines.append(f"| {part} | {facts.windows} | {facts.first} | {facts.last} | {shown} |")
    if metrics.refit and metrics.refit.test_mae is not None and metrics.refit.test_rmse is not None:
        refit = metrics.refit
        lines.append(f"| test, refitted | {parts['test'].windows} | | | {refit.test_mae:.3f} | {refit.test_rmse:.3f} | |")
    return lines
