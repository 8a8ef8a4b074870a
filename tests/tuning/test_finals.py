"""Which trials are trained again, in which order, and what is made of it."""

import numpy as np
import pytest

from tsflow.architectures.seeds import member_seeds
from tsflow.names import JUDGED_DAYS
from tsflow.records.tuning import Trial
from tsflow.tuning.finals import compared, finalists, judged, next_repeat, other_seeds, reserved_seconds, searched, standing

ERRORS = {0: 2.2, 1: 1.9, 2: 2.0, 3: 2.5, 4: 2.1}  # by trial, of the search
OTHERS = other_seeds(7, 2)


def trial(number: int, error: float | None, *, repeats: int | None = None, seed: int | None = None, days: int = 60) -> Trial:
    state = "failed" if error is None else "complete"
    daily: list[float] = []
    if repeats is not None and error is not None and days >= JUDGED_DAYS:
        noise = np.random.default_rng([repeats, days]).normal(size=days)
        daily = (error + 0.1 * (noise - noise.mean())).tolist()
    told = {"repeats": repeats, "seed": seed, "train_seconds": 10.0, "daily": daily}
    return Trial(number=number, values={"units": number}, worker="w", state=state, val_mae=error, **told)


def searched_trials() -> list[Trial]:
    return [trial(number, error) for number, error in ERRORS.items()]


def repeated(errors: dict[int, float | None], seeds: list[int] = OTHERS, days: int = 60) -> list[Trial]:
    """All trials, of which some were trained again; None: that failed."""
    found = searched_trials()
    for seed in seeds:
        for number, error in errors.items():
            found.append(trial(len(found), error, repeats=number, seed=seed, days=days))
    return found


def test_the_three_best_and_the_recipe_as_it_is_are_compared_the_best_and_it_first():
    assert finalists(searched_trials()) == [1, 0, 2, 4]
    assert finalists(searched_trials()[:3]) == [1, 0, 2]
    assert finalists(searched_trials()[:1]) == [], "with whom?"
    assert finalists([trial(0, None), *searched_trials()[1:]]) == [1, 2, 4], "what failed is not compared"


def test_all_are_trained_with_one_seed_before_the_next():
    trials, asked = searched_trials(), []
    while (wanted := next_repeat(trials, seed=7, repeats=2)) is not None:
        asked.append(wanted)
        number, seed = wanted
        trials.append(trial(len(trials), 2.0, repeats=number, seed=seed))
    assert asked == [(number, seed) for seed in OTHERS for number in (1, 0, 2, 4)]
    assert len(searched(trials)) == 5
    assert not {*OTHERS} & {*member_seeds(7, 5)}, "a recipe of several seeds has drawn those"
    assert next_repeat(searched_trials(), seed=7, repeats=0) is None


def test_time_is_kept_for_it_but_never_more_than_half():
    assert reserved_seconds(searched_trials(), repeats=2, minutes=60) == 2 * 4 * 10
    assert reserved_seconds(searched_trials(), repeats=2, minutes=2) == 60
    assert reserved_seconds(searched_trials()[:1], repeats=2, minutes=60) == 0


def test_who_led_by_luck_does_not_win():
    found = judged(repeated({1: 2.4, 0: 2.2, 2: 2.0, 4: 2.3}))
    assert [each.number for each in found] == [2, 0, 4, 1]
    assert found[0].val_mae == pytest.approx(2.0)
    assert list(found[0].errors) == sorted(OTHERS)


def test_one_seed_is_enough_where_seeds_change_nothing():
    trials = searched_trials()
    while (wanted := next_repeat(trials, seed=7, repeats=2)) is not None:
        number, seed = wanted
        trials.append(trial(len(trials), ERRORS[number], repeats=number, seed=seed))
    assert len(trials) == 5 + 4


def test_where_time_ran_out_those_with_a_seed_in_common_are_compared():
    trials = searched_trials()
    trials += [trial(5, 2.1, repeats=1, seed=OTHERS[0]), trial(6, 2.0, repeats=0, seed=OTHERS[0])]
    assert [each.number for each in judged(trials)] == [0, 1]
    assert judged(trials[:-1]) == [], "with whom?"
    assert judged(searched_trials()) == []


def test_who_failed_with_every_other_seed_is_not_named_and_a_seed_that_some_lack_does_not_count():
    assert [each.number for each in judged(repeated({1: None, 0: 2.2, 2: 2.0, 4: 2.3}))] == [2, 0, 4]
    late = [*repeated({1: 2.4, 0: 2.2, 2: 2.1, 4: 2.3}), trial(13, 1.5)]
    assert [each.number for each in judged(late)] == [2, 0, 4, 1], "the newcomer has no repeat"
    trials = [*repeated({1: 2.0, 0: 2.2, 2: 2.1, 4: 2.3}, OTHERS[:1]), trial(9, None, repeats=1, seed=OTHERS[1])]
    assert [list(each.errors) for each in judged(trials)] == [OTHERS[:1]] * 4


@pytest.mark.parametrize(
    ("before", "after", "days", "verdict", "told"),
    [
        (2.2, 1.9, 60, "better", "Better than the recipe as it is, on these days: by 0.300 degC, 95 % interval "),
        (2.2, 2.199, 60, "tie", "Not clearly better than the recipe as it is, on these days: by 0.001 degC"),
        (2.2, 1.9, 40, "unknown", "The error changed by -0.300 degC; there is not enough data to say how sure that is."),
    ],
)
def test_the_gain_is_the_paired_difference_of_days(before: float, after: float, days: int, verdict: str, told: str):
    gain = compared(judged(repeated({1: after, 0: before, 2: 3.0, 4: 3.0}, days=days)))
    assert gain.verdict == verdict
    assert gain.difference == pytest.approx(after - before)
    assert gain.told("degC").startswith(told)


def test_it_is_better_only_if_it_is_with_every_seed():
    trials = searched_trials()
    for seed, errors in zip(OTHERS, ({1: 1.5, 0: 2.2}, {1: 2.3, 0: 2.2}), strict=True):
        trials += [
            trial(len(trials) + place, error, repeats=number, seed=seed) for place, (number, error) in enumerate(errors.items())
        ]
    gain = compared(judged(trials))
    assert gain.high is not None
    assert gain.high < 0
    assert gain.verdict == "tie"


def test_without_a_gain_that_is_said():
    assert (
        compared(judged(repeated({1: 2.0, 0: 1.8, 2: 2.1, 4: 2.3}))).told("degC") == "Nothing is better than the recipe as it is."
    )
    gain = compared(judged(repeated({1: 2.0, 0: None, 2: 2.1, 4: 2.3})))
    assert gain.told("degC") == "The recipe as it is has no result to compare with."


def test_a_recipe_whose_repeats_all_failed_is_not_named():
    assert [each.number for each in standing(searched_trials())] == [*ERRORS], "nobody was asked again"
    assert [each.number for each in standing(repeated({1: None, 0: 2.2}))] == [0, 2, 3, 4]
    once = [*repeated({1: None}, OTHERS[:1]), trial(9, 1.9, repeats=1, seed=OTHERS[1])]
    assert [each.number for each in standing(once)] == [*ERRORS], "one seed of two made it"
