"""The end of a tuning: the best few recipes, and the one it began with, are trained again with other seeds and judged by those.

The best of many trials is also the luckiest of them: another seed alone moves a network's error as far as most settings do. The
error that picked a finalist is not asked again. All are judged on the same hours of validation, so that luck with those remains.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsflow.errors import NotEnoughData
from tsflow.records.tuning import Finalist, Gain, Trial
from tsflow.tuning.search import ordered
from tsflow.uncertainty.long_run import LEVEL, means_of

_FINALISTS = 3
_SHARE = 0.5  # of a tuning's minutes, at most, that are kept for it


def searched(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials of the search, without those that repeat one."""
    return [trial for trial in trials if trial.repeats is None]


def standing(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials of the search, without those whose repeats failed one and all: a run would fail of them, too."""
    again = {number: {trial.state for trial in trials if trial.repeats == number} for number in {each.repeats for each in trials}}
    return [trial for trial in searched(trials) if "complete" in (seen := again.get(trial.number, set())) or "failed" not in seen]


def finalists(trials: Sequence[Trial]) -> list[int]:
    """Return the numbers of the recipes to compare, the best and the recipe as it is first; [] while there is only one."""
    complete = [trial.number for trial in ordered(searched(trials)) if trial.state == "complete"]
    best = complete[:_FINALISTS]
    if len(complete) < 2:
        return []
    return [*dict.fromkeys([best[0], *([0] if 0 in complete else []), *best])]


def other_seeds(seed: int, count: int) -> list[int]:
    """Return seeds that share nothing with those that a recipe of several seeds draws from `seed`, the first always the same."""
    return [int(each) for each in np.random.SeedSequence([seed, 1]).generate_state(count, np.uint32) >> 1]


def next_repeat(trials: Sequence[Trial], *, seed: int, repeats: int) -> tuple[int, int] | None:
    """Return which trial is to be repeated next, and with which seed; None if all is done.

    Seed by seed, so that whatever time is left has trained all finalists with the same ones; one seed where seeds change nothing.
    """
    begun = {(trial.repeats, trial.seed) for trial in trials}
    errors = {trial.number: trial.val_mae for trial in trials}
    seeded = [trial.val_mae != errors[trial.repeats] for trial in trials if trial.repeats is not None and trial.state == "complete"]
    count = repeats if any(seeded) or not seeded else min(repeats, 1)
    wanted = ((number, other) for other in other_seeds(seed, count) for number in finalists(trials))
    return next((each for each in wanted if each not in begun), None)


def reserved_seconds(trials: Sequence[Trial], *, repeats: int, minutes: float) -> float:
    """Return how much of a tuning's time the finalists of now are going to need, half of it at most."""
    seconds = {trial.number: trial.train_seconds for trial in trials}
    needed = repeats * sum(seconds[number] for number in finalists(trials))
    return min(needed, _SHARE * 60 * minutes)


def judged(trials: Sequence[Trial]) -> list[Finalist]:
    """Return the finalists by their mean error with the other seeds, best first; [] if no two of them share a seed.

    Whoever has fewest of its repeats, as they failed or time ran out, is left out until the others share a seed; the recipe as it
    is goes last, since the others are to be compared with it.
    """
    by: dict[int, dict[int, Trial]] = {}
    for trial in trials:
        if trial.repeats is not None and trial.seed is not None and trial.state == "complete":
            by.setdefault(trial.repeats, {})[trial.seed] = trial
    while len(by) > 1:
        if shared := sorted(set.intersection(*(set(repeated) for repeated in by.values()))):
            found = [_finalist(number, [repeated[seed] for seed in shared]) for number, repeated in by.items()]
            return sorted(found, key=lambda each: (each.val_mae, each.number))
        del by[min(by, key=lambda number: (number == 0, len(by[number])))]
    return []


def _finalist(number: int, repeated: list[Trial]) -> Finalist:
    errors = {trial.seed: trial.val_mae for trial in repeated if trial.seed is not None and trial.val_mae is not None}
    days = [trial.daily for trial in repeated]
    daily = np.mean(days, axis=0).tolist() if all(days) else []
    return Finalist(number=number, val_mae=float(np.mean(list(errors.values()))), errors=errors, daily=daily)


def compared(found: Sequence[Finalist]) -> Gain:
    """Say whether the best finalist is better than the recipe as it was: the paired difference over the same days and seeds.

    The best of several is compared, so that the interval holds for all of them together (Bonferroni); and it counts as better
    only if it is so with every seed.
    """
    before = next((each for each in found if each.number == 0), None)
    if before is None:
        return Gain(verdict="unknown")
    after = found[0]
    if after is before:
        return Gain(verdict="tie", difference=0.0)
    try:
        means = means_of((np.array(after.daily) - np.array(before.daily))[:, None])
    except NotEnoughData:
        return Gain(verdict="unknown", difference=after.val_mae - before.val_mae)
    estimate = means.estimates(1 - (1 - LEVEL) / (len(found) - 1))[0]
    every_seed = all(after.errors[seed] < error for seed, error in before.errors.items())
    better = estimate.high < 0 and every_seed
    return Gain(verdict="better" if better else "tie", difference=estimate.value, low=estimate.low, high=estimate.high)
