"""Retention and what is wrong around it: clocks, damaged records, a store that is full."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ageing import Days, days_of
from published import described, promote
from tsflow import notes
from tsflow.architectures.baselines import Persistence
from tsflow.champion.bundle import write_bundle
from tsflow.errors import ClockDisagreement, SettingsError, StorageUnavailable
from tsflow.records.candidate import Training
from tsflow.records.index import Begun
from tsflow.records.retention import Collection, why_gone
from tsflow.records.store import Records
from tsflow.retention import look
from tsflow.retention.collect import collect
from tsflow.settings import load_settings, override, settings
from tsflow.storage.objects import ObjectStore
from workflow import build, ingest, train


@pytest.fixture
def days(records: Records, monkeypatch: pytest.MonkeyPatch) -> Days:
    override(["retention.runs=1"])
    return days_of(records.objects, monkeypatch)


@pytest.fixture
def due(records: Records, days: Days) -> list[str]:
    """Keys of what is due: batches of long ago."""
    keys = [f"ingests/i{number}/batch.json" for number in range(3)]
    for key in keys:
        records.objects.put_new(key, b"{}")
    days.go_by(30)
    return keys


def ingests(records: Records) -> list[str]:
    return records.objects.keys("ingests/")


@pytest.mark.parametrize("minutes", [11, -11, 60 * 24 * 400])
def test_nothing_goes_by_a_clock_that_is_wrong(
    records: Records, days: Days, due: list[str], minutes: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(look, "utc_now", lambda: days.now + timedelta(minutes=minutes))
    with pytest.raises(ClockDisagreement, match=r"the object store's clock says .*, this machine's .*; nothing was removed"):
        collect(records, settings())
    assert ingests(records) == due


def test_the_stores_own_clock_is_that_of_what_it_writes(objects: ObjectStore):
    objects.put_new("a", b"")
    (one,) = objects.listed("a")
    assert abs(objects.now() - one.modified) < timedelta(seconds=60)
    objects.renew("a")
    assert objects.get("a") == b""


def test_a_clock_that_jumps_ahead_on_both_sides_costs_one_look_and_nothing_else(records: Records, days: Days, due: list[str]):
    collect(records, settings())
    records.objects.put_new("ingests/new/batch.json", b"{}")
    days.go_by(400)
    done = collect(records, settings())
    assert not done.removed
    assert "the last look was 400 days ago" in done.notes[0]
    assert ingests(records) == ["ingests/new/batch.json"]
    assert notes.collected(done, None).startswith("nothing was removed: by the store's clock the last look was 400 days ago")
    days.go_by(-400)  # somebody has set it right
    assert collect(records, settings()).objects == 0
    assert ingests(records) == ["ingests/new/batch.json"]


def test_after_a_summer_without_a_stack_the_second_look_removes(records: Records, days: Days, due: list[str]):
    collect(records, settings())
    records.objects.put_new("ingests/new/batch.json", b"{}")
    days.go_by(90)
    collect(records, settings())
    collect(records, settings())
    assert ingests(records) == []


def test_what_is_dated_in_the_future_stays(records: Records, days: Days, due: list[str]):
    days.go_by(3650)
    records.objects.put_new("ingests/future/batch.json", b"{}")
    days.go_by(-3650)
    collect(records, settings())
    assert ingests(records) == ["ingests/future/batch.json"]


def test_damage_in_what_stays_keeps_all_that_it_might_need_and_is_told(records: Records, days: Days):
    ingest(records)
    build(records, "old", as_of="2026-09-20", architectures=["climatology"])
    train(records, "old", "climatology")
    days.go_by(20)
    records.objects.put_new("runs/young/run.json", b"{ half of a rec")
    before = set(records.objects.keys(""))
    done = collect(records, settings())
    left = set(records.objects.keys(""))
    assert {key.split("/")[0] for key in before - left} <= {"ingests", "index"}, "batches are no part of it"
    assert any("runs/young/run.json" in note and "stay for now" in note for note in done.notes)
    assert "1 note: " in notes.collected(done, None)
    days.go_by(20)
    collect(records, settings())
    assert "runs/young/run.json" in records.objects.keys("runs/young/")
    assert records.objects.keys("datasets/") == [], "it is no young run any more"


def test_damage_in_what_goes_is_no_matter(records: Records, days: Days):
    for key in ("runs/r/run.json", "runs/r/leaderboard/001/leaderboard.json", "ingests/i/batch.json", "backtests/b/backtest.json"):
        records.objects.put_new(key, b"\x00\xff")
    records.objects.put_new("trainings/t.json", b"[]")
    for of in ("board", "backtest"):
        records.first(Begun(of=of))
    records.objects.put_new("champions/small/2026v1/manifest.json", b"of a publishing that died")
    for _ in range(7):
        days.go_by(30)
        collect(records, settings())
    assert [key for key in records.objects.keys("") if not key.startswith("retention/")] == [
        "index/backtest/begun.json",
        "index/board/begun.json",
    ]


def test_runs_of_a_tsflow_without_an_index_stay_until_there_is_one(records: Records, days: Days):
    records.objects.put_new("runs/r/run.json", b"{}")
    days.go_by(30)
    for _ in range(3):
        days.go_by(30)
        collect(records, settings())
    assert records.objects.keys("runs/") == ["runs/r/run.json"]
    records.first(Begun(of="board"))
    collect(records, settings())
    assert records.objects.keys("runs/") == []


def test_a_training_that_is_damaged_or_whose_model_is_gone_goes(records: Records, days: Days):
    ingest(records)
    build(records, "r", as_of="2026-09-20", architectures=["climatology"])
    trained = train(records, "r", "climatology")
    records.objects.put_new("trainings/broken.json", b"{}")
    days.go_by(15)
    build(records, "new", as_of="2026-09-20", architectures=["climatology"])
    train(records, "new", "climatology")
    records.objects.delete([next(iter(trained.files.values())).key])
    collect(records, settings())
    assert records.listed(Training) == []


@pytest.mark.parametrize("damaged", ["champion.json", "history/000002.json"])
def test_a_champion_whose_history_cannot_be_read_keeps_every_bundle(records: Records, days: Days, damaged: str):
    objects = records.objects
    for version in ("2026v1", "2026v2", "2026v3"):
        told = described(version)
        promote(objects, told, *write_bundle(objects, told, {"model.onnx": Persistence(120, 4, 0).to_onnx()}))
    days.go_by(30)
    override(["retention.bundles=2", "retention.bundles_days=1"])
    objects.swap(f"champions/small/{damaged}", b"{}", objects.get_tagged(f"champions/small/{damaged}")[1])
    before = objects.keys("champions/")
    done = collect(records, settings())
    assert objects.keys("champions/") == before
    assert any(damaged in note for note in done.notes)


def test_what_others_keep_in_the_bucket_is_left_alone(records: Records, days: Days):
    strange = [
        "backups/x",
        "champions/readme",
        "runs/readme",
        "observations/notes.txt",
        "index/other.json",
        "index/other/s/t/u/i.json",
    ]
    for key in strange:
        records.objects.put_new(key, b"")
    for _ in range(5):
        days.go_by(30)
        collect(records, settings())
    assert {*strange} - {*records.objects.keys("")} == set()


def test_on_a_full_store_what_is_due_goes_all_the_same(
    records: Records, days: Days, due: list[str], monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> bool:
        msg = "no free volumes left"
        raise StorageUnavailable(msg)

    monkeypatch.setattr(records.objects, "_put_if", full)
    done = collect(records, settings())
    assert (done.objects, ingests(records)) == (3, [])
    assert "could not be written down: no free volumes left" in done.notes[-1]
    monkeypatch.undo()
    assert records.listed(Collection) == []


def test_settings_of_retention_know_their_bounds(home: Path):
    with pytest.raises(SettingsError, match=r"retention\.bundles"):
        load_settings({"retention.bundles": 1})
    with pytest.raises(SettingsError, match="a run is kept at least as long as what belongs to it"):
        load_settings({"retention.runs_days": 10, "retention.candidates_days": 20})
    with pytest.raises(SettingsError, match=r"retention\.forecasts_days is 20; monitor\.days 30 needs 44"):
        load_settings({"retention.forecasts_days": 20, "monitor.days": 30})


def test_a_sentence_of_what_is_gone_names_the_setting_that_keeps_it(home: Path):
    override(["retention.ingests_days=3"])
    assert why_gone("ingests/i/batch.json") == (
        "retention removes batches after 3 days; to keep them longer set retention.ingests_days in include/tsflow.yaml"
    )
    assert "retention.candidates_days" in why_gone("runs/r/candidates/lstm/a/model.onnx")
    assert "retention.runs_days" in why_gone("runs/r/run.json")
    assert why_gone("observations/x") == ""


def test_a_note_says_what_went_and_what_the_disk_got_back(records: Records, days: Days, due: list[str]):
    done = collect(records, settings())
    assert (
        notes.collected(done, 2_500_000)
        == "3 objects of 0.0 MB went (ingests 3); the disk got 2.5 MB back; 0 objects of 0.0 MB stay."
    )
    assert datetime.now(UTC) - done.created_at < timedelta(hours=1)
    assert notes.collected(collect(records, settings()), 0) == "Nothing was due; 1 object of 0.0 MB stay."
