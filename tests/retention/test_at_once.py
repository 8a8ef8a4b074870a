"""Retention beside others: who writes, who reads, who collects too, and who dies on the way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ageing import Days, days_of
from dying import Dying, Killed
from published import described, promote
from tsflow import steps
from tsflow.architectures.baselines import Persistence
from tsflow.champion import actions
from tsflow.champion.audit import audit
from tsflow.champion.bundle import write_bundle
from tsflow.champion.history import History
from tsflow.client import load_champion
from tsflow.errors import IntegrityError
from tsflow.records.candidate import Epoch, StoredCandidate, StoredEpoch, Training
from tsflow.records.store import Records
from tsflow.retention import collect as collecting
from tsflow.retention.collect import collect
from tsflow.settings import override, settings
from tsflow.storage.objects import ObjectStore
from tsflow.training.epochs import EpochStore
from workflow import build, candidate, forecasts, ingest, rank, train

DAY = "2026-09-20"


@pytest.fixture
def days(records: Records, monkeypatch: pytest.MonkeyPatch) -> Days:
    override(["retention.bundles=2", "retention.runs=1"])
    return days_of(records.objects, monkeypatch)


@pytest.fixture
def old(records: Records, days: Days) -> StoredCandidate:
    """An entrant of a run of long ago, whose training another run may reuse."""
    ingest(records)
    build(records, "old", as_of=DAY, architectures=["climatology"])
    trained = train(records, "old", "climatology")
    days.go_by(20)
    return trained


def bundle(objects: ObjectStore, version: str, *, champion: bool = True) -> None:
    told = described(version)
    written = write_bundle(objects, told, {"model.onnx": Persistence(120, 4, 0).to_onnx()})
    if champion:
        promote(objects, told, *written)


def between(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, do: Callable[[], object], *, before: bool) -> None:
    """Do something once, right before or after the next call of a method."""
    call, left = getattr(owner, name), [do]

    def called(*arguments: Any, **options: Any) -> Any:
        todo = left.pop() if left else lambda: None
        if before:
            todo()
        found = call(*arguments, **options)
        if not before:
            todo()
        return found

    monkeypatch.setattr(owner, name, called)


def test_a_training_that_was_looked_up_before_its_name_went_is_trained_again(
    records: Records, old: StoredCandidate, monkeypatch: pytest.MonkeyPatch
):
    """The reuser has looked the training up; then retention does all of its work; then the reuser writes that he uses it."""
    build(records, "new", as_of=DAY, architectures=["climatology"])
    between(monkeypatch, records, "first", lambda: collect(records, settings()), before=True)
    trained = train(records, "new", "climatology")
    assert trained.run == "new", "its files are its own"
    assert len(forecasts(records, trained)) > 0
    assert trained == candidate(records, "new", "climatology")


def test_a_training_that_is_reused_while_its_name_goes_keeps_its_files(
    records: Records, old: StoredCandidate, monkeypatch: pytest.MonkeyPatch
):
    """Retention has found the training due; then the reuser takes it; then its name goes; then retention looks again."""
    build(records, "new", as_of=DAY, architectures=["climatology"])
    between(monkeypatch, collecting, "_remove", lambda: train(records, "new", "climatology"), before=True)
    done = collect(records, settings())
    assert {kind.kind: kind.objects for kind in done.kinds if kind.objects}["trainings"] == 1
    reused = candidate(records, "new", "climatology")
    assert reused.run == "old"
    assert len(forecasts(records, reused)) > 0
    assert records.listed(Training) == []
    assert rank(records, "new").entrant("climatology").status == "ok"


def test_a_training_that_was_reused_lately_stays(records: Records, days: Days, old: StoredCandidate):
    build(records, "new", as_of=DAY, architectures=["climatology"])
    assert train(records, "new", "climatology").run == "old"
    days.go_by(10)
    collect(records, settings())
    assert len(forecasts(records, candidate(records, "new", "climatology"))) > 0
    build(records, "third", as_of=DAY, architectures=["climatology"])
    assert train(records, "third", "climatology").run == "old", "and may be reused again"


def test_files_that_are_gone_are_trained_again(records: Records, old: StoredCandidate):
    records.objects.delete(file.key for file in old.files.values())
    again = train(records, "old", "climatology")
    assert again.files != old.files
    assert len(forecasts(records, again)) > 0
    assert candidate(records, "old", "climatology") == again


def test_a_dataset_that_is_built_again_counts_as_new(records: Records, days: Days, old: StoredCandidate):
    days.go_by(80)
    built = build(records, "new", as_of=DAY, architectures=["climatology"])
    collect(records, settings())
    collect(records, settings())
    assert train(records, "new", "climatology").run == "new"
    assert {key.split("/")[1] for key in records.objects.keys("datasets/")} == {built.fingerprint}


def test_two_that_collect_at_once_do_what_one_does(records: Records, days: Days, old: StoredCandidate):
    for version in ("2026v1", "2026v2", "2026v3"):
        bundle(records.objects, version)
    days.go_by(33)
    expected = {one for one in records.objects.keys("") if not one.startswith(("runs/old/candidates/climatology/", "datasets/"))}
    with ThreadPoolExecutor(2) as pool:
        done = [future.result() for future in [pool.submit(collect, records, settings()) for _ in range(2)]]
    assert all(one.removed for one in done)
    left = {one for one in records.objects.keys("") if not one.startswith("retention/")}
    gone = expected - left
    assert left <= expected
    assert all(key.startswith(("champions/small/2026v1/", "trainings/", "ingests/", "index/ingest/")) for key in gone), gone
    assert audit(History(records, "small")).damage == []
    assert collect(records, settings()).objects == 0


def test_a_reader_finds_a_whole_champion_at_any_moment(records: Records, days: Days):
    bundle(records.objects, "2026v0")

    def read() -> list[str]:
        return [load_champion("small", records.objects, cache=None).manifest.version for _ in range(25)]

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read), pool.submit(read)]
        for number in range(1, 9):
            days.go_by(20)
            bundle(records.objects, f"2026v{number}")
            collect(records, settings())
        seen = [reader.result() for reader in readers]
    assert all(versions == sorted(versions) for versions in seen)
    assert audit(History(records, "small")).whole == ["2026v7", "2026v8"]


def test_what_a_person_promotes_just_now_stays(records: Records, days: Days, monkeypatch: pytest.MonkeyPatch):
    for version in ("2026v1", "2026v2", "2026v3"):
        bundle(records.objects, version)
    days.go_by(34)
    history = History(records, "small")
    who = {"actor": "ada", "reason": "it was better"}
    between(monkeypatch, actions, "loaded", lambda: collect(records, settings()), before=False)
    actions.promote(history, "2026v1", **who)
    assert load_champion("small", records.objects, cache=None).manifest.version == "2026v1"
    assert audit(history).damage == []


def test_whoever_collects_may_die_at_any_call_and_the_next_ends_the_same(records: Records, days: Days):
    calls = 0
    while True:
        for version in ("2026v1", "2026v2", "2026v3"):
            bundle(records.objects, version, champion=calls == 0)
        records.objects.put_new(f"ingests/i{calls}/batch.json", b"{}")
        records.objects.put_new("runs/r/candidates/a.json", b"damaged, and old")
        days.go_by(34)
        calls += 1
        dying = Dying(records.objects, calls, after=bool(calls % 2))
        dying.listed, dying.now = records.objects.listed, records.objects.now
        try:
            collect(Records(dying), settings())
        except Killed:
            collect(records, settings())
        else:
            break
        assert records.objects.keys("ingests/") == []
        assert audit(History(records, "small")).damage == []
        assert {"2026v2", "2026v3"} <= set(audit(History(records, "small")).whole)
    assert calls > 10, "it has died everywhere"


def epochs_of(records: Records, folder: str = "runs/r1") -> list[int]:
    return [int(place["epoch"]) for place in records.listed(StoredEpoch, folder=folder)]


def test_checkpoints_go_when_their_training_has_ended(records: Records):
    ingest(records)
    build(records, architectures=["dense"])
    seen: list[int] = []
    steps.train_entrant(records, settings(), "r1", "dense", on_epoch=lambda epoch: seen.extend(epochs_of(records)))
    assert seen == [1], "while it trains, others could go on from there"
    assert records.objects.keys("runs/r1/progress/") == []
    assert len(candidate(records, "r1", "dense").curve) == 1


def test_an_attempt_whose_checkpoints_another_one_removed_at_its_end_takes_its_candidate(
    records: Records, monkeypatch: pytest.MonkeyPatch
):
    ingest(records)
    build(records, architectures=["dense"])

    def another(epoch: Epoch) -> None:
        monkeypatch.setattr(EpochStore, "model", model)
        train(records, "r1", "dense")

    model = EpochStore.model

    def gone(self: EpochStore, epoch: int) -> bytes:
        msg = "no such object"
        raise IntegrityError(msg)

    monkeypatch.setattr(EpochStore, "model", gone)
    first = steps.train_entrant(records, settings(), "r1", "dense", on_epoch=another)
    assert first == candidate(records, "r1", "dense")
    assert records.objects.keys("runs/r1/failures/") == []


def test_checkpoints_of_trainings_that_died_go_with_time(records: Records, days: Days):
    for name in ("dead", "ended"):
        EpochStore(records, "runs/r1", name, "t").save(Epoch(epoch=1, of=2, loss=1, mae=1, seconds=1), b"model")
    records.objects.put_new("runs/r1/candidates/ended.json", b"{}")
    records.objects.put_new("tunings/t/epochs/0001/epoch-001.json", b"{}")
    records.objects.put_new("tunings/t/trials/0001/result.json", b"{}")
    collect(records, settings())
    assert len(records.objects.keys("runs/r1/progress/")) == 4, "not within the grace period: another attempt may be at work"
    days.go_by(2)
    (told,) = [kind for kind in collect(records, settings(), dry_run=True).kinds if kind.kind == "epochs"]
    assert told.objects == 3
    days.go_by(14)
    records.objects.delete(["runs/r1/candidates/ended.json"])
    collect(records, settings())
    assert records.objects.keys("runs/r1/progress/") == []
