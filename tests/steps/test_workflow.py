"""The steps against a real object store, on simulated and real observations."""

import importlib.util
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import station_of, write_station
from tests_support import csv_file, row
from tsflow.bundle.manifest import FitFacts
from tsflow.champion.history import History
from tsflow.champion.refit import Outgoing
from tsflow.client import load_champion
from tsflow.errors import (
    DataValidationError,
    EntrantSkipped,
    IntegrityError,
    NotEnoughData,
    SettingsError,
    SourceFormatError,
    TrainingError,
)
from tsflow.evaluation.boards import board_of, newest_board
from tsflow.records.store import Records
from tsflow.requests import RetrainRequest, resolve
from tsflow.settings import override, settings
from workflow import build, candidate, force, ingest, pointer_of, publish, rank, retrain, train


def snapshot(records: Records) -> dict[str, bytes]:
    """Everything a reader may look at: observations and champions."""
    objects = records.objects
    return {key: objects.get(key) for prefix in ("observations/", "champions/") for key in objects.keys(prefix)}


def test_from_observations_to_a_champion_that_a_consumer_reads(records: Records):
    batch = ingest(records)
    assert batch.new_rows > 8_000
    retrain(records)
    board = rank(records, "r1")
    assert [entrant.status for entrant in board.entrants] == ["ok", "ok"]
    assert board.entrant("naive").val_mae == pytest.approx(board.naive["validation"], abs=1e-4)
    pointer = force(records, "r1")
    champion = load_champion("demo", records.objects)
    assert champion.manifest.architecture == board.challenger == pointer.architecture
    assert {entrant.verdict for entrant in board.entrants} == {"challenger", "unknown"}, "so few days say nothing of the others"
    assert "intervals.json" in champion.manifest.files
    assert [band.level for band in champion.manifest.metrics.intervals] == [0.8, 0.95]
    assert 0 < champion.manifest.metrics.crps < champion.manifest.metrics.test_mae
    assert champion.manifest.metrics.val_mae == board.entrants[0].val_mae
    assert newest_board(records, "demo").run == "r1"
    folder = "runs/r1/leaderboard/001/"
    assert {f"{folder}leaderboard.{kind}" for kind in ("json", "parquet")} <= set(records.objects.keys("runs/r1/"))


def test_every_step_may_run_twice(records: Records):
    ingest(records)
    again = ingest(records, "i2")
    assert (again.new_rows, again.changed_rows) == (0, 0)
    assert ingest(records) == ingest(records)
    retrain(records)
    first = rank(records, "r1")
    pointer = force(records, "r1")
    before = snapshot(records)
    retrain(records)
    assert rank(records, "r1") == first
    assert force(records, "r1") == pointer
    assert snapshot(records) == before


def test_a_run_of_another_request_is_no_result_of_this_one(records: Records):
    ingest(records)
    build(records, architectures=["naive"])
    with pytest.raises(SettingsError, match="run r1 is there already, of seed 1, not 2: a Backfill that reprocesses a day"):
        build(records, architectures=["naive"], seed=2)


def test_every_step_may_run_twice_at_once(records: Records):
    ingest(records)

    def twice(step: Callable[[], Any]) -> list[Any]:
        with ThreadPoolExecutor(2) as pool:
            return [future.result() for future in [pool.submit(step), pool.submit(step)]]

    runs = twice(lambda: build(records, architectures=["naive"]))
    assert runs[0] == runs[1]
    candidates = twice(lambda: train(records, "r1", "naive"))
    assert candidates[0] == candidates[1]
    boards = twice(lambda: rank(records, "r1"))
    assert boards[0] == boards[1]
    published = twice(lambda: publish(records, "r1"))
    assert published[0] == published[1]
    assert (published[0].outcome, published[0].sequence) == ("refused", 1)
    assert len(list(History(records, "demo").entries())) == 1


def test_a_failed_entrant_stays_on_the_leaderboard_and_may_be_trained_after_all(records: Records, monkeypatch: pytest.MonkeyPatch):
    ingest(records)
    build(records, architectures=["naive", "dense", "lstm"])
    train(records, "r1", "naive")

    def no_memory(*args: object, **kwargs: object) -> None:
        raise MemoryError("out of memory")

    monkeypatch.setattr("tsflow.training.once.train", no_memory)
    with pytest.raises(MemoryError):
        train(records, "r1", "dense")
    monkeypatch.undo()
    board = rank(records, "r1")
    assert board.challenger == "naive"
    assert board.entrant("dense").reason == "MemoryError: out of memory"
    assert board.entrant("lstm").reason is not None
    assert "left no result" in board.entrant("lstm").reason
    train(records, "r1", "dense")
    rank(records, "r1")
    assert board_of(records, "r1").entrant("dense").status == "ok"


