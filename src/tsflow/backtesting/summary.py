"""What a rolling-origin backtest says: errors pooled over the test parts of all folds, and by fold, season, hour and lead.

::

    fold 1   |------ train ------|val|test|
    fold 2   |----------- train ----------|val|test|
    fold 3   |---------------- train --------------|val|test|
                                      pooled:  test + test + test, in order of time, each target once

The rule for what failed: an entrant that has every fold is ranked, by its pooled MAE. One that lacks folds stands
below, unranked, with the reason of each; its numbers, its skill and its comparison are over the folds that it has, so that
no two entrants are ever compared on different origins.

Whoever leads has been picked on these very errors, so that nobody is compared with it: everybody is with the reference, naive
or a recipe that the request named before there were errors; and the Model Confidence Set says who may be the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tsflow.backtesting.grouped import errors_of, naive_on_test
from tsflow.errors import TrainingError
from tsflow.evaluation.metrics import skill
from tsflow.names import NAIVE
from tsflow.records.backtest import Backtest, BacktestEntrant, Errors
from tsflow.uncertainty.long_run import LEVEL
from tsflow.uncertainty.verdicts import ITSELF, bounds, compare, intervals_of, may_be_best
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


def judge(
    folds: Mapping[str, Dataset], results: Sequence[Results], horizon_hours: int, reference: str = NAIVE
) -> list[BacktestEntrant]:
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
    pooled = {result.architecture: pd.concat(result.tests.values()) for result in results if result.tests}
    complete = [result.architecture for result in results if not result.failures]
    order = sorted(complete, key=lambda name: (float((pooled[name]["forecast"] - pooled[name]["truth"]).abs().mean()), name))
    entrants = _with_certainty([_entrant(folds, result, horizon_hours, order) for result in results], folds, pooled, reference)
    last = len(entrants) + 1
    return sorted(entrants, key=lambda entrant: (entrant.rank or last, entrant.status == "failed", entrant.architecture))


def _entrant(folds: Mapping[str, Dataset], result: Results, horizon_hours: int, order: Sequence[str]) -> BacktestEntrant:
    line = BacktestEntrant(
        rank=order.index(result.architecture) + 1 if result.architecture in order else None,
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
    return line.changed(errors=errors, naive=naive, skill=skill(errors.mae, naive.mae))


def _with_certainty(
    lines: Sequence[BacktestEntrant], folds: Mapping[str, Dataset], pooled: Mapping[str, pd.DataFrame], reference: str
) -> list[BacktestEntrant]:
    """Say how sure each error is, who differs from the reference, and who of the ranked ones may be the best."""
    intervals = intervals_of(pooled)
    best = may_be_best({line.architecture: pooled[line.architecture] for line in lines if line.rank})
    other = pd.concat(naive_on_test(fold, []) for fold in folds.values()) if reference == NAIVE else pooled.get(reference)
    told: dict[str, dict[str, float | str | None]] = {}
    if other is not None:
        compared = compare({name: frame for name, frame in pooled.items() if name != reference}, other)
        told = {name: comparison.fields() for name, comparison in compared.items()}
        told[reference] = {**ITSELF.fields(), "verdict": "reference"}
    found = []
    for line in lines:
        name = line.architecture
        p_best = best.get(name)
        sure = {**bounds(intervals.get(name)), **told.get(name, {})} if line.errors else {}
        found.append(line.changed(**sure, p_best=p_best, may_be_best=None if p_best is None else p_best >= 1 - LEVEL))
    return found


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
