"""The gate: which recipe of a board is to be the champion's.

It decides on recipes, not on fits, and on identical origins: the champion's recipe is an entrant of the run, trained on the same
rows as its challenger, so that nobody is compared on data that he has learnt. Validation and test origins count together, but for
one whom validation picked among others, or whose settings were tuned there: he is judged by the test origins alone, as he is ahead
on the others by luck, too. From then on the honest figure is the error of the forecasts that the champion makes::

    who challenges    the profile's favourite, unless the best on validation is better than it
    no champion yet   the challenger, if it is better than naive; else naive itself
    a champion        the challenger, if it is better than the champion's recipe and than naive, and nowhere much worse: a change
                      else the champion's recipe with newer data, unless it is worse than naive: a refresh
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.limits import GateSettings
from tsflow.names import NAIVE
from tsflow.records.decision import Check, Reigning, Verdict
from tsflow.records.leaderboard import Leaderboard
from tsflow.uncertainty.bootstrap import Times, Values
from tsflow.uncertainty.superiority import Superiority, groups, superiority

_GROUP_DAYS = 14  # a season or a quarter of the day with fewer days of origins says nothing


@dataclass(frozen=True)
class Contest:
    """Errors of several recipes on the validation and test origins of one board, each shape [n], in order of time."""

    errors: Mapping[str, Values]  # forecast minus truth, by entrant; naive always
    origins: Times
    targets: Times
    horizon_hours: int
    on_test: "Contest | None" = None  # of the test origins alone

    @classmethod
    def of(cls, forecasts: Mapping[str, pd.DataFrame], naive: Values, *, horizon_hours: int) -> "Contest":
        """Make it of stored forecasts by entrant; `naive`: the target at the origins of validation, then test."""
        shown = {name: table[table["part"].isin(["validation", "test"])] for name, table in forecasts.items()}
        first = next(iter(shown.values()))
        truth = first["truth"].to_numpy(dtype=np.float64)
        errors = {name: (table["forecast"] - table["truth"]).to_numpy(dtype=np.float64) for name, table in shown.items()}
        whole = cls({NAIVE: naive - truth, **errors}, first["origin"].to_numpy(), first["target_time"].to_numpy(), horizon_hours)
        return replace(whole, on_test=whole.of_rows((first["part"] == "test").to_numpy()))

    def of_rows(self, rows: NDArray[np.bool_]) -> "Contest":
        """Return the errors of some origins."""
        errors = {name: found[rows] for name, found in self.errors.items()}
        return Contest(errors, self.origins[rows], self.targets[rows], self.horizon_hours)

    def fair(self, gate: GateSettings) -> "Contest":
        """Return what judges one whom validation picked: the test origins, if they are of enough days to compare anybody."""
        return self.on_test if self.on_test is not None and self.on_test.days() >= gate.days else self

    def days(self) -> int:
        """Return on how many days there are origins."""
        return len(np.unique(self.origins.astype("datetime64[D]")))

    def between(self, first: str, second: str) -> Superiority:
        """Compare two recipes."""
        return superiority(self.errors[first], self.errors[second], self.origins, horizon_hours=self.horizon_hours)

    def worst_group(self, first: str, second: str) -> tuple[str, float]:
        """Return where the first is worst against the second, and by which share of the second's error."""
        mine, other = np.abs(self.errors[first]), np.abs(self.errors[second])
        found = {}
        for name, inside in groups(self.targets).items():
            days = len(np.unique(self.origins[inside].astype("datetime64[D]")))
            if days >= _GROUP_DAYS and other[inside].sum() > 0:
                found[name] = float(mine[inside].sum() / other[inside].sum() - 1)
        if not found:
            return "all hours", float(mine.sum() / other.sum() - 1) if other.sum() else 0.0
        worst = max(found, key=lambda name: found[name])
        return worst, found[worst]


def conditions(board: Leaderboard, contest: Contest, gate: GateSettings, *, may_promote: bool) -> list[Check]:
    """Return the rules that every board must pass, whoever is to go out."""
    validation, days = board.parts.validation, contest.days()
    validation_days = validation.windows / 24
    unfinished = [entrant.architecture for entrant in board.entrants if entrant.unfinished]
    return [
        _check("profile", may_promote, f"profile {board.profile} may {'' if may_promote else 'not '}promote"),
        _check(
            "complete",
            not unfinished,
            "every expected entrant reported"
            if not unfinished
            else f"the board is incomplete: {', '.join(unfinished)} left no result; train them, and rank again",
        ),
        _check(
            "enough data",
            validation_days >= gate.validation_days and days >= gate.days,
            f"{validation_days:.0f} days of validation and {days} of validation and test; "
            f"{gate.validation_days} and {gate.days} are needed",
        ),
    ]


