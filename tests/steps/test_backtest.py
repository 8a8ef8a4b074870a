"""The steps of a backtest against a real object store: 100 days of hourly rows, folds of a few days."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import hourly_rows, station_of, write_station
from tsflow.backtesting.reading import newest_backtest
from tsflow.backtesting.summary import table as table_of
from tsflow.errors import NotEnoughData, SettingsError, TrainingError, UnknownName
from tsflow.records.backtest import Backtest, BacktestEntrant, BacktestPlan
from tsflow.records.store import Records
from tsflow.settings import ObjectStoreSettings, override
from tsflow.storage.codecs import from_parquet
from tsflow.training.export import from_keras
from workflow import backtest_entrant, fold_candidate, forecasts, ingest, plan_backtest, summarise, summary

FOLDS = {"folds": 2, "test_days": 10, "validation_days": 8, "step_days": 20}


@pytest.fixture
def rows() -> pd.DataFrame:
    return hourly_rows(24 * 100, features=2).rename(columns={"f1": "wv"})


@pytest.fixture
def station(home: Path) -> Path:
    """A home with the station `small`, of T and wv."""
    return write_station(home / "include" / "stations" / "small.yaml", station_of({"T": "degC", "wv": "m/s"}))


def store(records: Records, rows: pd.DataFrame, folder: Path) -> None:
    path = folder / "small.csv"
    rows.assign(time=rows["time"].dt.strftime("%Y-%m-%d %H:%M")).to_csv(path, index=False)
    ingest(records, station="small", as_of=None, history_days=None, files=[path])


def build(records: Records, backtest: str = "b1", **request: Any) -> BacktestPlan:
    wanted = {"station": "small", "as_of": "2021-12-01", "profile": "full", "architectures": ["naive", "dense"], **FOLDS, **request}
    return plan_backtest(records, backtest, **wanted)


def run(records: Records, backtest: str = "b1", **request: Any) -> Backtest:
    """A whole backtest of one epoch; entrants that fail are left to the summary."""
    override(["profiles.full.max_epochs=1"])
    built = build(records, backtest, **request)
    for fold in built.folds:
        for name in built.entrants:
            try:
                backtest_entrant(records, backtest, fold, name)
            except MemoryError:
                continue
    return summarise(records, backtest)


def everything(records: Records) -> dict[str, bytes]:
    return {key: records.objects.get(key) for key in records.objects.keys("")}


def test_a_backtest_pools_what_every_entrant_forecast_in_every_fold(
    records: Records, station: Path, rows: pd.DataFrame, tmp_path: Path
):
    store(records, rows, tmp_path)
    done = run(records, folds=3)
    found = summary(records)
    assert list(found.folds) == ["2021-02-20", "2021-03-12", "2021-04-01"]
    assert [entrant.status for entrant in found.entrants] == ["ok", "ok"]
    naive = found.entrant("naive")
    assert naive.errors.origins == 3 * 10 * 24
    assert naive.errors.mae == pytest.approx(found.naive.mae, abs=1e-6)  # float32 in the model
    assert naive.skill == pytest.approx(0, abs=1e-6)
    # Against the rows themselves: the target is 24 hours after the origin, in the last 10 days before each fold's end.
    temperature = rows.set_index("time")["T"]
    by_hand = []
    for back in (40, 20, 0):
        end = rows["time"].iloc[-1] - pd.Timedelta(days=back)
        targets = temperature[(temperature.index > end - pd.Timedelta(days=10)) & (temperature.index <= end)]
        by_hand.append(np.abs(targets.to_numpy() - temperature[targets.index - pd.Timedelta(days=1)].to_numpy()))
    assert found.naive.mae == pytest.approx(np.concatenate(by_hand).mean())
    assert list(found.naive.by_fold.values()) == pytest.approx([errors.mean() for errors in by_hand])
    assert found.leader == done.leader == found.entrants[0].architecture
    assert (found.reference, naive.verdict, found.entrant("dense").verdict) == ("naive", "reference", "unknown"), (
        "30 days say nothing"
    )
    assert [(entrant.mae_low, entrant.may_be_best) for entrant in found.entrants] == [(None, None)] * 2
    folder = "backtests/b1/summary/001/"
    assert records.objects.keys(folder) == [f"{folder}summary.{kind}" for kind in ("json", "parquet")]
    table = from_parquet(records.objects.get(f"{folder}summary.parquet"), "summary")
    pd.testing.assert_frame_equal(table, table_of(found), check_dtype=False)
    assert newest_backtest(records, "small").backtest == "b1"
    with pytest.raises(SettingsError, match="station demo has no backtest yet"):
        newest_backtest(records, "demo")


def test_a_backtest_compares_with_the_recipe_that_was_named(records: Records, station: Path, rows: pd.DataFrame, tmp_path: Path):
    store(records, rows, tmp_path)
    found = run(records, test_days=28, step_days=28, reference="dense")
    naive, dense = found.entrant("naive"), found.entrant("dense")
    assert (found.reference, dense.verdict) == ("dense", "reference")
    assert naive.difference == pytest.approx(naive.errors.mae - dense.errors.mae)
    assert naive.difference_low < naive.difference < naive.difference_high
    assert found.entrant(found.leader).may_be_best
    with pytest.raises(SettingsError, match=r"reference ridge is none of the architectures \(dense, naive\); add it, or name"):
        build(records, "b2", reference="ridge")


def test_what_is_fitted_in_a_fold_saw_its_training_rows_alone(records: Records, station: Path, rows: pd.DataFrame, tmp_path: Path):
    store(records, rows, tmp_path)
    run(records, architectures=["dense"])
    means = []
    for name, fold in records.read(BacktestPlan, backtest="b1").folds.items():
        train = rows[rows["time"] <= fold.times.train_end]["T"]
        model = from_keras(records.opened(fold_candidate(records, name, "dense").files["model.keras"]))
        head = model.get_layer("dense").get_layer("forecast")  # back from standard units to degC
        assert head.offset == pytest.approx(train.mean())
        assert head.scale == pytest.approx(train.std(ddof=0))
        means.append(train.mean())
    assert len({round(mean, 6) for mean in means}) == 2


def test_rows_after_a_folds_test_part_change_nothing_in_it(
    records: Records, store_settings: ObjectStoreSettings, station: Path, rows: pd.DataFrame, tmp_path: Path
):
    other = store_settings.model_copy(update={"bucket": f"{records.objects.bucket[:30]}-later"}).open()
    other.ensure_bucket()
    end = rows["time"].iloc[-1] - pd.Timedelta(days=20)  # of the first fold's test part
    changed = rows.assign(T=rows["T"].where(rows["time"] <= end, rows["T"] + 7))
    for place, frame in ((records, rows), (Records(other), changed)):
        store(place, frame, tmp_path)
        run(place)
    first, second = records.read(BacktestPlan, backtest="b1").folds
    for name in ("naive", "dense"):
        same, later = (
            [forecasts(place, fold_candidate(place, fold, name), "test")["forecast"] for place in (records, Records(other))]
            for fold in (first, second)
        )
        np.testing.assert_array_equal(*same)
        assert not np.array_equal(*later)  # the second fold tests rows that did change


def test_a_sliding_backtest_trains_on_as_many_days_in_each_fold(
    records: Records, station: Path, rows: pd.DataFrame, tmp_path: Path
):
    store(records, rows, tmp_path)
    run(records, architectures=["naive"], train_days=30)
    found = summary(records)
    assert [fold.train.rows for fold in found.folds.values()] == [720] * 2
    assert [fold.train.first for fold in found.folds.values()] == sorted({fold.train.first for fold in found.folds.values()})


def test_every_step_of_a_backtest_may_run_twice(records: Records, station: Path, rows: pd.DataFrame, tmp_path: Path):
    store(records, rows, tmp_path)
    first = run(records)
    before = everything(records)
    assert run(records) == first
    assert everything(records) == before


def test_trainings_of_the_same_folds_are_reused_by_the_next_backtest(
    records: Records, station: Path, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store(records, rows, tmp_path)
    run(records)
    monkeypatch.setattr("tsflow.training.once.train", None)  # would fail if it were called
    # Without the newest 20 days, the older fold is the last one of a shorter record.
    run(records, "b2", as_of=f"{rows['time'].iloc[-1] - pd.Timedelta(days=20)}", folds=1)
    first, second = (summary(records, name) for name in ("b1", "b2"))
    assert list(second.folds) == list(first.folds)[:1]
    name = next(iter(second.folds))
    assert second.entrant("dense").errors.by_fold[name] == first.entrant("dense").errors.by_fold[name]


def test_a_failed_fold_is_shown_with_its_reason_and_may_be_trained_after_all(
    records: Records, station: Path, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import tsflow.training.once as module

    store(records, rows, tmp_path)
    lost = list(build(records).folds)[1]
    train = module.train

    def no_memory(architecture: Any, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        if architecture.architecture == "dense" and dataset.split_name == f"fold {lost}":
            raise MemoryError("out of memory")
        return train(architecture, dataset, *args, **kwargs)

    monkeypatch.setattr(module, "train", no_memory)
    run(records)
    monkeypatch.undo()
    dense = summary(records).entrant("dense")
    assert (dense.rank, dense.status, dense.failures) == (None, "incomplete", {lost: "MemoryError: out of memory"})
    assert lost not in dense.errors.by_fold
    assert summary(records).leader == "naive"
    backtest_entrant(records, "b1", lost, "dense")
    assert summarise(records).number == 2
    assert summary(records).entrant("dense").status == "ok"


def test_a_recipe_that_is_edited_between_two_folds_is_trained_as_it_was(
    records: Records, station: Path, home: Path, rows: pd.DataFrame, tmp_path: Path
):
    store(records, rows, tmp_path)
    built = build(records, architectures=["naive", "climatology"])
    first, second = built.folds
    backtest_entrant(records, "b1", first, "climatology")
    path = home / "include" / "architectures" / "climatology.yaml"
    recipe = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**recipe, "title": "Another recipe", "day_harmonics": 1}))
    override(["profiles.full.max_epochs=1"])
    backtest_entrant(records, "b1", second, "climatology")
    recipes = [fold_candidate(records, fold, "climatology").settings for fold in (first, second)]
    assert recipes[0] == recipes[1]
    assert summary_of(records, built).title == recipe["title"]


def summary_of(records: Records, built: BacktestPlan) -> BacktestEntrant:
    for fold in built.folds:
        backtest_entrant(records, "b1", fold, "naive")
    return summarise(records).entrant("climatology")


def test_a_candidate_that_was_damaged_is_one_entrants_failure(records: Records, station: Path, rows: pd.DataFrame, tmp_path: Path):
    store(records, rows, tmp_path)
    done = run(records, architectures=["naive", "autoregression_direct"])
    lost = next(iter(done.folds))
    file = fold_candidate(records, lost, "autoregression_direct").files["predictions.parquet"]
    records.objects.delete([file.key])
    records.objects.put_new(file.key, b"no Parquet")
    found = summarise(records)
    assert found.entrant("naive").status == "ok"
    assert list(found.entrant("autoregression_direct").failures) == [lost]
    assert "the file was changed or damaged" in found.entrant("autoregression_direct").failures[lost]


def test_a_backtest_without_any_result_says_so(records: Records, station: Path, rows: pd.DataFrame, tmp_path: Path):
    store(records, rows, tmp_path)
    first = next(iter(build(records).folds))
    with pytest.raises(SettingsError, match="'b1' has no summary"):
        summary(records)
    with pytest.raises(
        TrainingError, match=r"no entrant could be trained in any fold: dense: left no result.*; naive: left no result"
    ):
        summarise(records, "b1")
    with pytest.raises(UnknownName, match=rf"unknown fold of backtest b1 '2020-01-01'; valid: {first}"):
        backtest_entrant(records, "b1", "2020-01-01", "naive")
    with pytest.raises(SettingsError, match="no BacktestPlan of backtest 'b0'"):
        summarise(records, "b0")


def test_a_record_too_short_for_the_folds_names_the_fold(records: Records, station: Path, rows: pd.DataFrame, tmp_path: Path):
    store(records, rows, tmp_path)
    with pytest.raises(NotEnoughData, match=r"fold 1 of 6 .* give fewer folds \(at most 5\)"):
        build(records, folds=6)
    with pytest.raises(SettingsError, match="step_days 5 is shorter than test_days 10"):
        build(records, step_days=5)
    assert records.find(BacktestPlan, backtest="b1") is None
