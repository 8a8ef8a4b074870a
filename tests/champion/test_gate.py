"""The gate on simulated pairs of recipes: clear wins go out, ties do not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tsflow.champion.gate import Contest, challenger_of, choose, conditions
from tsflow.limits import GateSettings
from tsflow.records.dataset import PartFacts, Parts
from tsflow.records.decision import Decision, Reigning
from tsflow.records.leaderboard import Entrant, Leaderboard

DAYS = {"validation": 60, "test": 60}
REIGNING = Reigning(version="v1", sequence=1, entrant="old")
PART = PartFacts(rows=1440, windows=1440, first=None, last=None)


def weather(random: np.random.Generator, hours: int, persistence: float = 0.97) -> np.ndarray:
    """Errors as forecasts of neighbouring hours have them."""
    noise = random.normal(size=hours) * np.sqrt(1 - persistence**2)
    found = np.empty(hours)
    found[0] = random.normal()
    for hour in range(1, hours):
        found[hour] = persistence * found[hour - 1] + noise[hour]
    return found


def pair(seed: int, gain: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors of two recipes that correlate by 0.97, as ridge's and LightGBM's do, the first better by a share; and of naive."""
    random, hours = np.random.default_rng(seed), 24 * sum(DAYS.values())
    shared, first, second, third = (weather(random, hours) for _ in range(4))
    own = np.sqrt(1 - 0.97)
    errors = [2.5 * (np.sqrt(0.97) * shared + own * part) for part in (first, second)]
    return errors[0] * (1 - gain), errors[1], 2.5 * 1.3 * (np.sqrt(0.6) * shared + np.sqrt(0.4) * third)


def contest(errors: dict[str, np.ndarray]) -> Contest:
    hours = len(next(iter(errors.values())))
    origins = pd.date_range("2026-01-01", periods=hours, freq="h").to_numpy()
    return Contest(errors, origins, origins + np.timedelta64(24, "h"), 24)


def board(errors: dict[str, np.ndarray], **changes: object) -> Leaderboard:
    """The board of a contest: the challenger is the best on the validation part."""
    validation = 24 * DAYS["validation"]
    own = {name: found for name, found in errors.items() if name != "naive"}
    best = min(own, key=lambda name: float(np.abs(own[name][:validation]).mean()))
    return Leaderboard(
        **{
            "run": "r",
            "station": "s",
            "split": "recent",
            "profile": "quick",
            "seed": 1,
            "fingerprint": "f",
            "as_of": "2026-05-01",
            "created_at": "2026-05-01",
            "horizon_hours": 24,
            "target": "T",
            "unit": "degC",
            "parts": Parts(train=PART, validation=PART, test=PART),
            "naive": {},
            "challenger": best,
            "entrants": [Entrant(architecture=name, title=name, status="ok") for name in own],
            **changes,
        }
    )


def decided(errors: dict[str, np.ndarray]) -> tuple[str, str]:
    verdict, outgoing, _ = choose(board(errors), contest(errors), REIGNING, GateSettings())
    return verdict, outgoing


def share_of_changes(gain: float, seeds: range) -> float:
    changed = 0
    for seed in seeds:
        new, old, naive = pair(seed, gain)
        changed += decided({"new": new, "old": old, "naive": naive}) == ("change", "new")
    return changed / len(seeds)


def test_of_two_hundred_pairs_clear_wins_go_out_and_ties_do_not():
    assert share_of_changes(0.1, range(200)) >= 0.95
    assert share_of_changes(0.0, range(200)) <= 0.05


def test_the_champions_recipe_stays_with_newer_data_if_nobody_is_surely_better():
    new, old, naive = pair(3, 0.0)
    assert decided({"new": new, "old": old, "naive": naive}) == ("refresh", "old")


def test_a_gain_bought_by_one_season_is_refused():
    new, old, naive = pair(1, 0.3)
    targets = contest({"old": old}).targets
    spring = pd.DatetimeIndex(targets).month.isin([3, 4, 5])
    new[spring] = old[spring] * 1.3
    new[~spring] *= 0.3
    verdict, outgoing, checks = choose(
        board({"new": new, "old": old, "naive": naive}), contest({"new": new, "old": old, "naive": naive}), REIGNING, GateSettings()
    )
    assert (verdict, outgoing) == ("refresh", "old")
    (failed,) = [check for check in checks if not check.passed]
    assert failed.rule == "nowhere much worse"
    assert "spring: error +30.0 %" in failed.found


