"""Ranking a run's entrants by validation MAE; a failed or skipped one stays in with its reason.

What is thought of a candidate is computed here, from its forecasts, whenever a board is made; nothing of it is kept with the
training, so that a changed metric shows at once and trains nobody.
"""

import math
from dataclasses import asdict

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
from tsflow.uncertainty.verdicts import ITSELF, bounds, compare, intervals_of
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
    naive = naive_errors(dataset)
    lines = _with_certainty([_line(run, judged[name], dataset, naive) for name in order], judged)
    left_out = [
        Entrant(architecture=name, title=title, status=failure.status, reason=failure.reason, unfinished=failure.unfinished)
        for name, (title, failure) in sorted(failures.items())
    ]
    return [*(line.changed(rank=rank) for rank, line in enumerate(lines, 1)), *left_out]


def _validation(judged: Judged) -> float:
    errors = judged.errors("validation")
    return errors.mae if errors else math.inf


def _line(run: str, judged: Judged, dataset: Dataset, naive: dict[str, float]) -> Entrant:
    candidate, bands = judged.candidate, conformal(judged.forecasts)
    train, validation, test = (judged.errors(part) for part in PARTS)
    val_skill = skill(validation.mae if validation else None, naive.get("validation"))
    test_skill = skill(test.mae if test else None, naive.get("test"))
    return Entrant(
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
        learnt=candidate.learnt,
        weights=candidate.found.weights if isinstance(candidate.found, Weights) else {},
    )


def _bands(found: Conformal) -> list[Band]:
    return [Band(**asdict(each)) for each in found.scores]


def _with_certainty(lines: list[Entrant], judged: dict[str, Judged]) -> list[Entrant]:
    """Say how sure each error is, and who differs from the challenger, the first line.

    On the test part, which did not pick the challenger; where there is none, nobody is compared.
    """
    part = "test" if (judged[lines[0].architecture].forecasts["part"] == "test").any() else "validation"
    shown = {name: each.forecasts[each.forecasts["part"] == part] for name, each in judged.items()}
    intervals, challenger = intervals_of(shown), lines[0].architecture
    others = {line.architecture: shown[line.architecture] for line in lines[1:]}
    told: dict[str, dict[str, float | str | None]] = {}
    if part == "test":
        told = {name: comparison.fields() for name, comparison in compare(others, shown[challenger]).items()}
        told[challenger] = {**ITSELF.fields(), "verdict": "challenger"}
    return [line.changed(**bounds(intervals[line.architecture]), **told.get(line.architecture, {})) for line in lines]


def table(board: Leaderboard) -> pd.DataFrame:
    """Return a board's lines as a frame, without what is more than a number."""
    lists = {"curve", "intervals", "pit", "lead_errors", "memory", "weights", "candidate", "learnt"}
    return pd.DataFrame([entrant.model_dump(exclude=lists) for entrant in board.entrants])
