"""Ranking a run's entrants by validation MAE; a failed or skipped one stays in with its reason.

What is thought of a candidate is computed here, from its forecasts, whenever a board is made; nothing of it is kept with the
training, so that a changed metric shows at once and trains nobody.
"""

import math
from dataclasses import asdict
from typing import Literal

import pandas as pd

from tsflow.errors import TrainingError
from tsflow.evaluation.leads import lead_errors
from tsflow.evaluation.metrics import skill
from tsflow.evaluation.scores import Judged, naive_errors
from tsflow.records.candidate import Failure
from tsflow.records.dataset import PARTS
from tsflow.records.found import Weights
from tsflow.records.leaderboard import Band, Entrant, Leaderboard
from tsflow.uncertainty.conformal import Conformal, conformal
from tsflow.uncertainty.verdicts import Certainty, certainty_of
from tsflow.windows.dataset import Dataset


def judge(run: str, dataset: Dataset, judged: dict[str, Judged], failures: dict[str, tuple[str, Failure]]) -> list[Entrant]:
    """Return the lines of a leaderboard, best first; those without a result last.

    Parameters
    ----------
    judged
        The candidates there are, by architecture.
    failures
        Of every other entrant its title, and why it has no candidate.

    Raises
    ------
    TrainingError
        If there is no candidate at all.
    """
    if not judged:
        reasons = "; ".join(f"{name}: {failure.reason}" for name, (_, failure) in failures.items())
        msg = f"no entrant could be trained: {reasons}"
        raise TrainingError(msg)
    order = sorted(judged, key=lambda name: (_validation(judged[name]), name))
    forecasts = {name: judged[name].forecasts for name in order}
    sure = certainty_of(forecasts, order[0], horizon_hours=dataset.task.horizon_hours)
    naive = naive_errors(dataset)
    lines = [_line(run, judged[name], dataset, naive, sure.get(name)) for name in order]
    left_out = [
        Entrant(architecture=name, title=title, status=failure.status, reason=failure.reason, unfinished=failure.unfinished)
        for name, (title, failure) in sorted(failures.items())
    ]
    return [*(line.changed(rank=rank) for rank, line in enumerate(lines, 1)), *left_out]


def _validation(judged: Judged) -> float:
    errors = judged.errors("validation")
    return errors.mae if errors else math.inf


def _line(run: str, judged: Judged, dataset: Dataset, naive: dict[str, float], certainty: Certainty | None) -> Entrant:
    candidate, bands = judged.candidate, conformal(judged.forecasts)
    train, validation, test = (judged.errors(part) for part in PARTS)
    val_skill = skill(validation.mae if validation else None, naive.get("validation"))
    test_skill = skill(test.mae if test else None, naive.get("test"))
    line = Entrant(
        architecture=candidate.architecture,
        title=candidate.title,
        status="ok",
        candidate=judged.reference,
        train_mae=train.mae if train else None,
        train_rmse=train.rmse if train else None,
        train_bias=train.bias if train else None,
        val_mae=validation.mae if validation else None,
        val_rmse=validation.rmse if validation else None,
        val_bias=validation.bias if validation else None,
        test_mae=test.mae if test else None,
        test_rmse=test.rmse if test else None,
        test_bias=test.bias if test else None,
        val_skill=val_skill,
        test_skill=test_skill,
        skill=test_skill if test else val_skill,
        parameters=candidate.parameters,
        epochs=candidate.epochs,
        best_epoch=candidate.best_epoch,
        train_seconds=candidate.train_seconds,
        published_mae=candidate.published_mae,
        reused_from=candidate.run if candidate.run != run else None,
        curve=candidate.curve,
        intervals=_bands(bands),
        crps=bands.crps,
        pit=bands.pit,
        lead_errors=lead_errors(dataset, judged.forecasts),
        memory=candidate.memory,
        weights=candidate.found.weights if isinstance(candidate.found, Weights) else {},
    )
    return _with_certainty(line, certainty) if certainty else line


def _bands(found: Conformal) -> list[Band]:
    return [Band(**asdict(each)) for each in found.scores]


def _with_certainty(line: Entrant, certainty: Certainty) -> Entrant:
    sure = line.changed(mae_low=certainty.mae.low, mae_high=certainty.mae.high)
    if certainty.comparison is None:
        return sure.changed(difference=0.0, difference_low=0.0, difference_high=0.0, p_value=1.0, verdict="challenger")
    difference = certainty.comparison.difference
    verdict: Literal["better", "tie", "worse"] = certainty.comparison.verdict
    return sure.changed(
        difference=difference.value,
        difference_low=difference.low,
        difference_high=difference.high,
        p_value=certainty.comparison.p_value,
        verdict=verdict,
    )


def table(board: Leaderboard) -> pd.DataFrame:
    """Return a board's lines as a frame, without what is more than a number."""
    lists = {"curve", "intervals", "pit", "lead_errors", "memory", "weights", "candidate"}
    return pd.DataFrame([entrant.model_dump(exclude=lists) for entrant in board.entrants])