def test_a_champion_that_is_worse_than_naive_is_not_refreshed():
    new, old, naive = pair(1, 0.0)
    verdict, _, checks = choose(board({"old": naive}), contest({"old": naive, "naive": old * 0.8}), REIGNING, GateSettings())
    assert verdict == "refusal"
    assert "old against naive: error +" in checks[-1].found
    assert new is not old


def test_the_first_champion_must_beat_naive_or_is_naive_itself():
    new, _, naive = pair(2, 0.1)
    errors = {"new": new, "naive": naive}
    assert choose(board(errors), contest(errors), None, GateSettings())[:2] == ("first", "new")
    worse = {"new": naive * 1.5, "naive": naive}
    assert choose(board(worse), contest(worse), None, GateSettings())[0] == "refusal", "naive is scored, and no entrant"
    entrants = [Entrant(architecture=name, title=name, status="ok") for name in ("new", "naive")]
    assert choose(board(worse, entrants=entrants), contest(worse), None, GateSettings())[:2] == ("first", "naive")


def test_naive_that_stays_says_that_nothing_beats_it():
    new, _, naive = pair(2, 0.0)
    errors = {"new": naive + 0.02 * new, "naive": naive}
    reigning = REIGNING.changed(entrant="naive")
    verdict, outgoing, checks = choose(board(errors), contest(errors), reigning, GateSettings())
    assert (verdict, outgoing) == ("refresh", "naive")
    facts = {"run": "r", "number": 1, "station": "s", "created_at": "2026-05-01", "challenger": "new", "reigning": reigning}
    decision = Decision(verdict=verdict, outgoing=outgoing, checks=checks, **facts)
    assert decision.reason.startswith(
        "the champion's recipe naive stays, fitted anew, as no recipe is surely better than it: new against naive: error +"
    )


def test_a_champion_that_makes_no_error_is_no_measure_in_percent():
    new, _, naive = pair(2, 0.0)
    errors = {"new": new, "naive": 0 * naive}
    verdict, _, checks = choose(board(errors), contest(errors), None, GateSettings())
    assert verdict == "refusal"
    assert checks[0].found.startswith("new against naive: the latter makes no error, better with probability 0.00")


def first_champion(errors: dict[str, np.ndarray], favourite: str) -> str:
    """Who goes out first of a board, with a favourite."""
    found = contest(errors)
    challenger, told = challenger_of(board(errors), found, favourite, GateSettings())
    assert all(check.passed for check in told), "it is told, and decides nothing by itself"
    return choose(board(errors), found, None, GateSettings(), challenger=challenger)[1]


def test_of_recipes_that_are_as_good_the_favourite_goes_out_whoever_led_by_luck():
    leaders, first = set(), []
    for seed in range(100):
        new, favourite, naive = pair(seed, 0.0)
        errors = {"new": new, "favourite": favourite, "naive": naive}
        leaders.add(board(errors).challenger)
        first.append(first_champion(errors, "favourite"))
    assert leaders == {"new", "favourite"}
    assert first.count("favourite") >= 95


def test_a_recipe_that_is_surely_better_than_the_favourite_goes_out():
    clear = [pair(seed, 0.1) for seed in range(50)]
    first = [first_champion({"new": new, "old": old, "naive": naive}, "old") for new, old, naive in clear]
    assert first.count("new") >= 45


def test_without_a_result_of_the_favourite_the_best_challenges():
    new, old, naive = pair(1, 0.1)
    errors = {"new": new, "old": old, "naive": naive}
    for favourite in (None, "new", "mean_of_tables"):
        assert challenger_of(board(errors), contest(errors), favourite, GateSettings()) == ("new", [])


