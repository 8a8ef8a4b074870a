"""Windows, splits and scaling against slow loops and hand-made tables."""

import numpy as np
import pandas as pd
import pytest

from conftest import hourly_rows
from tsflow.errors import IntegrityError, NotEnoughData, SettingsError, UnknownName
from tsflow.records.dataset import HourlyReport
from tsflow.records.store import Records
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit, RecentSplit, SplitSettings
from tsflow.task import Task
from tsflow.windows.dataset import Dataset
from tsflow.windows.lags import lag_table
from tsflow.windows.refit import joined
from tsflow.windows.split import PARTS, index_windows

WINDOWS = Task(target="T")


def dataset(frame: pd.DataFrame, split: FractionSplit | RecentSplit, windows: Task = WINDOWS) -> Dataset:
    if "segment" not in frame:
        frame = frame.assign(segment=0)
    units = dict.fromkeys(frame.columns.drop(["time", "segment"]), "degC")
    return Dataset("small", windows, units, frame, split, "book", HourlySettings(), HourlyReport())


def test_target_of_a_window_is_24_hours_after_its_last_row():
    frame = hourly_rows(1000).assign(T=np.arange(1.0, 1001.0))
    data = dataset(frame, FractionSplit())
    first = data.contexts(data.starts("train")[:2])
    assert first.shape == (2, 120, 3)  # the target, and the calendar's two columns
    assert first[0, :, 0].tolist() == list(range(1, 121))  # [1 .. 120] -> [144]
    assert data.targets("train")[:2].tolist() == [144, 145]


def test_a_batch_of_the_published_example_has_its_shapes():
    data = dataset(hourly_rows(3000, features=14), FractionSplit())
    assert data.contexts(data.starts("train")[:256]).shape == (256, 120, 14 + 2)
    assert data.targets("train")[:256].shape == (256,)


def test_every_row_says_the_hour_and_the_day_of_the_year():
    data = dataset(hourly_rows(1000, start="2021-01-01 00:30"), FractionSplit())
    first = data.contexts(data.starts("train")[:1])[0]
    np.testing.assert_allclose(first[[0, 1, 23, 24], 1], [0.5, 1.5, 23.5, 0.5])
    np.testing.assert_allclose(first[[0, 24, 119], 2], [0.5 / 24, 1 + 0.5 / 24, 119.5 / 24], rtol=1e-6)


def test_a_refit_trains_on_train_and_validation_and_leaves_the_test_part_alone(records: Records):
    data = dataset(hourly_rows(1200), FractionSplit())
    refit = joined(data)
    assert refit.starts("train").tolist() == list(range(900 - 143))
    assert not len(refit.starts("validation"))
    assert refit.starts("test").tolist() == data.starts("test").tolist()
    assert refit.fingerprint != data.fingerprint
    assert Dataset.load(records, refit.save(records)).bounds == refit.bounds


@pytest.mark.parametrize(
    "split", [FractionSplit(), FractionSplit(whole_windows=False, count_rows=False), RecentSplit(validation_days=9, test_days=8)]
)
def test_the_gather_equals_a_slow_loop_that_knows_parts_and_gaps(split: FractionSplit | RecentSplit):
    frame = hourly_rows(1500, features=3).assign(segment=np.repeat([0, 1, 2], [400, 700, 400]))
    data = dataset(frame, split)
    for part in PARTS:
        first, after = data.bounds.of(part)
        contexts, targets = [], []
        for target in range(first, after):
            start = target - 143
            if start < (first if split.whole_windows else 0):
                continue
            if not split.count_rows and frame["segment"][start] != frame["segment"][target]:
                continue
            contexts.append(data.rows[start : start + 120])
            targets.append(data.values[target, 0])
        found = np.concatenate(list(data.batches(part, size=100)))
        np.testing.assert_array_equal(found, np.array(contexts, dtype=np.float32))
        np.testing.assert_array_equal(data.targets(part), targets)


def test_no_window_spans_a_gap_unless_the_split_counts_rows():
    frame = hourly_rows(1200).assign(segment=np.repeat([0, 1], [300, 900]))
    apart = dataset(frame, FractionSplit(count_rows=False))
    starts = apart.starts("train")
    assert not ((starts < 300) & (starts + 143 >= 300)).any()
    assert len(dataset(frame, FractionSplit()).starts("train")) - len(starts) == 143


def test_the_book_split_counts_rows_as_published():
    n = 52_528
    times = np.datetime64("2009-01-01") + np.arange(n) * np.timedelta64(1, "h")
    limits, starts = index_windows(times, np.zeros(n, dtype=np.int64), WINDOWS, FractionSplit())
    assert [len(starts[part]) for part in PARTS] == [26_121, 12_989, 12_989]
    two_thirds = FractionSplit(train=2 / 3, validation=1 / 3, test=0)
    limits, starts = index_windows(times, np.zeros(n, dtype=np.int64), WINDOWS, two_thirds)
    assert (limits.a, limits.b - limits.a, len(starts["test"])) == (35_019, 17_509, 0)


