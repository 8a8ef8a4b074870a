"""The steps of a backtest against a real object store: 100 days of hourly rows, folds of a few days."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import hourly_rows, station_of, write_station
from tsflow import steps
from tsflow.backtesting.folds import Fold
from tsflow.errors import NotEnoughData, SettingsError, TrainingError, UnknownName
from tsflow.settings import ObjectStoreSettings
from tsflow.steps.backtest import read_backtest
from tsflow.steps.candidates import candidate_file, candidate_predictions
from tsflow.storage import keys
from tsflow.storage.codecs import from_json, from_parquet
from tsflow.storage.objects import ObjectStore
from tsflow.training.export import from_keras

FOLDS = {"folds": 2, "test_days": 10, "validation_days": 8, "step_days": 20}


@pytest.fixture
def rows() -> pd.DataFrame:
    return hourly_rows(24 * 100, features=2).rename(columns={"f1": "wv"})


@pytest.fixture
def station(home: Path) -> Path:
    """A home with the station `small`, of T and wv."""
    return write_station(home / "include" / "stations" / "small.yaml", station_of({"T": "degC", "wv": "m/s"}))


def ingest(objects: ObjectStore, rows: pd.DataFrame, folder: Path) -> None:
    path = folder / "small.csv"
    rows.assign(time=rows["time"].dt.strftime("%Y-%m-%d %H:%M")).to_csv(path, index=False)
    request = steps.IngestRequest.of({"station": "small", "paths": [str(path)]})
    steps.store_batch(objects, steps.validate_batch(objects, steps.fetch_batch(objects, request, "i1")))


def build(objects: ObjectStore, backtest_id: str = "b1", **request: Any) -> dict[str, Any]:
    wanted = {"station": "small", "as_of": "2021-12-01", "architectures": ["naive", "dense"], **FOLDS, **request}
    return steps.build_backtest(objects, steps.BacktestRequest.of(wanted).checked(), backtest_id)


def run(objects: ObjectStore, backtest_id: str = "b1", **request: Any) -> dict[str, Any]:
    """A whole backtest of one epoch; entrants that fail are left to the summary."""
    from tsflow.settings import override

    override(["profiles.full.max_epochs=1"])
    built = build(objects, backtest_id, **request)
    for fold in built["folds"]:
        for name in built["entrants"]:
            try:
                steps.backtest_entrant(objects, backtest_id, fold, name)
            except MemoryError:
                continue
    return steps.summarise_backtest(objects, backtest_id)


def candidate(objects: ObjectStore, fold: str, architecture: str) -> dict[str, Any]:
    key = keys.candidate(keys.fold_folder("b1", fold), architecture)
    facts: dict[str, Any] = from_json(objects.get(key), key)
    return facts


def everything(objects: ObjectStore) -> dict[str, bytes]:
    return {key: objects.get(key) for key in objects.keys("")}


def test_a_backtest_pools_what_every_entrant_forecast_in_every_fold(
    objects: ObjectStore, station: Path, rows: pd.DataFrame, tmp_path: Path
):
    ingest(objects, rows, tmp_path)
    done = run(objects, folds=3)
    summary = steps.latest_summary(objects, "b1")
    assert list(summary.folds) == ["2021-02-20", "2021-03-12", "2021-04-01"]
    assert [entrant.status for entrant in summary.entrants] == ["ok", "ok"]
    naive = summary.entrant("naive")
    assert naive.errors.origins == 3 * 10 * 24
    assert naive.errors.mae == pytest.approx(summary.naive.mae, abs=1e-6)  # float32 in the model
    assert naive.skill == pytest.approx(0, abs=1e-6)
    # Against the rows themselves: the target is 24 hours after the origin, in the last 10 days before each fold's end.
    temperature = rows.set_index("time")["T"]
    by_hand = []
    for back in (40, 20, 0):
        end = rows["time"].iloc[-1] - pd.Timedelta(days=back)
        targets = temperature[(temperature.index > end - pd.Timedelta(days=10)) & (temperature.index <= end)]
        by_hand.append(np.abs(targets.to_numpy() - temperature[targets.index - pd.Timedelta(days=1)].to_numpy()))
    assert summary.naive.mae == pytest.approx(np.concatenate(by_hand).mean())
    assert list(summary.naive.by_fold.values()) == pytest.approx([errors.mean() for errors in by_hand])
    assert summary.leader == done["leader"] == summary.entrants[0].architecture
    assert all(entrant.mae_low < entrant.errors.mae < entrant.mae_high for entrant in summary.entrants)
    folder = "backtests/b1/summary/001/"
    assert objects.keys(folder) == [f"{folder}summary.{kind}" for kind in ("html", "json", "parquet")]
    table = from_parquet(objects.get(f"{folder}summary.parquet"), "summary")
    pd.testing.assert_frame_equal(table, summary.table(), check_dtype=False)
    assert steps.backtests_of(objects, "small") == ["b1"]
    assert steps.backtests_of(objects, "demo") == []


def test_what_is_fitted_in_a_fold_saw_its_training_rows_alone(
    objects: ObjectStore, station: Path, rows: pd.DataFrame, tmp_path: Path
):
    ingest(objects, rows, tmp_path)
    run(objects, architectures=["dense"])
    means = []
    for name, fold in read_backtest(objects, "b1")["folds"].items():
        train = rows[rows["time"] <= Fold.model_validate(fold["times"]).train_end]["T"]
        model = from_keras(candidate_file(objects, candidate(objects, name, "dense"), "model.keras"))
        head = model.get_layer("forecast")  # back from standard units to degC
        assert head.offset == pytest.approx(train.mean())
        assert head.scale == pytest.approx(train.std(ddof=0))
        means.append(train.mean())
    assert len({round(mean, 6) for mean in means}) == 2


def test_rows_after_a_folds_test_part_change_nothing_in_it(
    objects: ObjectStore, store_settings: ObjectStoreSettings, station: Path, rows: pd.DataFrame, tmp_path: Path
):
    other = ObjectStore.from_settings(store_settings.model_copy(update={"bucket": f"{objects.bucket[:30]}-later"}))
    other.ensure_bucket()
    end = rows["time"].iloc[-1] - pd.Timedelta(days=20)  # of the first fold's test part
    changed = rows.assign(T=rows["T"].where(rows["time"] <= end, rows["T"] + 7))
    for store, frame in ((objects, rows), (other, changed)):
        ingest(store, frame, tmp_path)
        run(store)
    first, second = read_backtest(objects, "b1")["folds"]
    for name in ("naive", "dense"):
        same, later = (
            [candidate_predictions(store, candidate(store, fold, name))["forecast"] for store in (objects, other)]
            for fold in (first, second)
        )
        np.testing.assert_array_equal(*same)
        assert not np.array_equal(*later)  # the second fold tests rows that did change


def test_a_sliding_backtest_trains_on_as_many_days_in_each_fold(
    objects: ObjectStore, station: Path, rows: pd.DataFrame, tmp_path: Path
):
    ingest(objects, rows, tmp_path)
    run(objects, architectures=["naive"], train_days=30)
    summary = steps.latest_summary(objects, "b1")
    assert [fold["train"]["rows"] for fold in summary.folds.values()] == [720] * 2
    assert [fold["train"]["first"] for fold in summary.folds.values()] == sorted(
        {fold["train"]["first"] for fold in summary.folds.values()}
    )


def test_every_step_of_a_backtest_may_run_twice(objects: ObjectStore, station: Path, rows: pd.DataFrame, tmp_path: Path):
    ingest(objects, rows, tmp_path)
    first = run(objects)
    before = everything(objects)
    assert run(objects) == first
    assert everything(objects) == before


def test_trainings_of_the_same_folds_are_reused_by_the_next_backtest(
    objects: ObjectStore, station: Path, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ingest(objects, rows, tmp_path)
    run(objects)
    monkeypatch.setattr("tsflow.steps.train.train", None)  # would fail if it were called
    # Without the newest 20 days, the older fold is the last one of a shorter record.
    run(objects, "b2", as_of=f"{rows['time'].iloc[-1] - pd.Timedelta(days=20)}", folds=1)
    first, second = (steps.latest_summary(objects, name) for name in ("b1", "b2"))
    assert list(second.folds) == list(first.folds)[:1]
    name = next(iter(second.folds))
    assert second.entrant("dense").errors.by_fold[name] == first.entrant("dense").errors.by_fold[name]


def test_a_failed_fold_is_shown_with_its_reason_and_may_be_trained_after_all(
    objects: ObjectStore, station: Path, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import tsflow.steps.train as module

    ingest(objects, rows, tmp_path)
    lost = list(build(objects)["folds"])[1]
    train = module.train

    def no_memory(architecture: Any, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        if architecture.architecture == "dense" and dataset.split_name == f"fold {lost}":
            raise MemoryError("out of memory")
        return train(architecture, dataset, *args, **kwargs)

    monkeypatch.setattr(module, "train", no_memory)
    run(objects)
    monkeypatch.undo()
    dense = steps.latest_summary(objects, "b1").entrant("dense")
    assert (dense.rank, dense.status, dense.failures) == (None, "incomplete", {lost: "MemoryError: out of memory"})
    assert lost not in dense.errors.by_fold
    page = objects.get("backtests/b1/summary/001/summary.html").decode()
    assert f"{lost} failed: MemoryError: out of memory" in page
    assert "1 of 2 folds" in page
    assert steps.latest_summary(objects, "b1").leader == "naive"
    steps.backtest_entrant(objects, "b1", lost, "dense")
    assert steps.summarise_backtest(objects, "b1")["summary"] == "backtests/b1/summary/002/summary.json"
    assert steps.latest_summary(objects, "b1").entrant("dense").status == "ok"


def test_a_backtest_without_any_result_says_so(objects: ObjectStore, station: Path, rows: pd.DataFrame, tmp_path: Path):
    ingest(objects, rows, tmp_path)
    first = next(iter(build(objects)["folds"]))
    with pytest.raises(SettingsError, match="'b1' has no summary"):
        steps.latest_summary(objects, "b1")
    with pytest.raises(
        TrainingError, match=r"no entrant could be trained in any fold: dense: left no result.*; naive: left no result"
    ):
        steps.summarise_backtest(objects, "b1")
    with pytest.raises(UnknownName, match=rf"unknown fold of backtest b1 '2020-01-01'; valid: {first}"):
        steps.backtest_entrant(objects, "b1", "2020-01-01", "naive")
    with pytest.raises(SettingsError, match="no backtest 'b0'"):
        steps.summarise_backtest(objects, "b0")


def test_a_record_too_short_for_the_folds_names_the_fold(objects: ObjectStore, station: Path, rows: pd.DataFrame, tmp_path: Path):
    ingest(objects, rows, tmp_path)
    with pytest.raises(NotEnoughData, match=r"fold 1 of 6 .* give fewer folds \(at most 5\)"):
        build(objects, folds=6)
    with pytest.raises(SettingsError, match="step_days 5 is shorter than test_days 10"):
        build(objects, step_days=5)
    assert objects.find(keys.backtest("b1", "backtest.json")) is None
