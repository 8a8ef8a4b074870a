"""The model card of a bundle: what the model is, what it was trained on, how well it did, how to read it."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.bundle.manifest import Column, Manifest
from tsflow.names import MAIN
from tsflow.records.candidate import Epoch
from tsflow.uncertainty.superiority import groups


@dataclass(frozen=True)
class Further:
    """What a card shows beside the manifest: MAE by season and part of the day on rows that the candidate never saw, its curve."""

    by_group: dict[str, tuple[float, float]] = field(default_factory=dict)  # the candidate's and naive's
    curve: list[Epoch] = field(default_factory=list)

    @classmethod
    def of(cls, forecasts: pd.DataFrame, naive: NDArray[np.float64], curve: list[Epoch]) -> "Further":
        """Make it of stored forecasts; `naive`: the target at the origins of validation, then test."""
        unseen = forecasts[forecasts["part"].isin(["validation", "test"])]
        truth = unseen["truth"].to_numpy(dtype=np.float64)
        error, plain = np.abs(unseen["forecast"].to_numpy(dtype=np.float64) - truth), np.abs(naive - truth)
        shown = {name: inside for name, inside in groups(unseen["target_time"].to_numpy()).items() if inside.any()}
        return cls({name: (float(error[at].mean()), float(plain[at].mean())) for name, at in shown.items()}, curve)


NOTHING = Further()


def card(manifest: Manifest, further: Further = NOTHING) -> bytes:
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
        *_gate(manifest),
        *_groups(further),
        *_curve(further),
        f"Inputs, in order: {', '.join(map(_input, manifest.features))}.",
        "Values outside these ranges, sentinels and gaps are refused.",
        "",
        f"How it does from now on: scores of its forecasts under `scores/{manifest.station}/{target.task}/`, alerts under "
        f"`monitor/{manifest.station}/{target.task}/`.",
        "",
        f"Data as of {manifest.as_of} (station's clock){_versions(manifest)}, "
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


def html(markdown: bytes) -> bytes:
    """Return a card as a page."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown.decode())
    head = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>tsflow</title>"
    style = (
        "<style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}td,th{padding:.2em .8em;text-align:left}"
    )
    return f"{head}{style}table{{border-collapse:collapse}}tr{{border-bottom:1px solid #ccc}}</style>{body}</html>\n".encode()


def _input(column: Column) -> str:
    bounds = "" if column.range is None else f", {column.range[0]:g} to {column.range[1]:g}"
    return f"{column.name} ({column.unit}{bounds})"


def _gate(manifest: Manifest) -> list[str]:
    gate = manifest.metrics.gate
    if gate is None:
        return []
    rules = [f"| {'yes' if rule.passed else 'no'} | {rule.rule} | {rule.found} |" for rule in gate.rules]
    return [f"The gate: {gate.verdict}. {gate.reason}.", "", "| holds | rule | found |", "|---|---|---|", *rules, ""]


def _groups(further: Further) -> list[str]:
    if not further.by_group:
        return []
    lines = [f"| {name} | {mine:.2f} | {naive:.2f} |" for name, (mine, naive) in further.by_group.items()]
    return ["On validation and test, by season and hour of the target:", "", "| | MAE | naive |", "|---|---|---|", *lines, ""]


def _curve(further: Further) -> list[str]:
    if not further.curve:
        return []
    lines = [f"| {at.epoch} | {at.mae:.3f} | {'' if at.val_mae is None else f'{at.val_mae:.3f}'} |" for at in further.curve]
    return ["Learning curve:", "", "| epoch | train MAE | validation MAE |", "|---|---|---|", *lines, ""]


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


def _versions(manifest: Manifest) -> str:
    return ", of which each row counts as it came first, as they were imported later" if manifest.hourly.first_versions else ""


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
