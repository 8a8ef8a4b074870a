"""Folds of a rolling-origin backtest, against tables made by hand."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from conftest import hourly_rows
from tsflow.backtesting.folds import dataset_of_fold, require_windows, rolling_folds
from tsflow.errors import NotEnoughData, SettingsError
from tsflow.records.backtest import Fold, FoldPlan
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.task import Task
from tsflow.windows.dataset import Dataset

FIRST, LAST = datetime(2013, 1, 1, 1), datetime(2015, 1, 1)
WINDOWS = Task(target="T", context_hours=24, horizon_hours=6)


def record(frame: pd.DataFrame, fold: Fold) -> Dataset:
    return Dataset("small", WINDOWS, {"T": "degC"}, frame, fold.split, "backtest", HourlySettings(), HourlyReport())


def days(folds: list[Fold]) -> list[tuple[str, ...]]:
    """The ends of each fold's parts, as dates."""
    return [tuple(f"{end:%Y-%m-%d}" for end in (fold.train_end, fold.validation_end, fold.test_end)) for fold in folds]


def test_four_folds_of_the_default_step_test_the_four_seasons():
    folds = rolling_folds(FIRST, LAST, FoldPlan(folds=4, test_days=60, validation_days=30))
    assert days(folds) == [
        ("2014-01-03", "2014-02-02", "2014-04-03"),
        ("2014-04-04", "2014-05-04", "2014-07-03"),
        ("2014-07-04", "2014-08-03", "2014-10-02"),
        ("2014-10-03", "2014-11-02", "2015-01-01"),
    ]
    assert [fold.name for fold in folds] == ["2014-02-02", "2014-05-04", "2014-08-03", "2014-11-02"]
    assert {fold.train_start for fold in folds} == {None}


def test_sliding_folds_train_on_the_same_number_of_days():
    folds = rolling_folds(FIRST, LAST, FoldPlan(folds=3, test_days=10, validation_days=5, train_days=100, step_days=10))
    assert days(folds) == [
        ("2014-11-27", "2014-12-02", "2014-12-12"),
        ("2014-12-07", "2014-12-12", "2014-12-22"),
        ("2014-12-17", "2014-12-22", "2015-01-01"),
    ]
    assert [fold.train_start for fold in folds] == [datetime(2014, 8, 19), datetime(2014, 8, 29), datetime(2014, 9, 8)]


def test_long_test_parts_follow_each_other_without_overlap():
    folds = rolling_folds(FIRST, LAST, FoldPlan(folds=3, test_days=120, validation_days=30))
    assert [later.validation_end for later in folds[1:]] == [earlier.test_end for earlier in folds[:-1]]


def test_a_fold_is_named_by_the_first_day_it_tests():
    fold = rolling_folds(
        datetime(2014, 1, 1, 0, 10), datetime(2014, 12, 30, 23, 10), FoldPlan(folds=1, test_days=1, validation_days=1)
    )[0]
    assert (fold.validation_end, fold.name) == (datetime(2014, 12, 29, 23, 10), "2014-12-30")


@pytest.mark.parametrize("train_days", [None, 40])
def test_the_parts_of_a_fold_have_the_rows_of_its_days(train_days: int | None):
    frame = hourly_rows(24 * 120, start="2013-01-01 01:00").assign(segment=0)
    first, last = frame["time"].iloc[0].to_pydatetime(), frame["time"].iloc[-1].to_pydatetime()
    folds = rolling_folds(first, last, FoldPlan(folds=3, test_days=20, validation_days=10, train_days=train_days, step_days=20))
    tested = []
    for number, fold in enumerate(folds):
        dataset = dataset_of_fold(fold, record(frame, folds[-1]))
        train = (train_days or 50 + 20 * number) * 24
        assert (dataset.bounds.a, dataset.bounds.b - dataset.bounds.a, dataset.bounds.n - dataset.bounds.b) == (train, 240, 480)
        assert len(dataset.frame) == dataset.bounds.n  # nothing after the test part
        np.testing.assert_allclose(dataset.scaler.mean, frame.loc[frame["time"].isin(dataset.times[:train]), "T"].mean())
        tested.append(dataset.times[dataset.origins("test") + WINDOWS.horizon_hours])
    targets = np.concatenate(tested)
    assert (np.diff(targets) > np.timedelta64(0)).all()
    assert len(targets) == 3 * 480


