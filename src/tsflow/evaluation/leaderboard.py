"""The leaderboard: every entrant of a run, ranked by validation MAE; a failed or skipped one stays in with its reason."""

import math
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import model_validator

from tsflow.errors import TrainingError
from tsflow.evaluation.metrics import bias, mae, rmse, skill
from tsflow.model import Strict
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import PARTS, Part


class Entrant(Strict):
    """One line. Errors in degC; None where the part of the split is empty or the entrant has no forecasts."""

    rank: int | None = None
    architecture: str
    title: str
    status: Literal["ok", "failed", "skipped"]  # skipped: takes no part here, such as for want of an optional library
    reason: str | None = None
    val_mae: float | None = None
    test_mae: float | None = None
    val_rmse: float | None = None
    test_rmse: float | None = None
    val_bias: float | None = None
    test_bias: float | None = None
    train_mae: float | None = None
    train_rmse: float | None = None
    train_bias: float | None = None
    val_skill: float | None = None
    test_skill: float | None = None
    skill: float | None = None  # on the test part; on validation where there is no test part
    mae_low: float | None = None  # 95 % interval of the MAE that skill is about, by block bootstrap
    mae_high: float | None = None
    difference: float | None = None  # of that MAE from the leader's
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None  # Diebold-Mariano against the leader
    verdict: Literal["leader", "better", "tie", "worse"] | None = None  # None: too few origins to say
    parameters: int | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    train_seconds: float | None = None
    published_mae: float | None = None  # of the lecture's source, on the test part of its own record
    reused_from: str | None = None  # the run that trained it, if the same training was done before
    curve: list[dict[str, float | None]] = []
    intervals: list[dict[str, float]] = []  # level, and on the test part coverage, width, pinball loss
    crps: float | None = None  # on the test part
    lead_errors: list[dict[str, Any]] = []  # of entrants that forecast the way to the horizon too
    memory: list[float] = []  # of networks: mean absolute gradient by lag, the origin first
    weights: dict[str, float] = {}  # of an ensemble's members

    @model_validator(mode="after")
    def _without_a_result_there_is_a_reason(self) -> Self:
        if (self.status != "ok") != bool(self.reason):
            msg = "status failed or skipped goes with a reason, status ok without"
            raise ValueError(msg)
        return self


class Leaderboard(Strict):
    """A run's result."""

    station: str
    run: str
    split: str
    profile: str
    seed: int
    fingerprint: str
    as_of: str
    created_at: str
    horizon_hours: int
    target: str
    unit: str
    parts: dict[str, dict[str, Any]]  # rows, windows and times of each part of the split
    naive: dict[str, float]  # MAE of naive on each part that has windows
    champion: str  # the architecture with the least validation MAE
    entrants: list[Entrant]

    def entrant(self, architecture: str) -> Entrant:
        """Return one line."""
        return next(entrant for entrant in self.entrants if entrant.architecture == architecture)

    def table(self) -> pd.DataFrame:
        """Return the lines as a frame, without what is more than a number."""
        lists = {"curve", "intervals", "lead_errors", "memory", "weights"}
        return pd.DataFrame([entrant.model_dump(exclude=lists) for entrant in self.entrants])


def part_errors(dataset: Dataset, forecasts: dict[Part, Any]) -> dict[str, float | None]:
    """Return MAE, RMSE and bias of forecasts on each part, under the leaderboard's names."""
    errors: dict[str, float | None] = {}
    for part, short in zip(PARTS, ("train", "val", "test"), strict=True):
        truth = dataset.targets(part)
        for name, metric in (("mae", mae), ("rmse", rmse), ("bias", bias)):
            known = len(truth) and np.isfinite(forecasts[part]).all()  # ensembles do not forecast the training part
            errors[f"{short}_{name}"] = metric(truth, forecasts[part]) if known else None
    return errors


def naive_errors(dataset: Dataset) -> dict[str, float]:
    """Return the MAE of 'in 24 h as now' on each part that has windows; what skill is measured against."""
    target = dataset.values[:, dataset.target_index]
    return {part: mae(dataset.targets(part), target[dataset.origins(part)]) for part in PARTS if len(dataset.starts(part))}


def with_skill(errors: dict[str, float | None], naive: dict[str, float]) -> dict[str, float | None]:
    """Add the skill over naive on validation and test, and the one to show."""

    def on(short: str, part: str) -> float | None:
        error = errors[f"{short}_mae"]
        return skill(error, naive[part]) if error is not None else None

    test, validation = on("test", "test"), on("val", "validation")
    shown = test if test is not None else validation
    return {**errors, "val_skill": validation, "test_skill": test, "skill": shown}


def rank(expected: list[str], entrants: list[Entrant]) -> list[Entrant]:
    """Order entrants by validation MAE, those without a result last, and number those that are ok.

    Raises
    ------
    TrainingError
        If an expected entrant is not there, or none is ok.
    """
    found = {entrant.architecture for entrant in entrants}
    if lacking := [name for name in expected if name not in found]:
        msg = f"the leaderboard lacks {', '.join(lacking)}: expected {len(expected)} entrants, found {len(found)}"
        raise TrainingError(msg)
    if not any(entrant.status == "ok" for entrant in entrants):
        reasons = "; ".join(f"{entrant.architecture}: {entrant.reason}" for entrant in entrants)
        msg = f"no entrant could be trained: {reasons}"
        raise TrainingError(msg)
    ordered = sorted(entrants, key=lambda e: (e.val_mae if e.val_mae is not None else math.inf, e.architecture))
    return [
        entrant.model_copy(update={"rank": place if entrant.status == "ok" else None}) for place, entrant in enumerate(ordered, 1)
    ]