def test_the_recent_split_is_cut_by_the_time_of_the_target():
    data = dataset(hourly_rows(24 * 100), RecentSplit(validation_days=10, test_days=5))
    targets = {part: data.times[data.origins(part) + 24] for part in PARTS}
    end = data.times[-1]
    assert targets["test"].min() > end - np.timedelta64(5, "D") >= targets["validation"].max()
    assert targets["validation"].min() > end - np.timedelta64(15, "D") >= targets["train"].max()
    assert len(targets["test"]) == 5 * 24


def test_a_short_record_keeps_enough_to_train_on():
    data = dataset(hourly_rows(24 * 100), RecentSplit(validation_days=60, test_days=60))
    assert len(data.starts("test")) == pytest.approx(0.2 * 2400, abs=2)


def test_the_scaler_knows_the_training_part_only():
    frame = hourly_rows(1000, features=2)
    data = dataset(frame, FractionSplit())
    changed = frame.copy()
    changed.loc[500:, ["T", "f1"]] += 100
    np.testing.assert_array_equal(data.scaler.mean, dataset(changed, FractionSplit()).scaler.mean)
    assert data.scaler.mean[0] == pytest.approx(frame["T"][:500].mean())
    assert data.scaler.deviation[1] == pytest.approx(frame["f1"][:500].std(ddof=0))


def test_a_feature_that_does_not_vary_is_only_centred():
    assert dataset(hourly_rows(1000).assign(f=3.0), FractionSplit()).scaler.deviation[1] == 1


def test_too_few_rows_say_how_many_are_needed():
    with pytest.raises(
        NotEnoughData, match=r"a window needs 144 consecutive hourly rows.*found 400 rows.*train 200, validation 100, test 100"
    ):
        dataset(hourly_rows(400), FractionSplit()).starts("train")


def test_an_unknown_split_lists_the_known_ones():
    with pytest.raises(UnknownName, match="unknown split 'kfold'; valid: book, recent"):
        SplitSettings().named("kfold")


def test_a_dataset_comes_back_from_the_store_under_its_fingerprint(records: Records):
    data = dataset(hourly_rows(1000, features=3), FractionSplit())
    again = Dataset.load(records, data.save(records))
    assert again.fingerprint == data.fingerprint
    np.testing.assert_array_equal(again.values, data.values)
    assert again.parts() == data.parts()


def test_the_fingerprint_follows_rows_and_settings():
    frame = hourly_rows(1000)
    same, other_split = dataset(frame, FractionSplit()), dataset(frame, FractionSplit(count_rows=False))
    other_rows = frame.copy()
    other_rows.loc[3, "T"] += 1e-9
    assert dataset(frame.copy(), FractionSplit()).fingerprint == same.fingerprint
    assert len({same.fingerprint, other_split.fingerprint, dataset(other_rows, FractionSplit()).fingerprint}) == 3


def test_a_damaged_dataset_is_not_used(records: Records, store_settings):
    data = dataset(hourly_rows(1000), FractionSplit())
    fingerprint = data.save(records)
    key = f"datasets/{fingerprint}/frame.parquet"
    _, etag = records.objects.get_tagged(key)
    other = dataset(hourly_rows(1000, seed=1), FractionSplit())
    records.objects.swap(key, other._body, etag)
    with pytest.raises(IntegrityError, match="the dataset was damaged"):
        Dataset.load(records, fingerprint)


def test_the_lectures_ten_numbers_single_output():
    table = lag_table(range(1, 11), lags=4)
    assert list(table.columns) == ["y_{t-4}", "y_{t-3}", "y_{t-2}", "y_{t-1}", "y_t"]
    assert table.to_numpy().tolist() == [[i, i + 1, i + 2, i + 3, i + 4] for i in range(1, 7)]


def test_the_lectures_ten_numbers_multi_output():
    table = lag_table(range(1, 11), lags=4, steps=3)
    assert table.to_numpy().tolist() == [list(range(i, i + 7)) for i in range(1, 5)]
    whole = lag_table(range(1, 11), lags=4, steps=3, complete=False)
    assert len(whole) == 6
    assert whole["y_t"].tolist() == [5, 6, 7, 8, 9, 10]
    assert whole["y_{t+2}"].isna().sum() == 2


def test_lag_tables_refuse_what_gives_no_row():
    with pytest.raises(NotEnoughData, match="4 lags and 3 steps need 7 values or more, found 6"):
        lag_table(range(6), lags=4, steps=3)
    with pytest.raises(SettingsError, match="lags and steps must be 1 or more"):
        lag_table(range(6), lags=0)
    with pytest.raises(SettingsError, match="one series"):
        lag_table(np.zeros((3, 3)), lags=1)
