"""Who rests in the daily retraining, from boards in a real store to the next board."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tsflow.architectures.registry import load_architecture
from tsflow.evaluation.boards import BOARDS
from tsflow.evaluation.resting import Judgement, judgements, resting
from tsflow.limits import RestSettings
from tsflow.names import Verdict
from tsflow.pages.answers import environment
from tsflow.pages.board import board_view
from tsflow.records.leaderboard import Entrant, Leaderboard
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.settings import override
from workflow import build, ingest, rank, train

NOW = datetime(2026, 10, 1)
REST = RestSettings()
NAMES = ["naive", "climatology", "autoregression_direct"]


@pytest.fixture
def first(records: Records) -> Leaderboard:
    """A real board, of which the others are made."""
    ingest(records, history_days=150)
    built = build(records, "r0", profile="quick", architectures=NAMES, as_of="2026-08-20")  # too long ago to count
    for name in built.entrants:
        train(records, "r0", name)
    return rank(records, "r0")


def board(first: Leaderboard, day: int, **verdicts: Verdict) -> Leaderboard:
    """A board of so many days ago; who has no verdict was not trained then."""
    lines = [line.changed(verdict=verdicts[line.architecture]) for line in first.entrants if line.architecture in verdicts]
    return first.changed(as_of=NOW - timedelta(days=day), run=f"day{day}", entrants=lines, challenger=lines[0].architecture)


def store(records: Records, boards: list[Leaderboard], **recipes: dict[str, object]) -> None:
    run = records.read(Run, run="r0")
    run = run.changed(recipes={**run.recipes, **recipes})
    for each in boards:
        records.first(run.changed(run=each.run))
        BOARDS.enter(records, records.fetch(Leaderboard, records.append(each.changed(number=0))))


RECIPE = load_architecture("climatology")


def said(days: Iterable[int], verdict: Verdict = "worse") -> list[Judgement]:
    return [Judgement(NOW - timedelta(days=day), "climatology", verdict, RECIPE.identity()) for day in days]


def rested(found: list[Judgement], rest: RestSettings = REST) -> dict[str, str]:
    return resting(found, {"climatology": RECIPE}, rest, NOW)


def test_three_weeks_of_surely_worse_bring_rest_until_a_week_has_passed():
    daily = rested(said(range(1, 23)))["climatology"]
    assert daily.startswith("rests: surely worse than the challenger on each of 22 boards since 2026-09-09")
    assert "trained again on 2026-10-07" in daily
    assert rested(said(range(1, 21))) == {}, "twenty days"
    assert rested(said([7, 14, 21, 28])) == {}, "a week has passed"
    assert "4 boards" in rested(said([6, 13, 20, 27]))["climatology"]


@pytest.mark.parametrize("verdict", ["tie", "better", "unknown"])
def test_one_board_that_does_not_call_it_worse_wakes_it(verdict: Verdict):
    assert rested([*said(range(1, 23)), *said([6], verdict)]) == {}


def test_two_boards_are_not_enough_and_a_setting_lets_nobody_rest():
    assert rested(said([1, 22])) == {}
    assert rested(said(range(1, 23)), RestSettings(after_days=None)) == {}
    assert "2026-10-03" in rested(said(range(1, 23)), RestSettings(train_every_days=3))["climatology"]


def test_what_was_said_of_another_recipe_does_not_count():
    before = [replace(each, recipe={**each.recipe, "day_harmonics": 2}) for each in said(range(2, 23))]
    assert rested([*before, *said([1])]) == {}


def test_who_rests_is_on_the_board_and_not_among_the_tasks(records: Records, first: Leaderboard, home: Path):
    store(records, [board(first, day, naive="worse", climatology="worse", autoregression_direct="worse") for day in range(1, 23)])
    asked = build(records, "by_hand", profile="quick", architectures=NAMES)
    assert asked.entrants == NAMES
    override(["profiles.quick.favourite=autoregression_direct"])
    run = build(records, "daily", profile="quick", architectures=NAMES, rest=True)
    assert run.entrants == ["naive", "autoregression_direct"], "never at rest: naive and the favourite"
    for name in run.entrants:
        train(records, "daily", name)
    found = rank(records, "daily")
    line = found.entrant("climatology")
    assert (line.status, line.rank) == ("rested", None)
    assert line.title == first.entrant("climatology").title
    assert line.reason == run.rested["climatology"]
    assert rank(records, "daily").entrant("climatology").status == "rested", "ranked again"


def test_an_edited_recipe_is_tried_at_once_and_damaged_boards_say_nothing(records: Records, first: Leaderboard, home: Path):
    store(records, [board(first, day, climatology="worse") for day in range(1, 23)])
    path = home / "include" / "architectures" / "climatology.yaml"
    before = path.read_text()
    path.write_text(yaml.safe_dump({**yaml.safe_load(before), "day_harmonics": 2}))
    assert build(records, "edited", profile="quick", architectures=NAMES, rest=True).rested == {}
    path.write_text(before)
    assert set(build(records, "same", profile="quick", architectures=NAMES, rest=True).rested) == {"climatology"}
    (key,) = records.objects.keys("runs/day22/leaderboard/001/leaderboard.json")
    records.objects.delete([key])
    assert build(records, "gone", profile="quick", architectures=NAMES, rest=True).rested == {}, "twenty days are left"


def test_a_recipe_of_a_family_that_is_gone_silences_itself_and_not_its_board(records: Records, first: Leaderboard):
    gone = {"architecture": "autoregression_direct", "title": "Gone", "builder": "gone"}
    boards = [board(first, day, climatology="worse", autoregression_direct="worse") for day in range(1, 23)]
    store(records, boards, autoregression_direct=gone)
    found = judgements(records, "demo", "main", REST, NOW, profile="quick", split="recent")
    assert [each.architecture for each in found] == 22 * ["climatology"]


def test_boards_of_another_profile_or_split_do_not_count_and_many_a_day_do(records: Records, first: Leaderboard):
    def judged(**cut: str) -> int:
        asked = {"profile": "quick", "split": "recent", **cut}
        return len(judgements(records, "demo", "main", REST, NOW, **asked))

    many = [board(first, day, climatology="worse").changed(run=f"day{day}-{n}") for day in range(1, 23) for n in range(3)]
    store(records, many)
    assert judged() == 66
    assert (judged(profile="full"), judged(split="book")) == (0, 0)


def test_a_page_does_not_lead_from_who_rests_to_nowhere(records: Records, first: Leaderboard):
    line = Entrant(architecture="lstm", title="LSTM", status="rested", reason="rests: until then")
    shown = first.changed(run="r0", entrants=[*first.entrants, line], number=0)
    records.append(shown)
    page = environment().get_template("board_body.html.j2").render(view=board_view(records, "r0"), standalone=False)
    assert "rests: until then" in page
    assert "architecture=lstm" not in page
