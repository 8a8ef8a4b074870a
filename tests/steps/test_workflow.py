"""The steps against a real object store, on simulated and real observations."""

import importlib.util
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conftest import station_of, write_station
from tests_support import csv_file, row
from tsflow import steps
from tsflow.champion.pointer import current
from tsflow.client import load_champion
from tsflow.errors import DataValidationError, EntrantSkipped, NotEnoughData, SettingsError, SourceFormatError, TrainingError
from tsflow.settings import override
from tsflow.storage import keys
from tsflow.storage.objects import ObjectStore

AS_OF = "2026-10-01"


def ingest(objects: ObjectStore, ingest_id: str = "i1", **request: Any) -> dict[str, Any]:
    wanted = steps.IngestRequest.of({"station": "demo", "as_of": AS_OF, "history_days": 60, **request})
    return steps.store_batch(objects, steps.validate_batch(objects, steps.fetch_batch(objects, wanted, ingest_id)))


def retrain(objects: ObjectStore, run_id: str = "r1", **request: Any) -> dict[str, Any]:
    wanted = {"station": "demo", "as_of": AS_OF, "profile": "smoke", "architectures": ["naive", "dense"], **request}
    run = steps.build_dataset(objects, steps.RetrainRequest.of(wanted).checked(), run_id)
    for name in run["entrants"]:
        steps.train_entrant(objects, run_id, name)
    return run


def snapshot(objects: ObjectStore) -> dict[str, bytes]:
    """Everything a reader may look at: observations and champions."""
    return {key: objects.get(key) for prefix in ("observations/", "champions/") for key in objects.keys(prefix)}


def test_from_observations_to_a_champion_that_a_consumer_reads(objects: ObjectStore):
    batch = ingest(objects)
    assert batch["new_rows"] > 8_000
    retrain(objects)
    steps.rank_entrants(objects, "r1")
    board = steps.latest_leaderboard(objects, "r1")
    assert [entrant.status for entrant in board.entrants] == ["ok", "ok"]
    assert board.entrant("naive").val_mae == pytest.approx(board.naive["validation"], abs=1e-4)
    pointer = steps.publish(objects, "r1")
    champion = load_champion("demo", objects)
    assert champion.manifest.architecture == board.champion == pointer["architecture"]
    assert {entrant.verdict for entrant in board.entrants} <= {"leader", "better", "tie", "worse", None}
    assert "intervals.json" in champion.manifest.files
    assert [found["level"] for found in champion.manifest.metrics["intervals"]] == [0.8, 0.95]
    assert 0 < champion.manifest.metrics["crps"] < champion.manifest.metrics["test_mae"]
    assert champion.manifest.metrics["val_mae"] == board.entrants[0].val_mae
    assert steps.runs_of(objects, "demo") == ["r1"]
    folder = "runs/r1/leaderboard/001/"
    assert {f"{folder}leaderboard.{kind}" for kind in ("json", "html", "parquet")} <= set(objects.keys("runs/r1/"))


def test_every_step_may_run_twice(objects: ObjectStore):
    ingest(objects)
    again = ingest(objects, "i2")
    assert (again["new_rows"], again["changed_rows"]) == (0, 0)
    assert ingest(objects)["batch"] == ingest(objects)["batch"]
    retrain(objects)
    first = steps.rank_entrants(objects, "r1")
    pointer = steps.publish(objects, "r1")
    before = snapshot(objects)
    retrain(objects)
    assert steps.rank_entrants(objects, "r1") == first
    assert steps.publish(objects, "r1") == pointer
    assert snapshot(objects) == before


def test_every_step_may_run_twice_at_once(objects: ObjectStore):
    ingest(objects)

    def twice(step: Callable[[], Any]) -> list[Any]:
        with ThreadPoolExecutor(2) as pool:
            return [future.result() for future in [pool.submit(step), pool.submit(step)]]

    request = steps.RetrainRequest.of({"station": "demo", "as_of": AS_OF, "profile": "smoke", "architectures": ["naive"]}).checked()
    runs = twice(lambda: steps.build_dataset(objects, request, "r1"))
    assert runs[0] == runs[1]
    candidates = twice(lambda: steps.train_entrant(objects, "r1", "naive"))
    assert candidates[0] == candidates[1]
    boards = twice(lambda: steps.rank_entrants(objects, "r1"))
    assert boards[0] == boards[1]
    pointers = twice(lambda: steps.publish(objects, "r1"))
    assert pointers[0] == pointers[1]
    assert pointers[0]["sequence"] == 1


