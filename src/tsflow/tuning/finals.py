"""The end of a tuning: the best few recipes, and the one it began with, are trained again with other seeds and judged by those.

The best of many trials is also the luckiest of them: another seed alone moves a network's error as far as most settings do. Its
own error has picked it and is not asked again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsflow.architectures.seeds import member_seeds
from tsflow.errors import NotEnoughData
from tsflow.names import Verdict
from tsflow.records.tuning import Finalist, Gain, Trial
from tsflow.tuning.search import ordered
from tsflow.uncertainty.long_run import Estimate, means_of

_FINALISTS = 3
_SHARE = 0.5  # of a tuning's minutes, at most, that are kept for it


def searched(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials of the search, without those that repeat one."""
    return [trial for trial in trials if trial.repeats is None]


def finalists(trials: Sequence[Trial]) -> list[int]:
    """Return the numbers of the recipes to compare, the best and the recipe as it is first; [] while there is only one."""
    complete = [trial.number for trial in ordered(searched(trials)) if trial.state == "complete"]
    best = complete[:_FINALISTS]
    if len(complete) < 2:
        return []
    return [*dict.fromkeys([best[0], *([0] if 0 in complete else []), *best])]


def next_repeat(trials: Sequence[Trial], *, seed: int, repeats: int) -> tuple[int, int] | None:
    """Return which trial is to be repeated next, and with which seed; None if all is done.

    Seed by seed, so that whatever time is left has trained all finalists with the same ones.
    """
    begun = {(trial.repeats, trial.seed) for trial in trials}
    wanted = ((number, other) for other in member_seeds(seed, 1 + repeats)[1:] for number in finalists(trials))
    return next((each for each in wanted if each not in begun), None)


def reserved_seconds(trials: Sequence[Trial], *, repeats: int, minutes: float) -> float:
    """Return how much of a tuning's time the finalists of now are going to need, half of it at most."""
    seconds = {trial.number: trial.train_seconds for trial in trials}
    needed = repeats * sum(seconds[number] for number in finalists(trials))
    return min(needed, _SHARE * 60 * minutes)


def judged(trials: Sequence[Trial]) -> list[Finalist]:
    """Return the finalists by their mean error with the other seeds, best first; [] if no two of them share a seed.

    They are compared over the seeds with which all were trained, or, where time ran out, the best and the recipe as it is.
    """
    numbers = finalists(trials)
    by: dict[int, dict[int, Trial]] = {number: {} for number in numbers}
    for trial in trials:
        if trial.repeats in by and trial.seed is not None and trial.state == "complete":
            by[trial.repeats][trial.seed] = trial
    for among in (numbers, numbers[:2]):
        shared = set.intersection(*(set(by[number]) for number in among)) if len(among) > 1 else set()
        if shared:
            found = [_finalist(number, [by[number][seed] for seed in sorted(shared)]) for number in among]
            return sorted(found, key=lambda each: (each.val_mae, each.number))
    return []


def _finalist(number: int, repeated: list[Trial]) -> Finalist:
    errors = {trial.seed: trial.val_mae for trial in repeated if trial.seed is not None and trial.val_mae is not None}
    days = [trial.daily for trial in repeated]
    daily = np.mean(days, axis=0).tolist() if all(days) else []
    return Finalist(number=number, val_mae=float(np.mean(list(errors.values()))), errors=errors, daily=daily)


def compared(before: Finalist | None, after: Finalist | None) -> Gain:
    """Say whether a finalist is surely better than the recipe as it was: the paired difference over the same days and seeds."""
    if before is None or after is None:
        return Gain(verdict="unknown")
    if before.number == after.number:
        return Gain(verdict="tie", difference=0.0)
    try:
        means = means_of((np.array(after.daily) - np.array(before.daily))[:, None])
    except NotEnoughData:
        return Gain(verdict="unknown", difference=after.val_mae - before.val_mae)
    found: Estimate = means.estimates()[0]
    verdict: Verdict = "better" if found.high < 0 else "worse" if found.low > 0 else "tie"
    return Gain(verdict=verdict, difference=found.value, low=found.low, high=found.high)