def test_a_fold_does_not_know_what_came_after_it():
    frame = hourly_rows(24 * 120, start="2013-01-01 01:00").assign(segment=0)
    first, last = frame["time"].iloc[0].to_pydatetime(), frame["time"].iloc[-1].to_pydatetime()
    folds = rolling_folds(first, last, FoldPlan(folds=2, test_days=20, validation_days=10, step_days=20))
    later = frame["time"] > folds[0].test_end
    changed = frame.assign(T=frame["T"].where(~later, 99.0))
    before, after = (dataset_of_fold(folds[0], record(rows, folds[-1])) for rows in (frame, changed))
    assert before.fingerprint == after.fingerprint
    assert (
        dataset_of_fold(folds[1], record(frame, folds[-1])).fingerprint
        != dataset_of_fold(folds[1], record(changed, folds[-1])).fingerprint
    )


def test_as_many_folds_as_are_said_to_fit_do_fit():
    with pytest.raises(NotEnoughData) as caught:
        rolling_folds(FIRST, LAST, FoldPlan(folds=9, test_days=60, validation_days=60))
    assert "fold 1 of 9 (test to 2013-01-03) would train on rows up to 2012-09-05 00:00" in str(caught.value)
    assert "the record begins on 2013-01-01 01:00" in str(caught.value)
    assert "give fewer folds (at most 7), shorter parts" in str(caught.value)
    assert len(rolling_folds(FIRST, LAST, FoldPlan(folds=7, test_days=60, validation_days=60))) == 7
    with pytest.raises(NotEnoughData, match="fold 1 of 8"):
        rolling_folds(FIRST, LAST, FoldPlan(folds=8, test_days=60, validation_days=60))


def test_a_sliding_fold_that_would_begin_before_the_record_says_so():
    with pytest.raises(NotEnoughData, match=r"fold 1 of 1 .* would train on 365 days up to .*; give shorter parts"):
        rolling_folds(LAST - timedelta(days=100), LAST, FoldPlan(folds=1, test_days=10, validation_days=10, train_days=365))


def test_a_record_that_is_just_long_enough_is_enough():
    plan = {"folds": 1, "test_days": 10, "validation_days": 10, "train_days": 30}
    assert len(rolling_folds(LAST - timedelta(days=50) + timedelta(hours=1), LAST, FoldPlan(**plan))) == 1
    with pytest.raises(NotEnoughData):
        rolling_folds(LAST - timedelta(days=50) + timedelta(hours=2), LAST, FoldPlan(**plan))


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"folds": 0, "test_days": 10, "validation_days": 10}, "folds 0: expected 1 or more"),
        ({"folds": 1, "test_days": 10, "validation_days": 0}, "validation_days 0: expected 1 or more"),
        ({"folds": 1, "test_days": 10, "validation_days": 5, "train_days": 0}, "train_days 0: expected 1 or more"),
        ({"folds": 2, "test_days": 10, "validation_days": 5, "step_days": 9}, "step_days 9 is shorter than test_days 10"),
    ],
)
def test_a_plan_that_cannot_be_is_named(plan: dict, says: str):
    with pytest.raises(SettingsError, match=says):
        rolling_folds(FIRST, LAST, FoldPlan(**plan))


def test_a_fold_in_a_gap_is_named_with_the_remedy():
    frame = hourly_rows(24 * 365, start="2013-01-01 01:00").assign(segment=0)
    last = frame["time"].iloc[-1].to_pydatetime()
    folds = rolling_folds(frame["time"].iloc[0].to_pydatetime(), last, FoldPlan(folds=3, test_days=30, validation_days=20))
    gone = (frame["time"] > folds[1].validation_end) & (frame["time"] <= folds[1].test_end)
    frame = frame[~gone].assign(segment=(frame["time"] > folds[1].test_end).astype(int)[~gone]).reset_index(drop=True)
    with pytest.raises(NotEnoughData) as caught:
        require_windows(record(frame, folds[-1]), folds)
    assert f"fold {folds[1].name} (2 of 3): too few rows for one window in test" in str(caught.value)
    assert "give fewer folds (at most 1), shorter parts" in str(caught.value)


def test_a_fold_with_too_short_a_training_part_is_named():
    frame = hourly_rows(24 * 20 + 10, start="2013-01-01 01:00").assign(segment=0)
    first, last = frame["time"].iloc[0].to_pydatetime(), frame["time"].iloc[-1].to_pydatetime()
    folds = rolling_folds(first, last, FoldPlan(folds=1, test_days=10, validation_days=10))
    with pytest.raises(NotEnoughData, match=r"\(1 of 1\): too few rows for one window in train.*give shorter parts"):
        require_windows(record(frame, folds[-1]), folds)


def test_a_fold_with_an_empty_part_is_no_fold():
    with pytest.raises(ValidationError, match="must follow each other"):
        Fold(train_end=FIRST, validation_end=FIRST, test_end=LAST)