def test_an_entrant_that_does_not_converge_or_lacks_its_library_leaves_the_run_going(
    records: Records, home: Path, monkeypatch: pytest.MonkeyPatch
):
    arima = home / "include" / "architectures" / "arima.yaml"
    arima.write_text(arima.read_text() + "max_iterations: 1\n")
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, package=None: None if name == "prophet" else find_spec(name, package)
    )
    ingest(records)
    build(records, architectures=["naive", "arima", "prophet"])
    train(records, "r1", "naive")
    with pytest.raises(TrainingError, match="the likelihood's maximum was not found"):
        train(records, "r1", "arima")
    with pytest.raises(EntrantSkipped):
        train(records, "r1", "prophet")
    board = rank(records, "r1")
    assert {entrant.architecture: entrant.status for entrant in board.entrants} == {
        "naive": "ok",
        "arima": "failed",
        "prophet": "skipped",
    }
    assert "raise max_iterations" in str(board.entrant("arima").reason)
    assert board.entrant("prophet").reason == "prophet is not installed; run `make install PROPHET=1` in the clone"
    assert force(records, "r1").architecture == "naive"


def test_a_run_without_any_trained_entrant_publishes_nothing(records: Records):
    ingest(records)
    build(records, architectures=[])
    with pytest.raises(TrainingError, match="no entrant could be trained"):
        rank(records, "r1")
    with pytest.raises(SettingsError, match="has no leaderboard"):
        force(records, "r1")
    assert pointer_of(records) is None


def test_the_same_data_and_settings_give_the_same_fingerprint_later(records: Records):
    ingest(records)
    first = retrain(records, architectures=["naive"])
    ingest(records, "i2", as_of="2026-10-20")
    again = retrain(records, "r2", architectures=["naive"])
    assert again.fingerprint == first.fingerprint


def test_a_training_that_was_done_before_is_reused_by_the_next_run(records: Records, monkeypatch: pytest.MonkeyPatch):
    ingest(records)
    retrain(records)
    rank(records, "r1")
    monkeypatch.setattr("tsflow.training.once.train", None)  # would fail if it were called
    retrain(records, "r2")
    rank(records, "r2")
    first, second = (board_of(records, run) for run in ("r1", "r2"))
    assert [entrant.reused_from for entrant in second.entrants] == ["r1", "r1"]
    assert [entrant.val_mae for entrant in second.entrants] == [entrant.val_mae for entrant in first.entrants]
    assert force(records, "r2").outcome == "promoted"
    monkeypatch.undo()
    retrain(records, "r3", seed=2)
    assert rank(records, "r3").run == "r3"
    assert [entrant.reused_from for entrant in board_of(records, "r3").entrants] == [None, None]


def test_a_changed_metric_shows_new_scores_of_the_same_data_and_trains_nobody(records: Records, monkeypatch: pytest.MonkeyPatch):
    ingest(records)
    retrain(records)
    before = rank(records, "r1")
    monkeypatch.setattr("tsflow.evaluation.scores.mae", lambda truth, forecast: float(np.median(np.abs(forecast - truth))))
    monkeypatch.setattr("tsflow.training.once.train", None)  # would fail if it were called
    retrain(records, "r2")
    after = rank(records, "r2")
    assert [entrant.reused_from for entrant in after.entrants] == ["r1", "r1"]
    assert all(entrant.val_mae < before.entrant(entrant.architecture).val_mae for entrant in after.entrants)
    again = rank(records, "r1")
    assert (again.number, again.entrant("dense").val_mae) == (before.number + 1, after.entrant("dense").val_mae)
    assert force(records, "r2").architecture == after.challenger


def test_tasks_of_a_station_have_boards_and_champions_of_their_own(records: Records, home: Path):
    path = home / "include" / "stations" / "demo.yaml"
    path.write_text(path.read_text() + "tasks: {main: {}, half_day: {horizon_hours: 12}, wind: {target: wv, horizon_hours: 6}}\n")
    ingest(records)
    for run, task in (("day", None), ("half", "half_day"), ("gusts", "wind")):
        retrain(records, run, task=task, architectures=["naive", "dense"])
        rank(records, run)
    published = force(records, "day")
    untouched = pointer_of(records)
    for run in ("half", "gusts"):
        force(records, run)
    assert pointer_of(records) == untouched
    leads = {"main": ("T", 24), "half_day": ("T", 12), "wind": ("wv", 6)}
    for run, (task, (target, horizon)) in zip(("day", "half", "gusts"), leads.items(), strict=True):
        board = newest_board(records, "demo", task)
        assert (board.run, board.target, board.horizon_hours) == (run, target, horizon)
        champion = load_champion("demo", records.objects, task=task)
        assert (champion.manifest.target.name, champion.manifest.horizon_hours) == (target, horizon)
    assert published.version == load_champion("demo", records.objects).manifest.version, "the old address is that of `main`"


