"""The file formats that a consumer shares with the workflow: pointer and manifest.

A bundle is an immutable folder; its manifest names every file with SHA-256 and size. The pointer names one
manifest with its SHA-256, so that from the pointer on nothing can be swapped unseen. A reader ignores fields that it
does not know, so that what a newer tsflow adds does no harm.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import msgspec

from tsflow.errors import IntegrityError
from tsflow.names import MAIN

FORMAT = 1  # raise it when a reader of the old form could misread the new one
T = TypeVar("T")


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
    signature: str = ""  # of the pointer without it, in base64; empty: it is not signed


@dataclass(frozen=True)
class BundleFile:
    """A file of a bundle."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Column:
    """A column of the model's input, in raw units; outside its range a value is an error of the instrument or of the unit."""

    name: str
    unit: str
    range: tuple[float, float] | None = None  # what the model may have seen; a reader refuses what lies outside


@dataclass(frozen=True)
class Target:
    """What is forecast, and which of the station's tasks it is."""

    name: str
    unit: str
    task: str = MAIN
    leads: list[int] = field(default_factory=list)  # hours before the horizon that the model forecasts too, as output `leads`
    # Levels, rising, of the model's output `quantiles` [n, n_levels] in the target's unit: as it learnt them, which promises too
    # much on new weather. `scaled_intervals.json` makes intervals of them that hold.
    quantiles: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Hours:
    """How hours were made of the station's cadence; the span that is filled in ISO 8601; by which clock."""

    method: str
    fill_gaps_up_to: str
    utc_offset_hours: float = 0.0  # of the station's clock, all year
    missing: list[float] = field(default_factory=list)  # sentinels that stand for "no value"
    minute: int | None = None  # of the hour, of the training rows; None if they differ, or the bundle is an old one
    first_versions: bool = False  # rows were imported after the as-of: each counts as it came first


@dataclass(frozen=True)
class Scaler:
    """Mean and deviation of each feature over the training rows; for people: the model scales by itself."""

    mean: list[float]
    deviation: list[float]


@dataclass(frozen=True)
class PartFacts:
    """Rows and windows of a part of the split, and when it begins and ends."""

    rows: int
    windows: int
    first: str | None
    last: str | None


@dataclass(frozen=True)
class Split:
    """How the record was cut, by part: train, validation, test."""

    name: str
    parts: dict[str, PartFacts]


@dataclass(frozen=True)
class Band:
    """How the intervals of one level did on the test part; width and pinball loss in the target's unit."""

    level: float
    coverage: float
    width: float
    pinball: float
    narrow: float | None = None  # nine in ten intervals are wider,
    wide: float | None = None  # and nine in ten narrower than this


@dataclass(frozen=True)
class TestErrors:
    """Errors on the test part, in the target's unit; None where it is empty."""

    test_mae: float | None = None
    test_rmse: float | None = None
    test_bias: float | None = None


@dataclass(frozen=True)
class FitFacts:
    """What the model that went out was fitted on."""

    first: str  # row, by the station's clock
    last: str  # row whose target was learnt
    windows: int
    rule: str  # how many epochs, rounds, or which penalty


@dataclass(frozen=True)
class Rule:
    """A rule of the gate: what was found, and whether that was enough."""

    rule: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Gate:
    """What the gate decided: first, change, refresh or refusal; of a refusal a person may have promoted it all the same."""

    verdict: str
    reason: str
    rules: list[Rule] = field(default_factory=list)


@dataclass(frozen=True)
class Metrics:
    """How the candidate did that was chosen, on rows it never saw, in the target's unit.

    `refit`: the model that went out, on the same test part, if it has not learnt that; `fit`: what it was fitted on.
    """

    rank: int | None = None
    train_mae: float | None = None
    train_rmse: float | None = None
    train_bias: float | None = None
    val_mae: float | None = None
    val_rmse: float | None = None
    val_bias: float | None = None
    val_skill: float | None = None
    test_mae: float | None = None
    test_rmse: float | None = None
    test_bias: float | None = None
    test_skill: float | None = None
    skill: float | None = None
    mae_low: float | None = None
    mae_high: float | None = None
    parameters: int | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    train_seconds: float | None = None
    weights: dict[str, float] = field(default_factory=dict)
    intervals: list[Band] = field(default_factory=list)
    crps: float | None = None
    naive: dict[str, float] = field(default_factory=dict)
    refit: TestErrors | None = None
    fit: FitFacts | None = None
    gate: Gate | None = None


@dataclass(frozen=True)
class Manifest:
    """What a bundle's `manifest.json` says.

    A client of tsflow 0.1 refuses further fields here: new ones go into the nested parts.
    """

    format: int
    station: str
    version: str
    run: str
    architecture: str
    title: str
    settings: dict[str, Any]  # of the recipe: each family has its own
    features: list[Column]  # in the order of the model's input
    target: Target
    context_hours: int
    horizon_hours: int
    hourly: Hours
    scaler: Scaler
    split: Split
    fingerprint: str
    as_of: str
    created_at: str
    seed: int
    metrics: Metrics
    libraries: dict[str, str]
    git_commit: str | None
    files: dict[str, BundleFile]


def dump(content: Pointer | Manifest) -> bytes:
    """Return pointer or manifest as JSON; the same content gives the same bytes."""
    told = {name: value for name, value in asdict(content).items() if (name, value) != ("signature", "")}
    return (json.dumps(told, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def _read(body: bytes, kind: type[T], what: str, key: str) -> T:
    try:
        content = json.loads(body)
        found = content["format"]
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{key}: not a file of tsflow's ({error}); it was damaged or written by another program"
        raise IntegrityError(msg) from error
    if found != FORMAT:
        msg = f"{key}: format {found!r}, this tsflow reads {FORMAT}; install the tsflow that wrote it, or a newer one"
        raise IntegrityError(msg)
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        msg = f"{key}: not {what} ({error}); it was damaged or written by another program"
        raise IntegrityError(msg) from error


def read_pointer(body: bytes, key: str) -> Pointer:
    """Read a pointer; `IntegrityError` if it is not one."""
    return _read(body, Pointer, "a champion pointer", key)


def read_manifest(body: bytes, key: str) -> Manifest:
    """Read a manifest; `IntegrityError` if it is not one."""
    return _read(body, Manifest, "a bundle's manifest", key)
