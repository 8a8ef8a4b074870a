"""The search against functions whose best place is known; pruning against a slow median."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tsflow.architectures.space import Distribution
from tsflow.tuning.search import Trial, best, importances, is_hopeless, ordered, propose

SPACE = {
    "rate": Distribution(low=1e-4, high=1e-1, log=True),
    "dropout": Distribution(low=0.0, high=0.5, step=0.1),
    "patience": Distribution(low=2, high=6),
    "units": Distribution(choices=[[8], [16], [32, 32]]),
    "hours": Distribution(choices=[None, 24]),
}
OWN = {"rate": 1e-3, "dropout": 0.0, "patience": 3, "units": [16], "hours": None}


def complete(number: int, values: dict[str, Any], val_mae: float, curve: list[float] | None = None) -> Trial:
    return Trial(number=number, values=values, worker="w", state="complete", val_mae=val_mae, curve=curve or [val_mae])


def search(error: Callable[[dict[str, Any]], float], trials: int, *, seed: int = 1) -> list[Trial]:
    found = [complete(0, {}, error(OWN))]
    for number in range(1, trials):
        values = propose(SPACE, found, own=OWN, seed=seed, number=number)
        assert values is not None
        found.append(complete(number, values, error(values)))
    return found


def far_from_best(values: dict[str, Any]) -> float:
    """0 at rate 0.02, units [32, 32]; nothing else matters."""
    return abs(math.log10(values["rate"] / 0.02)) + (0 if values["units"] == [32, 32] else 0.5)


def test_values_lie_in_the_space_and_are_of_the_recipes_kinds():
    for trial in search(far_from_best, 25)[1:]:
        values = trial.values
        assert set(values) == set(SPACE)
        assert 1e-4 <= values["rate"] <= 1e-1
        assert values["dropout"] in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
        assert values["patience"] in range(2, 7)
        assert type(values["patience"]) is int
        assert values["units"] in ([8], [16], [32, 32])
        assert values["hours"] in (None, 24)


def test_the_search_learns_where_the_best_place_is():
    random = np.random.default_rng(0)
    blind = [
        far_from_best({"rate": 10 ** random.uniform(-4, -1), "units": SPACE["units"].examples[random.integers(3)]})
        for _ in range(10_000)
    ]
    searches = [search(far_from_best, 40, seed=seed) for seed in range(3)]
    late = [trial.val_mae for trials in searches for trial in trials[-15:]]
    assert np.mean(late) < 0.75 * np.mean(blind)
    for trials in searches:
        found = best(trials)
        assert found is not None
        assert found.values["units"] == [32, 32]
        assert found.values["rate"] == pytest.approx(0.02, rel=0.3)


def test_the_same_trials_and_seed_give_the_same_values():
    trials = search(far_from_best, 12)
    again = [propose(SPACE, trials[:number], own=OWN, seed=1, number=number) for number in range(1, 12)]
    assert again == [trial.values for trial in trials[1:]]
    other = propose(SPACE, trials, own=OWN, seed=2, number=12)
    assert other != propose(SPACE, trials, own=OWN, seed=1, number=12)


def test_workers_that_ask_at_once_keep_apart():
    trials = search(far_from_best, 12)
    for number in range(12, 16):
        values = propose(SPACE, trials, own=OWN, seed=1, number=number)
        assert values is not None
        assert values not in [trial.values for trial in trials]
        trials.append(Trial(number=number, values=values, worker="w"))


def test_nothing_is_tried_twice_and_a_space_comes_to_its_end():
    space = {"units": Distribution(choices=[[8], [16]]), "hours": Distribution(choices=[None, 24])}
    own = {"units": [16], "hours": None}
    trials = [complete(0, {}, 1.0)]
    while (values := propose(space, trials, own=own, seed=3, number=len(trials))) is not None:
        trials.append(complete(len(trials), values, 1.0))
    assert len(trials) == 4
    assert own not in [trial.values for trial in trials[1:]]


def test_a_recipe_outside_its_own_space_and_a_failed_trial_do_not_disturb_the_search():
    own = {**OWN, "rate": 0.5}
    failed = Trial(number=1, values=OWN, worker="w", state="failed", reason="TrainingError: not finite")
    values = propose(SPACE, [complete(0, {}, 1.0), failed], own=own, seed=1, number=2)
    assert values is not None
    assert 1e-4 <= values["rate"] <= 1e-1


def test_after_2_and_6_epochs_the_best_third_of_all_that_came_so_far_goes_on():
    random = np.random.default_rng(5)
    curves = random.uniform(1, 3, size=(8, 7))
    trials = [complete(number, {}, curve.min(), list(curve)) for number, curve in enumerate(curves[:5])]
    trials += [Trial(number=5 + n, values={}, worker="w", state="pruned", curve=list(curve)) for n, curve in enumerate(curves[5:])]
    trials.append(Trial(number=8, values={}, worker="w", state="failed", curve=[0.1] * 7))
    for curve in random.uniform(1, 3, size=(40, 7)):
        for epochs in range(1, 8):
            ahead = sum(other[:epochs].min() < curve[:epochs].min() for other in curves)
            assert is_hopeless(list(curve[:epochs]), trials) == (epochs in (2, 6) and ahead >= 3)


def test_the_first_and_whoever_leads_go_on():
    bad, good = [9.0, 9.0], [1.0, 1.0]
    assert not is_hopeless(bad, [])
    assert not is_hopeless(good, [complete(0, {}, 2.0, [2.0, 2.0])])
    assert is_hopeless(bad, [complete(0, {}, 2.0, [2.0, 2.0])])
    assert not is_hopeless(bad[:1], [complete(0, {}, 2.0, [2.0, 2.0])]), "of one epoch nobody knows"
    assert not is_hopeless(bad, [complete(0, {}, 0.5, [0.5])]), "nobody has had two epochs"


def test_importance_goes_to_the_key_that_matters():
    shares = importances(SPACE, search(lambda values: values["dropout"], 30), own=OWN)
    assert set(shares) == set(SPACE)
    assert shares["dropout"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)


def test_importance_of_few_or_equal_trials_is_not_told():
    assert importances(SPACE, search(far_from_best, 4), own=OWN) == {}
    assert importances(SPACE, search(lambda values: 1.0, 12), own=OWN) == {}


def test_trials_are_ordered_by_how_they_ended_and_then_by_error():
    trials = [
        Trial(number=0, values={}, worker="w", state="failed", reason="no"),
        Trial(number=1, values={}, worker="w"),
        Trial(number=2, values={}, worker="w", state="pruned", reason="late", curve=[0.5, 0.4]),
        complete(3, {}, 2.0),
        complete(4, {}, 1.0),
        complete(5, {}, 1.0),
    ]
    assert [trial.number for trial in ordered(trials)] == [4, 5, 3, 2, 1, 0]
    chosen = best(trials)
    assert chosen is not None
    assert chosen.number == 4
    assert best(trials[:3]) is None