def test_a_failed_entrant_stays_on_the_leaderboard_and_may_be_trained_after_all(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
):
    ingest(objects)
    steps.build_dataset(
        objects,
        steps.RetrainRequest.of(
            {"station": "demo", "as_of": AS_OF, "profile": "smoke", "architectures": ["naive", "dense", "lstm"]}
        ).checked(),
        "r1",
    )
    steps.train_entrant(objects, "r1", "naive")

    def no_memory(*args: object, **kwargs: object) -> None:
        raise MemoryError("out of memory")

    monkeypatch.setattr("tsflow.steps.train.train", no_memory)
    with pytest.raises(MemoryError):
        steps.train_entrant(objects, "r1", "dense")
    monkeypatch.undo()
    steps.rank_entrants(objects, "r1")
    board = steps.latest_leaderboard(objects, "r1")
    assert board.champion == "naive"
    assert board.entrant("dense").reason == "MemoryError: out of memory"
    assert board.entrant("lstm").reason is not None
    assert "left no result" in board.entrant("lstm").reason
    steps.train_entrant(objects, "r1", "dense")
    steps.rank_entrants(objects, "r1")
    assert steps.latest_leaderboard(objects, "r1").entrant("dense").status == "ok"


def test_an_entrant_that_does_not_converge_or_lacks_its_library_leaves_the_run_going(
    objects: ObjectStore, home: Path, monkeypatch: pytest.MonkeyPatch
):
    arima = home / "include" / "architectures" / "arima.yaml"
    arima.write_text(arima.read_text() + "max_iterations: 1\n")
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, package=None: None if name == "prophet" else find_spec(name, package)
    )
    ingest(objects)
    names = ["naive", "arima", "prophet"]
    wanted = {"station": "demo", "as_of": AS_OF, "profile": "smoke", "architectures": names}
    steps.build_dataset(objects, steps.RetrainRequest.of(wanted).checked(), "r1")
    steps.train_entrant(objects, "r1", "naive")
    with pytest.raises(TrainingError, match="the likelihood's maximum was not found"):
        steps.train_entrant(objects, "r1", "arima")
    with pytest.raises(EntrantSkipped):
        steps.train_entrant(objects, "r1", "prophet")
    steps.rank_entrants(objects, "r1")
    board = steps.latest_leaderboard(objects, "r1")
    assert {entrant.architecture: entrant.status for entrant in board.entrants} == {
        "naive": "ok",
        "arima": "failed",
        "prophet": "skipped",
    }
    assert "raise max_iterations" in str(board.entrant("arima").reason)
    assert board.entrant("prophet").reason == "prophet is not installed; run `pip install '.[prophet]'` in the clone"
    assert steps.publish(objects, "r1")["architecture"] == "naive"


def test_a_run_without_any_trained_entrant_publishes_nothing(objects: ObjectStore):
    ingest(objects)
    steps.build_dataset(objects, steps.RetrainRequest.of({"station": "demo", "as_of": AS_OF, "profile": "smoke"}).checked(), "r1")
    with pytest.raises(TrainingError, match="no entrant could be trained"):
        steps.rank_entrants(objects, "r1")
    with pytest.raises(SettingsError, match="has no leaderboard"):
        steps.publish(objects, "r1")
    assert current(objects, "demo") is None


def test_the_same_data_and_settings_give_the_same_fingerprint_later(objects: ObjectStore):
    ingest(objects)
    first = retrain(objects, architectures=["naive"])
    ingest(objects, "i2", as_of="2026-10-20")
    again = retrain(objects, "r2", architectures=["naive"])
    assert again["fingerprint"] == first["fingerprint"]


def test_a_training_that_was_done_before_is_reused_by_the_next_run(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch):
    ingest(objects)
    retrain(objects)
    steps.rank_entrants(objects, "r1")
    monkeypatch.setattr("tsflow.steps.train.train", None)  # would fail if it were called
    retrain(objects, "r2")
    steps.rank_entrants(objects, "r2")
    first, second = (steps.latest_leaderboard(objects, run) for run in ("r1", "r2"))
    assert [entrant.reused_from for entrant in second.entrants] == ["r1", "r1"]
    assert [entrant.val_mae for entrant in second.entrants] == [entrant.val_mae for entrant in first.entrants]
    assert steps.publish(objects, "r2")["sequence"] == 1
    monkeypatch.undo()
    retrain(objects, "r3", seed=2)
    assert steps.rank_entrants(objects, "r3")["run"] == "r3"
    assert [entrant.reused_from for entrant in steps.latest_leaderboard(objects, "r3").entrants] == [None, None]


