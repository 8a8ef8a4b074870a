"""The operator's case: a good champion reigns, and one run after another wants its place."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dying import Dying, Killed
from tsflow import steps
from tsflow.champion import actions
from tsflow.champion.history import History
from tsflow.champion.rules import Approval
from tsflow.client import load_champion
from tsflow.records.history import Entry
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.settings import override, settings
from tsflow.windows.dataset import Dataset
from workflow import AS_OF, build, decide, decision_reference, ingest, pointer_of, publish, rank, train

GOOD = ["climatology", "autoregression_direct", "naive"]


@pytest.fixture
def reigning(records: Records) -> Records:
    """A station whose champion is `autoregression_direct`, as of the first of October, published by the gate."""
    override(["gate.probability=0.6", "profiles.quick.history_days=150"])
    ingest(records, history_days=160)
    run(records, "first")
    published = publish(records, "first")
    assert published.outcome == "promoted"
    return records


def run(records: Records, name: str, **request: Any) -> Run:
    built = build(records, name, **{"profile": "quick", "architectures": GOOD, **request})
    for entrant in built.entrants:
        train(records, name, entrant)
    rank(records, name)
    return built


def newest(records: Records) -> Entry:
    return next(History(records, "demo").entries())


def test_the_champions_recipe_is_an_entrant_of_every_run_and_is_refreshed(reigning: Records):
    before = pointer_of(reigning)
    champion = load_champion("demo", reigning.objects).manifest.architecture
    ingest(reigning, "i2", as_of="2026-10-03", history_days=160)
    built = run(reigning, "second", as_of="2026-10-03", architectures=["climatology"])
    assert champion in built.entrants
    assert built.reigning.entrant == champion
    published = publish(reigning, "second")
    assert (published.outcome, published.architecture) == ("refreshed", champion)
    assert pointer_of(reigning).sequence == before.sequence + 1
    manifest = load_champion("demo", reigning.objects).manifest
    assert manifest.metrics.fit.last >= "2026-10-02", "it has learnt the newest rows"
    assert manifest.metrics.gate.verdict == "refresh"


def test_who_led_on_validation_or_was_tuned_there_is_judged_by_the_test_part(records: Records, home: Path):
    def judged_on(name: str) -> str:
        run(records, name, seed=len(name))
        return next((check.found for check in decide(records, name).checks if check.rule == "judged on"), "")

    override(["profiles.quick.history_days=150"])
    ingest(records, history_days=160)
    told = judged_on("picked")
    days = len(np.unique(origins_of_test(records, "picked").astype("datetime64[D]")))
    assert told == (
        f"autoregression_direct was picked on validation as the best of 2; so it is judged on the {days} days of test alone"
    )
    override(["profiles.quick.favourite=autoregression_direct"])
    assert judged_on("named") == "", "it was named before there were results"
    path = home / "include" / "architectures" / "autoregression_direct.yaml"
    for name, day in [("long ago", "2025-01-01"), ("where judged", validation_day(records, "named"))]:
        tuned = {**yaml.safe_load(path.read_text()), "tuned_on": [{"tuning": "t", "station": "demo", "first": day, "last": day}]}
        path.write_text(yaml.safe_dump(tuned))
        says = "autoregression_direct was tuned on hours of the validation part; so it is judged on"
        assert judged_on(name.replace(" ", "-")).startswith(says) == (name == "where judged")


def origins_of_test(records: Records, name: str) -> np.ndarray:
    dataset = Dataset.load(records, records.read(Run, run=name).fingerprint)
    return dataset.times[dataset.origins("test")]


def validation_day(records: Records, name: str) -> str:
    facts = Dataset.load(records, records.read(Run, run=name).fingerprint).parts().validation
    return f"{facts.first:%Y-%m-%d}"


def test_a_try_a_worse_challenger_and_a_run_that_comes_late_leave_the_champion_in_place(reigning: Records):
    before = pointer_of(reigning)
    run(reigning, "try", profile="smoke", architectures=["naive", "dense"])
    assert publish(reigning, "try").outcome == "refused"
    assert "profile smoke may not promote" in newest(reigning).reason
    run(reigning, "old", as_of="2026-09-20")
    assert publish(reigning, "old").outcome == "refused"
    assert "its data are as of 2026-09-20" in newest(reigning).reason
    assert pointer_of(reigning) == before
    assert "as of 2026-09-20" in next(check for check in newest(reigning).checks if check.rule == "no older").found


def test_a_board_without_all_its_entrants_publishes_nothing_new(reigning: Records, monkeypatch: pytest.MonkeyPatch):
    before = pointer_of(reigning)
    built = build(reigning, "oom", profile="quick", architectures=[*GOOD, "dense"], seed=2)

    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError("out of memory")

    for name in built.entrants:
        if name != "dense":
            train(reigning, "oom", name)
    monkeypatch.setattr("tsflow.training.once.train", no_memory)
    with pytest.raises(MemoryError):
        train(reigning, "oom", "dense")
    monkeypatch.undo()
    rank(reigning, "oom")
    assert publish(reigning, "oom").outcome == "refused"
    assert "the board is incomplete: dense left no result" in newest(reigning).reason
    assert pointer_of(reigning) == before


def test_a_model_that_forecasts_nan_or_nonsense_does_not_become_champion(reigning: Records, monkeypatch: pytest.MonkeyPatch):
    before = pointer_of(reigning)
    forecasts = {"nan": np.nan, "hot": 400.0}
    for number, (name, value) in enumerate(forecasts.items()):
        run(reigning, name, seed=10 + number)
        monkeypatch.setattr(
            "tsflow.client.champion.Champion.forecast_many", lambda self, contexts, value=value: np.full(len(contexts), value)
        )
        assert publish(reigning, name).outcome == "refused"
        monkeypatch.undo()
    reasons = [entry.reason for entry in History(reigning, "demo").entries()]
    assert "forecasts of the newest day and of" in reasons[0]
    assert "400.0 degC; allowed is -45 to 50" in reasons[0]
    assert "are not finite" in reasons[1]
    assert pointer_of(reigning) == before


def test_a_refused_model_may_be_promoted_by_a_person_and_the_board_is_not_decided_twice(reigning: Records):
    run(reigning, "try", profile="smoke", architectures=["naive", "dense"])
    refused = publish(reigning, "try")
    actions.promote(History(reigning, "demo"), refused.version, actor="ada", reason="I want to see it")
    assert pointer_of(reigning).version == refused.version
    assert publish(reigning, "try") == refused
    assert pointer_of(reigning).version == refused.version


def test_a_run_keeps_what_its_profile_said_when_it_began(reigning: Records):
    run(reigning, "pinned", seed=12)
    override(["profiles.quick.may_promote=false", "profiles.quick.refit=false"])
    settings.cache_clear()
    assert publish(reigning, "pinned").outcome == "refreshed"
    run(reigning, "later", seed=13)
    assert "profile quick may not promote" in publish(reigning, "later").reason


def test_a_pin_holds_against_a_run(reigning: Records):
    before = pointer_of(reigning)
    actions.pin(History(reigning, "demo"), actor="ada", reason="the fair")
    run(reigning, "pinned", seed=3)
    assert publish(reigning, "pinned").outcome == "refused"
    assert "the champion is pinned" in newest(reigning).reason
    assert pointer_of(reigning) == before


def test_a_station_may_ask_for_a_persons_approval(reigning: Records, home: Any):
    path = home / "include" / "stations" / "demo.yaml"
    path.write_text(path.read_text() + "approval: true\n")
    override(["gate.probability=0.6", "profiles.quick.history_days=150"])
    run(reigning, "asks", seed=4)
    asked = steps.question(reigning, decision_reference(reigning, "asks"))
    assert asked[0].startswith("Make ")
    refused = publish(reigning, "asks", approval=Approval(actor="ada", approved=False, reason="not on a Friday"))
    assert refused.outcome == "refused"
    assert refused.reason == "ada: not on a Friday"
    run(reigning, "again", seed=5)
    assert "asks for a person's approval" in publish(reigning, "again").reason
    run(reigning, "yes", seed=6)
    assert publish(reigning, "yes", approval=Approval(actor="ada", approved=True, reason="fine")).outcome != "refused"


def test_a_changed_recipe_of_the_champions_name_competes_with_the_one_that_reigns(reigning: Records, home: Any):
    champion = load_champion("demo", reigning.objects).manifest.architecture
    path = home / "include" / "architectures" / f"{champion}.yaml"
    path.write_text(path.read_text().replace("title:", "context_hours: 48\ntitle:"))
    override(["gate.probability=0.6", "profiles.quick.history_days=150"])
    built = run(reigning, "edited", seed=7)
    assert built.reigning.entrant == f"reigning_{champion}"
    assert {champion, f"reigning_{champion}"} <= set(built.entrants)
    path.write_text(path.read_text().replace("context_hours: 48", "context_hours: 72"))
    assert built.recipes[champion]["context_hours"] == 48, "a run keeps the recipes it began with"
    decided = decide(reigning, "edited")
    assert decided.reigning.entrant == f"reigning_{champion}"


def test_a_run_here_moves_a_pointer_of_its_own(reigning: Records):
    before = pointer_of(reigning)
    run(reigning, "here", profile="smoke", architectures=["naive", "dense"])
    published = publish(reigning, "here", stage="local")
    assert published.outcome == "promoted"
    assert "a try; the gate: profile smoke may not promote" in published.reason
    assert pointer_of(reigning) == before
    tried = load_champion("demo", reigning.objects, stage="local")
    assert tried.manifest.version == published.version


def test_two_runs_under_way_at_once_do_not_overtake_each_other(reigning: Records):
    run(reigning, "slow", as_of=AS_OF, seed=8)
    plan = decision_reference(reigning, "slow")
    ingest(reigning, "i3", as_of="2026-10-03", history_days=160)
    run(reigning, "fast", as_of="2026-10-03", seed=9)
    assert publish(reigning, "fast").outcome != "refused"
    before = pointer_of(reigning)
    assert steps.plan_refit(reigning, settings(), plan)
    assert publish(reigning, "slow").outcome == "refused"
    assert pointer_of(reigning) == before


def test_whoever_dies_at_any_call_of_publishing_leaves_a_whole_champion_and_the_next_ends_clean(reigning: Records):
    run(reigning, "again", seed=11)
    decision = decision_reference(reigning, "again")
    for name in steps.plan_refit(reigning, settings(), decision):
        steps.refit_entrant(reigning, settings(), decision, name)
    frame, died = load_champion("demo", reigning.objects), 0
    versions = {frame.manifest.version}
    for number in range(1, 200):
        try:
            done = steps.publish(Records(Dying(reigning.objects, number, after=False)), settings(), decision)
        except Killed:
            died += 1
        else:
            break
        finally:
            seen = load_champion("demo", reigning.objects)
            versions.add(seen.manifest.version)
            assert seen.refresh() is False
            numbers = [entry.number for entry in History(reigning, "demo").entries()]
            assert numbers == list(range(len(numbers), 0, -1)), "no hole"
    assert died >= 20, "each GET, PUT and listing of publishing was cut off in turn"
    assert done.outcome == "refreshed"
    assert load_champion("demo", reigning.objects).manifest.version == done.version
    assert len(versions) == 2, "the old one or the new one, and nothing else"
    assert len(numbers) == 2, "the board was decided once"
