"""The search itself, by Optuna, as pure functions of the trials so far; where they are kept is not known here.

A study is rebuilt from the trials whenever one is asked for, so that any number of workers may ask, die and
come back. Sampling: TPE (Bergstra et al., Algorithms for Hyper-Parameter Optimization, NeurIPS 2011), which
counts trials that others are busy with as bad ones, so that workers keep apart (`constant_liar`,
https://optuna.readthedocs.io/en/stable/reference/samplers/generated/optuna.samplers.TPESampler.html).
Cutting off: asynchronous successive halving (Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020): after
2, 6, 18, ... epochs a trial goes on if it is in the best third of all that came so far. Of so few epochs a median would keep half.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsflow.architectures.space import Distribution, encoded
from tsflow.records.tuning import Trial, Values

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

log = logging.getLogger(__name__)

Space = Mapping[str, Distribution]

_RANDOM_TRIALS = 6  # before the sampler learns; budgets of minutes give few trials
_FIRST_RUNG = 2  # epochs; of one, luck with the first weights decides
_RUNG_FACTOR = 3
_TRIALS_BEFORE_IMPORTANCE = 6
_DRAWS = 64  # for a recipe that was not tried yet
_DIGITS = 4  # of a number drawn without a step; more only look exact


def ordered(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials best first: complete, pruned, running, failed; each by the validation MAE reached."""
    states = ("complete", "pruned", "running", "failed")
    return sorted(trials, key=lambda t: (states.index(t.state), np.inf if t.reached is None else t.reached, t.number))


def best(trials: Sequence[Trial]) -> Trial | None:
    """Return the complete trial with the least validation MAE, the first of equals; None if none is complete."""
    complete = [trial for trial in trials if trial.state == "complete"]
    return ordered(complete)[0] if complete else None


def propose(space: Space, trials: Sequence[Trial], *, own: Values, seed: int, number: int) -> Values | None:
    """Return values for trial `number` that no trial had so far; None if the space seems to hold no others.

    The same arguments give the same values. `own` is what the recipe itself says under the space's keys.
    """
    tried = {encoded({**own, **trial.values}) for trial in trials}
    distributions = {key: _distribution(distribution) for key, distribution in space.items()}
    for draw in range(_DRAWS):
        study = _study(space, trials, own=own, seed=[seed, number, draw])
        asked = study.ask(distributions).params
        values = {key: _plain(space[key], value) for key, value in asked.items()}
        if encoded(values) not in tried:
            return values
    return None


def is_hopeless(curve: Sequence[float], trials: Sequence[Trial]) -> bool:
    """Tell whether a trial with this curve is not in the best third of those that have had as many epochs, at a rung's end."""
    epochs, rung = len(curve), _FIRST_RUNG
    while rung < epochs:
        rung *= _RUNG_FACTOR
    if rung != epochs:
        return False
    others = [min(trial.curve[:epochs]) for trial in trials if trial.state in ("complete", "pruned") and len(trial.curve) >= epochs]
    going_on = max(1, (len(others) + 1) // _RUNG_FACTOR)
    return sum(other < min(curve) for other in others) >= going_on


def importances(space: Space, trials: Sequence[Trial], *, own: Values) -> dict[str, float]:
    """Return each key's share of what makes complete trials differ, greatest first; {} while there are too few.

    By fANOVA (Hutter et al., An Efficient Approach for Assessing Hyperparameter Importance, ICML 2014).
    """
    import optuna

    study = _study(space, [trial for trial in trials if trial.state == "complete"], own=own, seed=[0])
    if len(study.trials) < _TRIALS_BEFORE_IMPORTANCE or len({trial.value for trial in study.trials}) == 1:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    try:
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))
    except RuntimeError as error:  # fANOVA: its trees see no variance at all
        log.info("no importances: %s", error)
        return {}


def _empty_study(seed: list[int] | None) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    drawn = None if seed is None else int(np.random.SeedSequence(seed).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of multivariate and constant_liar
        sampler = optuna.samplers.TPESampler(seed=drawn, n_startup_trials=_RANDOM_TRIALS, multivariate=True, constant_liar=True)
    return optuna.create_study(direction="minimize", sampler=sampler)


def _study(space: Space, trials: Sequence[Trial], *, own: Values, seed: list[int]) -> optuna.Study:
    """Return a study in memory that knows the trials, but for failed ones and those outside the space."""
    import optuna

    study = _empty_study(seed)
    distributions = {key: _distribution(distribution) for key, distribution in space.items()}
    states = {name: optuna.trial.TrialState[name.upper()] for name in ("running", "complete", "pruned")}
    for trial in trials:
        values = {**own, **trial.values}
        if trial.state == "failed" or not all(space[key].holds(value) for key, value in values.items()):
            continue  # the recipe as it is may lie outside its own space
        study.add_trial(
            optuna.create_trial(
                state=states[trial.state],
                value=trial.val_mae,
                params={key: _told(space[key], value) for key, value in values.items()},
                distributions=distributions,
                intermediate_values=_steps(trial.curve),
            )
        )
    return study


def _distribution(distribution: Distribution) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if distribution.choices is not None or distribution.low is None or distribution.high is None:
        return CategoricalDistribution([encoded(choice) for choice in distribution.choices or []])  # Optuna takes no lists
    if distribution.whole:
        low, high = int(distribution.low), int(distribution.high)
        return IntDistribution(low, high, log=distribution.log, step=int(distribution.step or 1))
    return FloatDistribution(distribution.low, distribution.high, log=distribution.log, step=distribution.step)


def _told(distribution: Distribution, value: Any) -> Any:
    return encoded(value) if distribution.choices is not None else value


def _plain(distribution: Distribution, value: Any) -> Any:
    """Return a drawn value as it stands in a recipe: choices decoded, numbers with few digits."""
    if distribution.choices is not None:
        return json.loads(value)
    if distribution.low is None or distribution.high is None or distribution.whole:
        return value
    return min(max(float(f"{value:.{_DIGITS}g}"), float(distribution.low)), float(distribution.high))


def _steps(curve: Sequence[float]) -> dict[int, float]:
    """Return a curve by epoch, from 1 on."""
    return dict(enumerate(curve, 1))