def test_a_model_that_a_consumer_could_not_load_does_not_become_champion(records: Records, monkeypatch: pytest.MonkeyPatch):
    ingest(records)
    for run, names in (("r1", ["naive"]), ("r2", ["naive", "dense"])):
        retrain(records, run, architectures=names)
        rank(records, run)
    force(records, "r1")
    before = pointer_of(records)
    module = sys.modules["tsflow.steps.publish"]  # the step of that name stands before it in the package
    nothing = Outgoing({"model.onnx": b"no model"}, FitFacts("2026-01-01", "2026-02-01", 1, "none"))
    monkeypatch.setattr(module, "outgoing", lambda *_: nothing)
    with pytest.raises(IntegrityError, match=r"model\.onnx cannot be loaded .* publish it again"):
        force(records, "r2")
    refusal = next(History(records, "demo").entries())
    assert refusal.kind == "refusal"
    assert "a consumer could not load it" in refusal.reason
    assert pointer_of(records) == before


@pytest.mark.parametrize("damage", ["deleted", "changed"])
def test_one_candidate_that_was_damaged_is_one_failed_entrant(records: Records, damage: str):
    ingest(records)
    retrain(records)
    key = candidate(records, "r1", "dense").files["predictions.parquet"].key
    store = records.objects
    store._s3.delete_object(Bucket=store.bucket, Key=key)
    if damage == "changed":
        store.put_new(key, b"PAR1")
    board = rank(records)
    assert {entrant.architecture: entrant.status for entrant in board.entrants} == {"naive": "ok", "dense": "failed"}
    assert "IntegrityError" in str(board.entrant("dense").reason) or "ObjectMissing" in str(board.entrant("dense").reason)
    assert key in str(board.entrant("dense").reason)


def test_an_entrant_of_the_profile_that_does_not_fit_the_task_is_skipped_with_its_reason(records: Records, home: Path):
    path = home / "include" / "stations" / "demo.yaml"
    path.write_text(path.read_text() + "tasks: {soon: {context_hours: 48, horizon_hours: 3}}\n")
    settings_file = home / "include" / "tsflow.yaml"
    settings_file.write_text("profiles: {smoke: {history_days: 45, max_epochs: 1, refit: false, architectures: [naive, ridge]}}\n")
    settings.cache_clear()
    ingest(records)
    build(records, architectures=[])
    train(records, "r1", "naive")
    with pytest.raises(EntrantSkipped, match="table: a column reads 120 hours, the context has 48"):
        train(records, "r1", "ridge")
    assert {entrant.architecture: entrant.status for entrant in rank(records).entrants} == {"naive": "ok", "ridge": "skipped"}


def test_without_an_as_of_all_runs_of_a_day_see_the_same_data():
    moment = resolve(RetrainRequest.of({"station": "demo"}), settings()).as_of
    assert (moment.hour, moment.minute) == (0, 0)


def test_an_ingest_fetches_only_what_is_new(records: Records):
    ingest(records)
    batch = ingest(records, "i2", as_of="2026-10-02")
    assert batch.rows < 8.2 * 144
    assert 130 <= batch.new_rows <= 144
    assert batch.last == datetime(2026, 10, 2)


# Bad input: nothing is lost, store and pointer stay as they were.


@pytest.fixture
def small_home(home: Path) -> Path:
    """A home with the station `small` of `tests_support`."""
    write_station(home / "include" / "stations" / "small.yaml", station_of({"T": "degC", "wv": "m/s"}))
    return home


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the file is empty"),
        (csv_file(row(0))[:-7], "cut off in its last row"),
        (csv_file(row(0)).decode().encode("utf-16"), "not encoded as utf-8"),
        (b"time,T\n2021-01-01 00:00,1\n", "column missing: 'wv'"),
        (csv_file(row(0), row(1, "warm")), "'warm' is not a number"),
        (csv_file(row(0), row(2), row(1)), "times out of order"),
        (csv_file("2031-01-01 00:00,1,2"), "is in the future"),
        (csv_file(row(0), "1.1.21 01:00,1,2"), "is not of the form"),
        (csv_file(row(0, "-9999", "-9999")), "no usable row"),
    ],
)
def test_a_bad_file_goes_to_quarantine_and_changes_nothing(
    records: Records, small_home: Path, tmp_path: Path, body: bytes, says: str
):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes(csv_file(*(row(hour) for hour in range(48))))
    ingest(records, "good", station="small", as_of=None, files=[good])
    before = snapshot(records)
    bad.write_bytes(body)
    with pytest.raises(SourceFormatError) as caught:
        ingest(records, "bad", station="small", as_of=None, files=[bad])
    assert says in str(caught.value)
    assert "bad.csv" in str(caught.value)
    assert "quarantine" in str(caught.value)
    assert snapshot(records) == before
    kept = records.objects.keys("quarantine/bad/")
    assert body in [records.objects.get(key) for key in kept]
    assert says in records.objects.get("quarantine/bad/reason.txt").decode()