def challenger_of(board: Leaderboard, contest: Contest, favourite: str | None, gate: GateSettings) -> tuple[str, list[Check]]:
    """Return who challenges, and what was looked at: the profile's favourite, unless the board's best is surely better than it.

    The best of some months is the best by luck among recipes that are as good as each other.
    """
    best = board.challenger
    if favourite in (None, best) or favourite not in contest.errors:
        return best, []
    judge = contest.fair(gate)
    found = judge.between(best, favourite)
    ahead = found.better(gate.probability)
    told = f"{best} against {favourite}, the profile's favourite, on {_span(judge, contest)}: {_said(found, gate)}"
    taken = best if ahead else favourite
    return taken, [_check("challenger", True, f"{told}; so the gate takes {taken}")]


def _span(judge: Contest, contest: Contest) -> str:
    return f"the {judge.days()} days of {'validation and test' if judge is contest else 'test alone'}"


def choose(
    board: Leaderboard,
    contest: Contest,
    reigning: Reigning | None,
    gate: GateSettings,
    *,
    challenger: str | None = None,
    picked: str | None = None,
) -> tuple[Verdict, str, list[Check]]:
    """Return what is to be done with a board that fulfils the conditions, the entrant that goes out, and the rules applied.

    Parameters
    ----------
    challenger
        Who challenges; None: the board's best.
    picked
        Why validation flatters the challenger; None: it does not.
    """
    challenger = challenger or board.challenger
    judge = contest.fair(gate) if picked else contest
    told = [_check("judged on", True, f"{challenger} {picked}; so it is judged on {_span(judge, contest)}")] if picked else []
    if reigning is None:
        verdict, outgoing, checks = _first(board, judge, gate, challenger)
        return verdict, outgoing, [*told, *checks]
    if reigning.entrant is None:
        lost = _check("champion's recipe", False, f"the champion's recipe cannot be trained here: {reigning.problem}")
        return "refusal", challenger, [lost]
    if reigning.entrant not in contest.errors:
        reason = next((each.reason for each in board.entrants if each.architecture == reigning.entrant), "it is no entrant")
        lost = _check("champion's recipe", False, f"the champion's recipe {reigning.entrant} has no result: {reason}")
        return "refusal", challenger, [lost]
    checks = []
    if challenger != reigning.entrant:
        checks = [*told, *_duel(judge, challenger, reigning.entrant, gate)]
        if all(check.passed for check in checks):
            return "change", challenger, checks
    stays = _not_worse_than_naive(contest, reigning.entrant, gate)
    return ("refresh" if stays.passed else "refusal"), (reigning.entrant if stays.passed else challenger), [*checks, stays]


def _first(board: Leaderboard, contest: Contest, gate: GateSettings, challenger: str) -> tuple[Verdict, str, list[Check]]:
    checks = [_better_than_naive(contest, challenger, gate)]
    if checks[0].passed:
        return "first", challenger, checks
    if any(entrant.architecture == NAIVE and entrant.status == "ok" for entrant in board.entrants):
        return "first", NAIVE, checks
    return "refusal", challenger, checks


def _duel(contest: Contest, challenger: str, reigning: str, gate: GateSettings) -> list[Check]:
    found = contest.between(challenger, reigning)
    group, share = contest.worst_group(challenger, reigning)
    return [
        _check(
            "better than the champion's recipe",
            found.better(gate.probability),
            f"{challenger} against {reigning}: {_said(found, gate)}",
        ),
        _check(
            "nowhere much worse",
            share <= gate.group_worse,
            f"{challenger} against {reigning} where it is worst, {group}: error {100 * share:+.1f} %, at most "
            f"{100 * gate.group_worse:+g} %",
        ),
        _better_than_naive(contest, challenger, gate),
    ]


def _better_than_naive(contest: Contest, name: str, gate: GateSettings) -> Check:
    if name == NAIVE:
        return _check("better than naive", True, "naive is not compared with itself")
    found = contest.between(name, NAIVE)
    return _check("better than naive", found.better(gate.probability), f"{name} against naive: {_said(found, gate)}")


def _not_worse_than_naive(contest: Contest, name: str, gate: GateSettings) -> Check:
    if name == NAIVE:
        return _check("not worse than naive", True, "naive is not compared with itself")
    found = contest.between(name, NAIVE)
    return _check("not worse than naive", not found.worse(gate.probability), f"{name} against naive: {_said(found, gate)}")


def _said(found: Superiority, gate: GateSettings) -> str:
    error = f"error {100 * found.relative:+.1f} %" if found.relative is not None else "the latter makes no error"
    return (
        f"{error}, better with probability {found.probability:.2f} (limit {gate.probability:g}), "
        f"p {found.p_value:.3f} (limit {(1 - gate.probability) / 2:.3g})"
    )


def _check(rule: str, passed: bool, found: str) -> Check:  # reads as a sentence
    return Check(rule=rule, passed=passed, found=found)
