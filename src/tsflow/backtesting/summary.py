"""What a rolling-origin backtest says: errors pooled over the test parts of all folds, and by fold, season, hour and lead.

::

    fold 1   |------ train ------|val|test|
    fold 2   |----------- train ----------|val|test|
    fold 3   |---------------- train --------------|val|test|
                                      pooled:  test + test + test, in order of time, each target once

The rule for what failed: an entrant that has every fold is ranked, by its pooled MAE. One that lacks folds stands
below, unranked, with the reason of each; its numbers, its skill and its comparison with the leader are over the folds
that it has, so that no two entrants are ever compared on different origins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tsflow.backtesting.grouped import errors_of, naive_on_test
from tsflow.errors import TrainingError
from tsflow.evaluation.metrics import skill
from tsflow.records.backtest import Backtest, BacktestEntrant, Errors
from tsflow.uncertainty.verdicts import Certainty, certainty_of
from tsflow.windows.dataset import Dataset


@dataclass(frozen=True)
class Results:
    """What an entrant's trainings left: forecasts by fold as `grouped.on_test` gives them, and why the other folds have none."""

    architecture: str
    title: str
    tests: Mapping[str, pd.DataFrame]
    failures: Mapping[str, str]
    parameters: int | None = None
    train_seconds: float | None = None


def judge(folds: Mapping[str, Dataset], results: Sequence[Results], horizon_hours: int) -> list[BacktestEntrant]:
    """Return the lines of the summary: ranked entrants, then incomplete, then failed ones; see the module's rule.

    Raises
    ------
    TrainingError
        If an entrant has neither forecasts nor a reason for a fold, or no entrant has forecasts of any fold.
    """
    for result in results:
        if lacking := [fold for fold in folds if fold not in result.tests and fold not in result.failures]:
            msg = f"{result.architecture}: neither forecasts nor a reason for fold {', '.join(lacking)}"
            raise TrainingError(msg)
    if not any(result.tests for result in results):
        reasons = "; ".join(f"{result.architecture}: {next(iter(result.failures.values()))}" for result in results)
        msg = f"no entrant could be trained in any fold: {reasons}"
        raise TrainingError(msg)
    pooled = {result.architecture: pd.concat(result.tests.values()).assign(part="test") for result in results if result.tests}
    complete = [result.architecture for result in results if not result.failures]
    order = sorted(complete, key=lambda name: (float((pooled[name]["forecast"] - pooled[name]["truth"]).abs().mean()), name))
    sure = certainty_of({name: pooled[name] for name in order}, order[0], horizon_hours=horizon_hours) if order else {}
    for name in pooled.keys() - set(order):
        sure |= _beside(name, pooled[name], pooled[order[0]] if order else None, horizon_hours)
    place = {name: rank for rank, name in enumerate(order, 1)}
    entrants = [
        _entrant(folds, result, horizon_hours, place.get(result.architecture), sure.get(result.architecture)) for result in results
    ]
    last = len(entrants) + 1
    return sorted(entrants, key=lambda entrant: (entrant.rank or last, entrant.status == "failed", entrant.architecture))


def _beside(name: str, own: pd.DataFrame, leader: pd.DataFrame | None, horizon_hours: int) -> dict[str, Certainty]:
    """Return how sure an incomplete entrant's errors are, and how they compare with the leader's on the same origins."""
    if leader is None:
        return certainty_of({name: own}, name, horizon_hours=horizon_hours)
    same = leader[leader["origin"].isin(own["origin"])]
    found = certainty_of({name: own, "": same}, "", horizon_hours=horizon_hours)
    return {name: found[name]} if found else {}


def _entrant(
    folds: Mapping[str, Dataset], result: Results, horizon_hours: int, rank: int | None, certainty: Certainty | None
) -> BacktestEntrant:
    line = BacktestEntrant(
        rank=rank,
        architecture=result.architecture,
        title=result.title,
        status="failed" if not result.tests else "incomplete" if result.failures else "ok",
        failures=dict(result.failures),
        parameters=result.parameters,
        train_seconds=result.train_seconds,
    )
    if not result.tests:
        return line
    errors = errors_of(result.tests, horizon_hours)
    leads = [hour for hour in errors.by_lead if hour != horizon_hours]
    naive = errors_of({name: naive_on_test(folds[name], leads) for name in result.tests}, horizon_hours)
    judged = line.changed(errors=errors, naive=naive, skill=skill(errors.mae, naive.mae))
    return _with_certainty(judged, certainty) if certainty else judged


def _with_certainty(line: BacktestEntrant, certainty: Certainty) -> BacktestEntrant:
    sure = line.changed(mae_low=certainty.mae.low, mae_high=certainty.mae.high)
    if certainty.comparison is None:  # the leader; an entrant without one to compare with has no rank
        if line.rank is None:
            return sure
        return sure.changed(difference=0.0, difference_low=0.0, difference_high=0.0, p_value=1.0, verdict="leader")
    difference = certainty.comparison.difference
    return sure.changed(
        difference=difference.value,
        difference_low=difference.low,
        difference_high=difference.high,
        p_value=certainty.comparison.p_value,
        verdict=certainty.comparison.verdict,
    )


def table(summary: Backtest) -> pd.DataFrame:
    """Return every MAE in a row of its own: architecture, by (all, fold, season, hour, lead), group, mae, naive_mae, skill."""
    lines = []
    for entrant in summary.entrants:
        if entrant.errors is None or entrant.naive is None:
            continue
        for by, groups, naive in _groups(entrant.errors, entrant.naive):
            for group in sorted(groups):
                pair = (groups[group], naive[group])
                lines.append((entrant.architecture, by, str(group), *pair, skill(*pair)))
    return pd.DataFrame(lines, columns=["architecture", "by", "group", "mae", "naive_mae", "skill"])


def _groups(errors: Errors, naive: Errors) -> list[tuple[str, Mapping[Any, float], Mapping[Any, float]]]:
    """Return MAE and naive MAE by group, for each way of grouping."""
    return [
        ("all", {"all": errors.mae}, {"all": naive.mae}),
        ("fold", errors.by_fold, naive.by_fold),
        ("season", errors.by_season, naive.by_season),
        ("hour", errors.by_hour, naive.by_hour),
        ("lead", errors.by_lead, naive.by_lead),
    ]