def test_a_batch_that_fails_its_expectations_goes_to_quarantine(records: Records, small_home: Path, tmp_path: Path):
    wrong = tmp_path / "wrong.csv"
    wrong.write_bytes(csv_file(*(row(hour, temperature="9000") for hour in range(48))))
    with pytest.raises(DataValidationError) as caught:
        ingest(records, "bad", station="small", as_of=None, files=[wrong])
    assert "T" in str(caught.value)
    assert "the store is unchanged" in str(caught.value)
    assert records.objects.keys("observations/") == []
    assert any("-batch-" in key for key in records.objects.keys("quarantine/bad/"))


def test_a_file_that_is_not_there_is_named(records: Records):
    with pytest.raises(SourceFormatError, match=r"no file 'nowhere\.zip'"):
        ingest(records, files=["nowhere.zip"])


def test_too_few_rows_say_how_many_are_needed(records: Records):
    ingest(records, history_days=12)
    with pytest.raises(NotEnoughData, match="a window needs 144 consecutive hourly rows"):
        retrain(records, split="book")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"station": "atlantis"}, "unknown station 'atlantis'; valid: demo, jena"),
        ({"split": "kfold"}, "unknown split 'kfold'; valid: book, recent"),
        ({"profile": "huge"}, "unknown profile 'huge'; valid: full, quick, smoke"),
        ({"architectures": ["perceptron"]}, "unknown architecture 'perceptron'; valid:"),
        ({"architectures": ["naive", "naive"]}, "named more than once: naive"),
    ],
)
def test_unknown_names_list_the_valid_ones(request_: dict, says: str):
    with pytest.raises(SettingsError) as caught:
        resolve(RetrainRequest.of({"station": "demo", **request_}), settings())
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"as_of": "yesterday"}, "'yesterday' is not a date"),
        ({"as_of": "2026-10-01T00:00:00+02:00"}, "names a time zone"),
        ({"seed": -1}, "seed"),
        ({"colour": 1}, "colour: unknown key"),
    ],
)
def test_a_request_that_cannot_be_used_names_its_field(request_: dict, says: str):
    with pytest.raises(SettingsError) as caught:
        RetrainRequest.of({"station": "demo", **request_})
    assert says in str(caught.value)


def test_an_as_of_in_the_future_is_refused(records: Records):
    with pytest.raises(SettingsError, match="as-of 2999-01-01 00:00:00 is in the future"):
        ingest(records, as_of="2999-01-01")


# Real observations.


def test_the_naive_errors_equal_an_independent_script(records: Records, data: Path):
    import gzip

    path = data / "jena_hourly_2009_2014.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode("cp1252").splitlines()[1:]
    temperature = [float(line.split(",")[2]) for line in lines]
    n = len(temperature)

    def script(first: int, after: int) -> float:
        errors = [abs(temperature[i] - temperature[i - 24]) for i in range(first + 143, after)]
        return sum(errors) / len(errors)

    ingest(records, station="jena_hourly", as_of=None, files=[path])
    wanted = {"station": "jena_hourly", "as_of": "2015-01-01", "profile": "full", "split": "book", "architectures": ["naive"]}
    retrain(records, "halves", **wanted)
    entrant = rank(records, "halves").entrants[0]
    assert entrant.val_mae == pytest.approx(script(n // 2, n * 3 // 4), abs=1e-3)
    assert entrant.test_mae == pytest.approx(script(n * 3 // 4, n), abs=1e-3)

    override(["splits.book.train=2/3", "splits.book.validation=1/3", "splits.book.test=0"])
    retrain(records, "thirds", **wanted)
    board = rank(records, "thirds")
    assert (board.parts.train.rows, board.parts.validation.rows) == (35_019, 17_509)
    assert board.entrants[0].val_mae == pytest.approx(2.44, abs=0.005)
    assert board.entrants[0].test_mae is None