def test_the_best_of_many_on_validation_is_judged_by_test_alone():
    """Twenty recipes as good as each other, and as the champion's: whoever led on validation is seldom taken for better."""
    taken: dict[str | None, int] = {None: 0, "was picked on validation as the best of 20": 0}
    hours, days = 24 * 270, 180
    for seed in range(60, 120):
        random = np.random.default_rng(seed)
        shared = weather(random, hours)
        own = [2.5 * (np.sqrt(0.97) * shared + np.sqrt(0.03) * weather(random, hours)) for _ in range(21)]
        best = min(own[1:], key=lambda errors: np.abs(errors[: 24 * days]).mean())
        whole = contest({"new": best, "old": own[0], "naive": 2 * own[0]})
        judged = replace(whole, on_test=whole.of_rows(np.arange(hours) >= 24 * days))
        for picked in taken:
            verdict, _, checks = choose(board(whole.errors), judged, REIGNING, GateSettings(), challenger="new", picked=picked)
            taken[picked] += verdict == "change"
            if picked:
                assert checks[0].found.endswith("as the best of 20; so it is judged on the 90 days of test alone")
    as_given, fairly = taken.values()
    assert as_given >= 9, "held against the hours that chose it, it is often taken for better"
    assert fairly <= 6, "one in twenty is what a comparison of two given ones comes to"


def test_a_test_part_of_few_days_judges_nobody_alone():
    whole = contest(dict(zip(("new", "old", "naive"), pair(1, 0.1), strict=True)))
    gate = GateSettings()
    for days, fair in ((gate.days, True), (gate.days - 1, False)):
        rows = np.arange(len(whole.origins)) >= len(whole.origins) - 24 * days
        found = replace(whole, on_test=whole.of_rows(rows))
        assert (found.fair(gate) is found.on_test) == fair
        (told, *_) = choose(board(whole.errors), found, REIGNING, gate, challenger="new", picked="was tuned on it")[2]
        assert told.found.endswith(f"{days} days of test alone" if fair else "120 days of validation and test")


def test_a_favourite_does_not_take_the_place_of_a_champion_that_is_as_good():
    new, old, naive = pair(3, 0.0)
    errors = {"favourite": new, "old": old, "naive": naive}
    found = choose(board(errors), contest(errors), REIGNING, GateSettings(), challenger="favourite")
    assert found[:2] == ("refresh", "old")


@pytest.mark.parametrize(
    ("changes", "may_promote", "rule", "says"),
    [
        ({}, False, "profile", "profile quick may not promote"),
        (
            {"entrants": [Entrant(architecture="lstm", title="", status="failed", reason="killed", unfinished=True)]},
            True,
            "complete",
            "the board is incomplete: lstm left no result",
        ),
        (
            {"parts": Parts(train=PART, validation=PART.changed(windows=72), test=PART)},
            True,
            "enough data",
            "3 days of validation and 120 of validation and test; 7 and 28 are needed",
        ),
    ],
)
def test_conditions_are_told_with_their_figures(changes: dict, may_promote: bool, rule: str, says: str):
    new, old, naive = pair(1, 0.0)
    errors = {"new": new, "old": old, "naive": naive}
    checks = conditions(board(errors, **changes), contest(errors), GateSettings(), may_promote=may_promote)
    (failed,) = [check for check in checks if not check.passed]
    assert failed.rule == rule
    assert says in failed.found


def test_a_recipe_that_cannot_be_trained_any_more_keeps_its_place():
    new, old, naive = pair(1, 0.3)
    errors = {"new": new, "naive": naive}
    lost = Reigning(version="v1", sequence=1, entrant=None, problem="this tsflow has no family 'x'")
    verdict, _, checks = choose(board(errors), contest(errors), lost, GateSettings())
    assert verdict == "refusal"
    assert "cannot be trained here: this tsflow has no family 'x'" in checks[-1].found
    failed = Entrant(architecture="old", title="", status="failed", reason="TrainingError: loss is nan")
    verdict, _, checks = choose(board(errors, entrants=[failed]), contest(errors), REIGNING, GateSettings())
    assert verdict == "refusal"
    assert "old has no result: TrainingError: loss is nan" in checks[-1].found
    assert old is not new