def test_without_an_as_of_all_runs_of_a_day_see_the_same_data():
    from tsflow.stations.station import load_station

    moment = steps.RetrainRequest.of({"station": "demo"}).moment(load_station("demo"))
    assert (moment.hour, moment.minute) == (0, 0)


def test_an_ingest_fetches_only_what_is_new(objects: ObjectStore):
    ingest(objects)
    batch = ingest(objects, "i2", as_of="2026-10-02")
    assert batch["rows"] < 8.2 * 144
    assert 130 <= batch["new_rows"] <= 144
    assert batch["last"] <= "2026-10-02 00:00:00"


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
    objects: ObjectStore, small_home: Path, tmp_path: Path, body: bytes, says: str
):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes(csv_file(*(row(hour) for hour in range(48))))
    ingest(objects, "good", station="small", as_of=None, paths=[str(good)])
    before = snapshot(objects)
    bad.write_bytes(body)
    with pytest.raises(SourceFormatError) as caught:
        ingest(objects, "bad", station="small", as_of=None, paths=[str(bad)])
    assert says in str(caught.value)
    assert "bad.csv" in str(caught.value)
    assert "quarantine" in str(caught.value)
    assert snapshot(objects) == before
    kept = objects.keys("quarantine/bad/")
    assert body in [objects.get(key) for key in kept]
    assert says in objects.get(keys.quarantine("bad", "reason.txt")).decode()


def test_a_batch_that_fails_its_expectations_goes_to_quarantine(objects: ObjectStore, small_home: Path, tmp_path: Path):
    wrong = tmp_path / "wrong.csv"
    wrong.write_bytes(csv_file(*(row(hour, temperature="9000") for hour in range(48))))
    with pytest.raises(DataValidationError) as caught:
        ingest(objects, "bad", station="small", as_of=None, paths=[str(wrong)])
    assert "T" in str(caught.value)
    assert "the store is unchanged" in str(caught.value)
    assert objects.keys("observations/") == []
    assert any(key.endswith("batch.parquet") for key in objects.keys("quarantine/bad/"))


def test_a_file_that_is_not_there_is_named(objects: ObjectStore):
    with pytest.raises(SourceFormatError, match=r"no file 'nowhere\.zip'"):
        ingest(objects, paths=["nowhere.zip"])


def test_too_few_rows_say_how_many_are_needed(objects: ObjectStore):
    ingest(objects, history_days=12)
    with pytest.raises(NotEnoughData, match="a window needs 144 consecutive hourly rows"):
        retrain(objects, split="book")


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
        steps.RetrainRequest.of({"station": "demo", **request_}).checked()
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
        steps.RetrainRequest.of({"station": "demo", **request_})
    assert says in str(caught.value)


def test_an_as_of_in_the_future_is_refused(objects: ObjectStore):
    with pytest.raises(SettingsError, match="as-of 2999-01-01 00:00:00 is in the future"):
        ingest(objects, as_of="2999-01-01")


def test_source_and_paths_exclude_each_other():
    with pytest.raises(SettingsError, match="not both"):
        steps.IngestRequest.of({"station": "jena", "source": "live", "paths": ["a.zip"]})


# Real observations.


def test_the_naive_errors_equal_an_independent_script(objects: ObjectStore, data: Path):
    import gzip

    path = data / "jena_hourly_2009_2014.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode("cp1252").splitlines()[1:]
    temperature = [float(line.split(",")[2]) for line in lines]
    n = len(temperature)

    def script(first: int, after: int) -> float:
        errors = [abs(temperature[i] - temperature[i - 24]) for i in range(first + 143, after)]
        return sum(errors) / len(errors)

    ingest(objects, station="jena_hourly", as_of=None, paths=[str(path)])
    wanted = {"station": "jena_hourly", "as_of": "2015-01-01", "profile": "full", "split": "book", "architectures": ["naive"]}
    retrain(objects, "halves", **wanted)
    steps.rank_entrants(objects, "halves")
    entrant = steps.latest_leaderboard(objects, "halves").entrants[0]
    assert entrant.val_mae == pytest.approx(script(n // 2, n * 3 // 4), abs=1e-3)
    assert entrant.test_mae == pytest.approx(script(n * 3 // 4, n), abs=1e-3)

    override(["splits.book.train=2/3", "splits.book.validation=1/3", "splits.book.test=0"])
    retrain(objects, "thirds", **wanted)
    steps.rank_entrants(objects, "thirds")
    board = steps.latest_leaderboard(objects, "thirds")
    assert (board.parts["train"]["rows"], board.parts["validation"]["rows"]) == (35_019, 17_509)
    assert board.entrants[0].val_mae == pytest.approx(2.44, abs=0.005)
    assert board.entrants[0].test_mae is None
