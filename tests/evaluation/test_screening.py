"""Which further quantities are read: those that help on hours that were not learnt, and no others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mast
from telling import UNITS, record
from tsflow.architectures.network import Network
from tsflow.architectures.registry import load_architecture
from tsflow.architectures.tabular import Tabular
from tsflow.backtesting.folds import dataset_of_fold
from tsflow.errors import NotEnoughData
from tsflow.evaluation.screening import blocked_folds, screening, with_screening
from tsflow.evaluation.screening_told import screening_told
from tsflow.features.channels import Channels
from tsflow.records.dataset import Screened
from tsflow.records.store import Records
from tsflow.requests.checking import checked
from tsflow.settings import settings
from tsflow.splits import FractionSplit, RecentSplit
from tsflow.task import Task
from tsflow.windows.dataset import Dataset
from tsflow.windows.fingerprint import _settings
from workflow import AS_OF, build, ingest, plan_backtest, rank, train


def found(dataset: Dataset) -> dict[str, Screened]:
    return {each.quantity: each for each in screening(dataset)}


@pytest.mark.parametrize("told_by", ["SWDR", "wd"])
def test_what_tells_of_tomorrow_is_read_and_what_says_nothing_is_not(told_by: str):
    seen = found(record(400, told_by=told_by))
    assert {name for name, each in seen.items() if each.read} == {told_by}
    assert seen[told_by].low > 0.1
    assert all(each.low <= each.gain <= each.high for each in seen.values())
    assert seen["CO2"].low < 0.01


def test_validation_and_test_part_have_no_say():
    dataset = record(400, told_by="SWDR")
    frame = dataset.frame.copy()
    frame.loc[dataset.bounds.a :, list(UNITS)] = 7.0
    assert screening(replace(dataset, frame=frame)) == screening(dataset)


def test_no_fold_holds_an_hour_of_another():
    dataset = record(400, told_by="SWDR")
    starts, fold = blocked_folds(dataset)
    hours = [{hour for start in starts[fold == number] for hour in range(start, start + dataset.task.span)} for number in range(5)]
    assert all(hours)
    assert sum(map(len, hours)) == len(set.union(*hours))
    assert max(set.union(*hours)) < dataset.bounds.a


def gappy(dataset: Dataset, missing: np.ndarray, **changes: object) -> Dataset:
    """The dataset without some hours."""
    frame = dataset.frame[~missing].reset_index(drop=True)
    hours = frame["time"].diff() / pd.Timedelta(hours=1)
    return replace(dataset, frame=frame.assign(segment=(hours > 1).cumsum()), **changes)


def test_folds_are_dealt_by_the_blocks_that_there_are():
    dataset = record(1400, told_by="SWDR")
    block = np.arange(len(dataset.frame)) // (24 * 28)
    sparse = gappy(dataset, block % 5 != 0)  # by number all blocks that are there would be of one fold
    _, fold = blocked_folds(sparse)
    assert set(fold) == set(range(5))
    assert found(sparse)["SWDR"].read


def test_a_window_over_a_gap_lies_in_no_block_that_it_leaves():
    dataset = record(400, told_by="SWDR")
    hour = np.arange(len(dataset.frame)) % (24 * 28)
    split = FractionSplit(train=0.6, validation=0.2, test=0.2, count_rows=True)  # whose windows run over gaps
    holed = gappy(dataset, (hour > 24 * 20) & (hour < 24 * 24), split=split)
    starts, fold = blocked_folds(holed)
    rows = [{row for start in starts[fold == number] for row in range(start, start + holed.task.span)} for number in range(5)]
    assert sum(map(len, rows)) == len(set.union(*rows))


def test_a_long_context_has_longer_blocks():
    dataset = record(1500, told_by="SWDR", task=Task(target="T", context_hours=720))
    starts, fold = blocked_folds(dataset)
    assert set(fold) == set(range(5))
    assert len(starts) > 10_000


def test_a_record_of_some_months_has_too_few_days_to_say():
    dataset = record(180, told_by="SWDR")
    with pytest.raises(NotEnoughData, match="4 blocks of 28 days, expected at least 5; give a longer training part"):
        blocked_folds(dataset)
    seen = found(dataset)
    assert {name: (each.read, each.gain) for name, each in seen.items()} == dict.fromkeys(("wd", "SWDR", "CO2"), (False, None))
    recipes = {name: load_architecture(name) for name in ("naive", "dense", "ridge", "lightgbm")}
    (sentence,) = screening_told(list(seen.values()), "degC", recipes)
    assert sentence == ("ridge, lightgbm: leave out wd, SWDR, CO2, as the training part has too few days to say whether it helps.")
    assert screening_told(list(seen.values()), "degC", {"dense": recipes["dense"]}) == [], "it reads all there is in any case"


def test_a_station_without_them_and_a_direction_without_a_speed_are_not_screened():
    assert screening(record(400, told_by="SWDR", units={"T": "degC", "wv": "m/s"})) == []
    assert screening(record(400, told_by="wd", units={"T": "degC", "wd": "deg"})) == []


def test_a_quantity_is_found_under_any_name_and_the_target_is_never_screened():
    dataset = record(400, told_by="SWDR", units={"T": "degC", "SWDR": "W/m^2"})
    frame = dataset.frame.rename(columns={"SWDR": "globe"})
    meant = {"globe": "surface_downwelling_shortwave_flux_in_air"}
    other = replace(dataset, frame=frame, units={"T": "degC", "globe": "W/m^2"}, quantities=meant)
    (globe,) = screening(other)
    assert (globe.quantity, globe.variable, globe.read) == ("SWDR", "globe", True)
    radiation = replace(other, task=Task(target="globe"))
    assert screening(radiation) == []
    assert radiation.helpful == ["SWDR"]
    assert b"helpful" not in _settings(radiation), "a dataset that was stored before anything was screened is still whole"
    ridge = load_architecture("ridge").on(radiation)
    assert isinstance(ridge, Tabular)
    assert "SWDR" in ridge.channels.measured, "a recipe that names the target reads it, whatever it asks of other stations"


def test_what_helps_is_part_of_the_fingerprint_and_comes_back_from_the_store(records: Records):
    dataset = record(400, told_by="SWDR")
    screened = with_screening(dataset)
    assert screened.helpful == ["SWDR"]
    assert screened.fingerprint != dataset.fingerprint
    nothing = replace(screened, screened=tuple(each.changed(read=False) for each in screened.screened))
    assert nothing.fingerprint == dataset.fingerprint, "a dataset of which nothing more is read is the one it was"
    back = Dataset.load(records, screened.save(records))
    assert back.screened == screened.screened


@pytest.mark.parametrize("name", ["ridge", "lightgbm", "conv_gru"])
def test_a_recipe_reads_what_helps_and_nothing_else(name: str):
    dataset, recipe = record(400, told_by="SWDR"), load_architecture(name)
    assert isinstance(recipe, (Tabular, Network))
    without, screened = recipe.on(dataset), recipe.on(with_screening(dataset))
    assert "SWDR" not in without.channels.measured
    assert set(screened.channels.measured) - set(without.channels.measured) == {"SWDR"}
    assert without.channels.wind is None
    if isinstance(screened, Tabular) and isinstance(without, Tabular):
        more = set(screened.table.names()) - set(without.table.names())
        assert more == {"SWDR", "SWDR_mean_3", "SWDR_mean_24", "SWDR_mean_72"}


def test_what_is_read_makes_a_better_forecast():
    dataset, recipe = record(400, told_by="wd"), load_architecture("ridge")
    assert isinstance(recipe, Tabular)
    errors = {}
    for each in (dataset, with_screening(dataset)):
        forecasts = recipe.on(each).fit(each, seed=1).predict(each.contexts(each.starts("test")))
        errors[tuple(each.helpful)] = float(np.abs(forecasts - each.targets("test")).mean())
    assert errors[("wd",)] < 0.8 * errors[()]


def test_a_name_that_the_channels_do_not_read_cannot_be_left_out():
    for spec in ({"measured": None}, {"measured": ["T", "surface_downwelling_shortwave_flux_in_air"]}):
        with pytest.raises(
            ValueError, match="if_it_helps: SWDR is no channel; name it under measured or wind by the same name, too"
        ):
            Channels(**spec, if_it_helps=["SWDR"])
    wind = Channels(measured=["T"], wind={"speed": "wv", "direction": "wd"}, if_there=["wv"], if_it_helps=["wd"])
    still = wind.within({"T", "wd"}, ["wd"])
    assert (still.wind, still.if_it_helps) == (None, [])


def test_nobody_looks_whether_pressure_helps():
    with pytest.raises(
        ValueError, match="if_it_helps: nobody looks whether p helps; write it under if_there, or take one of CO2, "
    ):
        Channels(measured=["T", "p"], if_it_helps=["p"])


PYRANOMETER = {
    "globe": {
        "column": "SR",
        "quantity": "surface_downwelling_shortwave_flux_in_air",
        "unit": "W/m^2",
        "range": [-10, 1500],
    }
}


@pytest.mark.parametrize("dies", [None, "halfway", "last week"])
def test_a_pyranometer_on_a_mast_is_read_until_it_dies(records: Records, home: Path, tmp_path: Path, dies: str | None):
    mast.write_mast(home, variables={**mast.MAST["variables"], **PYRANOMETER})
    rows = mast.simulated(300)
    tomorrow = rows["T"].shift(-48).sub(rows["T"]).rolling(49, min_periods=1).mean()  # half-hourly: a day ahead, as nothing real is
    values = (500 + 60 * tomorrow).clip(0, 1400).ffill().round(1)
    alive = {None: len(rows), "halfway": len(rows) // 2, "last week": len(rows) - 48 * 7}[dies]
    values[alive:] = -9999
    table = pd.read_csv(pd.io.common.BytesIO(mast.mast_csv(rows)), sep=";", decimal=",").assign(SR=values.to_numpy())
    path = tmp_path / "mast.csv"
    table.to_csv(path, index=False, sep=";", decimal=",")
    ingest(records, station="mast", as_of=mast.AS_OF, files=[path], history_days=None)
    built = build(records, station="mast", as_of=mast.AS_OF, profile="quick", architectures=["naive", "ridge"])
    for name in built.entrants:
        train(records, "r1", name)
    board, dataset = rank(records), Dataset.load(records, built.fingerprint)
    assert board.entrant("ridge").status == "ok"
    told = " ".join(board.warnings)
    if dies is None:
        assert dataset.helpful == ["SWDR"]
        assert "ridge: read globe (" in told
        assert "too, as it helps here (less error in degC of a linear model, on hours that it did not learn, with its 95 %" in told
        before = checked("mast", None, "quick", [str(path)], settings())
        assert before.warnings == [each.replace("ridge:", "ridge, lightgbm, mlp:") for each in board.warnings], (
            "`tsflow station check` says it before anything is stored"
        )
    else:
        assert dataset.helpful == []
        assert "globe was left out" in told
        assert "as it helps here" not in told


def test_each_fold_of_a_backtest_screens_on_its_own_training_part(records: Records):
    ingest(records, history_days=330)
    plan = plan_backtest(records, station="demo", as_of=AS_OF, folds=2, test_days=30, architectures=["naive"], profile="full")
    whole = Dataset.load(records, plan.fingerprint)
    assert whole.screened == ()
    first, second = (dataset_of_fold(each.times, whole) for each in plan.folds.values())
    assert [each.variable for each in first.screened] == ["max_wv", "wd"]
    assert list(first.screened) == screening(replace(first, screened=()))
    assert second.screened != first.screened
    assert [each.fingerprint for each in (first, second)] == [each.fingerprint for each in plan.folds.values()]


def test_a_split_whose_training_part_is_short_trains_without(records: Records, home: Path):
    ingest(records, history_days=180)
    built = build(records, architectures=["naive"], profile="quick")
    dataset = Dataset.load(records, built.fingerprint)
    assert isinstance(dataset.split, RecentSplit)
    assert {each.quantity for each in dataset.screened} == {"wd", "max_wv"}
    assert dataset.helpful == []
