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
from typing import Any, Literal

import pandas as pd

from tsflow.backtesting.grouped import Errors, errors_of, naive_on_test
from tsflow.errors import TrainingError
from tsflow.evaluation.metrics import skill
from tsflow.model import Strict
from tsflow.uncertainty.verdicts import certainty_of
from tsflow.windows.dataset import Dataset


class Entrant(Strict):
    """One line of the summary."""

    rank: int | None = None  # None: not every fold
    architecture: str
    title: str
    status: Literal["ok", "incomplete", "failed"]
    failures: dict[str, str] = {}  # reason by fold
    errors: Errors | None = None
    naive: Errors | None = None  # on the same origins
    skill: float | None = None
    mae_low: float | None = None  # 95 % interval, by block bootstrap
    mae_high: float | None = None
    difference: float | None = None  # of the MAE from the leader's, on the entrant's origins
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None  # Diebold-Mariano against the leader
    verdict: Literal["leader", "better", "tie", "worse"] | None = None  # None: too few origins to say, or no leader
    parameters: int | None = None  # of the last fold
    train_seconds: float | None = None  # of all folds


class Backtest(Strict):
    """A backtest's result."""

    station: str
    backtest: str
    profile: str
    seed: int
    fingerprint: str
    as_of: str
    created_at: str
    horizon_hours: int
    target: str
    unit: str
    folds: dict[str, dict[str, dict[str, Any]]]  # rows, windows and times of each part of each fold
    naive: Errors
    leader: str | None  # the least pooled MAE among those with every fold; None: there is none
    entrants: list[Entrant]

    def entrant(self, architecture: str) -> Entrant:
        """Return one line."""
        return next(entrant for entrant in self.entrants if entrant.architecture == architecture)

    def table(self) -> pd.DataFrame:
        """Return every MAE in a row of its own: architecture, by (all, fold, season, hour, lead), group, mae, naive_mae, skill."""
        lines = []
        for entrant in self.entrants:
            if entrant.errors is None or entrant.naive is None:
                continue
            for by, groups, naive in _groups(entrant.errors, entrant.naive):
                for group in sorted(groups):
                    pair = (groups[group], naive[group])
                    lines.append((entrant.architecture, by, str(group), *pair, _skill(*pair)))
        return pd.DataFrame(lines, columns=["architecture", "by", "group", "mae", "naive_mae", "skill"])


@dataclass(frozen=True)
class Results:
    """What an entrant's trainings left: forecasts by fold as `grouped.on_test` gives them, and why the other folds have none."""

    architecture: str
    title: str
    tests: Mapping[str, pd.DataFrame]
    failures: Mapping[str, str]
    parameters: int | None = None
    train_seconds: float | None = None


def judge(folds: Mapping[str, Dataset], results: Sequence[Results], horizon_hours: int) -> list[Entrant]:
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
        sure[name] = _beside(pooled[name], pooled[order[0]] if order else None, horizon_hours)
    entrants = [_entrant(folds, result, horizon_hours, sure.get(result.architecture, {})) for result in results]
    place = {name: rank for rank, name in enumerate(order, 1)}
    ranked = [entrant.model_copy(update={"rank": place.get(entrant.architecture)}) for entrant in entrants]
    last = len(ranked) + 1
    return sorted(ranked, key=lambda entrant: (entrant.rank or last, entrant.status == "failed", entrant.architecture))


def _beside(own: pd.DataFrame, leader: pd.DataFrame | None, horizon_hours: int) -> dict[str, Any]:
    """Return how sure an incomplete entrant's errors are, and how they compare with the leader's on the same origins."""
    if leader is None:
        alone = certainty_of({"own": own}, "own", horizon_hours=horizon_hours).get("own", {})
        return {name: value for name, value in alone.items() if name in {"mae_low", "mae_high"}}
    same = leader[leader["origin"].isin(own["origin"])]
    return certainty_of({"own": own, "leader": same}, "leader", horizon_hours=horizon_hours).get("own", {})


def _entrant(folds: Mapping[str, Dataset], result: Results, horizon_hours: int, sure: dict[str, Any]) -> Entrant:
    facts = {name: getattr(result, name) for name in ("architecture", "title", "parameters", "train_seconds")}
    if not result.tests:
        return Entrant(status="failed", failures=dict(result.failures), **facts)
    errors = errors_of(result.tests, horizon_hours)
    leads = [hour for hour in errors.by_lead if hour != horizon_hours]
    naive = errors_of({name: naive_on_test(folds[name], leads) for name in result.tests}, horizon_hours)
    return Entrant(
        status="incomplete" if result.failures else "ok",
        failures=dict(result.failures),
        errors=errors,
        naive=naive,
        skill=_skill(errors.mae, naive.mae),
        **facts,
        **sure,
    )


def _skill(error: float, naive_error: float) -> float | None:
    """Return the skill, or None where naive makes no error, which JSON has no number for."""
    return skill(error, naive_error) if naive_error > 0 else None


def _groups(errors: Errors, naive: Errors) -> list[tuple[str, Mapping[Any, float], Mapping[Any, float]]]:
    """Return MAE and naive MAE by group, for each way of grouping."""
    return [
        ("all", {"all": errors.mae}, {"all": naive.mae}),
        ("fold", errors.by_fold, naive.by_fold),
        ("season", errors.by_season, naive.by_season),
        ("hour", errors.by_hour, naive.by_hour),
        ("lead", errors.by_lead, naive.by_lead),
    ]
