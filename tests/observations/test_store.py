"""Monthly partitions: nothing lost, nothing doubled, and the past as it was known."""

from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tsflow.observations.parts import overlay
from tsflow.observations.store import ObservationStore, Period
from tsflow.records.store import Records

MONDAY, TUESDAY, WEDNESDAY = (datetime(2021, 2, day) for day in (1, 2, 3))


def rows(start: str, values: list[float], name: str = "T") -> pd.DataFrame:
    times = pd.date_range(start, periods=len(values), freq="10min").astype("datetime64[us]")
    return pd.DataFrame({"time": times, name: values})


def test_months_are_partitions_and_reading_joins_them(records: Records):
    store = ObservationStore(records, "s")
    done = store.upsert(rows("2021-01-31 23:40", [1, 2, 3, 4.5]), known_at=MONDAY)
    assert (done.new_rows, len(done.parts)) == (4, 2)
    assert done.parts[0].startswith("observations/station=s/year=2021/month=01/")
    assert store.read()["T"].tolist() == [1, 2, 3, 4.5]
    assert store.read(Period(start=datetime(2021, 1, 31, 23, 50)))["T"].tolist() == [3, 4.5]
    assert store.read(Period(end=datetime(2021, 2, 1, 0, 0)))["T"].tolist() == [1, 2, 3]
    assert store.last_time() == datetime(2021, 2, 1, 0, 10)


def test_the_same_rows_again_write_nothing(records: Records):
    store = ObservationStore(records, "s")
    store.upsert(rows("2021-01-05", [1, np.nan, 3]), known_at=MONDAY)
    again = store.upsert(rows("2021-01-05", [1, np.nan, 3]), known_at=TUESDAY)
    assert (again.new_rows, again.changed_rows, again.same_rows, again.parts) == (0, 0, 3, [])


def test_a_correction_wins_from_the_day_it_was_known(records: Records):
    store = ObservationStore(records, "s")
    store.upsert(rows("2021-01-05", [1, 2, 3]), known_at=datetime(2021, 1, 6))
    done = store.upsert(rows("2021-01-05", [1, 20, 3, 4]), known_at=datetime(2021, 1, 10))
    assert (done.new_rows, done.changed_rows, done.same_rows) == (1, 1, 2)
    assert store.read()["T"].tolist() == [1, 20, 3, 4]
    assert store.read(Period(known_at=datetime(2021, 1, 8)))["T"].tolist() == [1, 2, 3], "the fourth was not known"
    before_all = Period(known_at=datetime(2021, 1, 5))
    assert store.read(before_all)["T"].tolist() == [1, 2, 3, 4], "first versions"
    assert (store.began_after(before_all.known_at), store.began_after(datetime(2021, 1, 8))) == (True, False)


def test_days_of_history_count_from_the_last_row_and_not_from_today(records: Records):
    store = ObservationStore(records, "s")
    times = pd.date_range("2016-11-20", periods=70 * 24, freq="h").astype("datetime64[us]")
    store.upsert(pd.DataFrame({"time": times, "T": np.arange(len(times), dtype=float)}), known_at=MONDAY)
    found = store.read(Period(end=datetime(2026, 1, 1), days=10))["time"]
    assert (found.iloc[0], found.iloc[-1]) == (times[-1] - pd.Timedelta(days=10) + pd.Timedelta(hours=1), times[-1])
    earlier = store.read(Period(end=datetime(2016, 12, 1), days=5))["time"]
    assert (earlier.iloc[0], earlier.iloc[-1]) == (pd.Timestamp("2016-11-26 01:00"), pd.Timestamp("2016-12-01"))
    assert store.read(Period(start=datetime(2016, 11, 29), end=datetime(2016, 12, 1), days=5))["time"].iloc[0].day == 29
    assert store.read(Period(end=datetime(2016, 1, 1), days=5)).empty


def test_a_writer_whose_clock_is_behind_does_not_lose_its_correction(records: Records):
    store = ObservationStore(records, "s")
    store.upsert(rows("2021-01-05", [1, 2]), known_at=TUESDAY)
    store.upsert(rows("2021-01-05", [1, 9]), known_at=MONDAY)
    assert store.read()["T"].tolist() == [1, 9]
    assert store.upsert(rows("2021-01-05", [1, 9]), known_at=MONDAY).changed_rows == 0


def test_a_later_file_without_a_column_loses_nothing(records: Records):
    store = ObservationStore(records, "s")
    store.upsert(rows("2021-01-05", [1, 2]).assign(wv=[7.0, 8.0]), known_at=MONDAY)
    store.upsert(rows("2021-01-05", [1, 9]), known_at=TUESDAY)
    read = store.read()
    assert read["T"].tolist() == [1, 9]
    assert read["wv"].tolist() == [7, 8]


def test_a_new_column_is_a_change(records: Records):
    store = ObservationStore(records, "s")
    store.upsert(rows("2021-01-05", [1, 2]), known_at=MONDAY)
    done = store.upsert(rows("2021-01-05", [1, 2]).assign(wv=[7.0, 8.0]), known_at=TUESDAY)
    assert done.changed_rows == 2
    assert store.read()["wv"].tolist() == [7, 8]


def test_two_writers_at_once_lose_nothing(records: Records):
    first, second = ObservationStore(records, "s"), ObservationStore(records, "s")
    first.upsert(rows("2021-01-05 00:00", [1, 2]), known_at=MONDAY)
    # The second one read the partition before the first wrote: both parts hold 00:10.
    body_of_second = rows("2021-01-05 00:10", [2, 3])
    second.upsert(body_of_second, known_at=MONDAY)
    assert first.read()["T"].tolist() == [1, 2, 3]
    assert len(records.objects.keys("observations/station=s/")) == 2


def test_rows_in_any_order_are_stored_in_their_months(records: Records):
    store, frame = ObservationStore(records, "s"), rows("2021-01-31 23:40", [1, 2, 3, 4.5])
    done = store.upsert(frame.iloc[[3, 0, 2, 1]], known_at=MONDAY)
    assert [part.split("/")[3] for part in done.parts] == ["month=01", "month=02"]
    pd.testing.assert_frame_equal(store.read(), frame)


def test_a_table_in_chunks_and_in_any_order_is_stored_as_its_frame_is(records: Records):
    frame = rows("2021-01-31 23:40", [1, 2, np.nan, 4.5]).assign(wv=[5.0, np.nan, 7.0, 8.0])
    pieces = [pa.Table.from_pandas(frame.iloc[places], preserve_index=False) for places in ([3, 0], [2, 1])]
    store = ObservationStore(records, "s")
    done = store.upsert(pa.concat_tables(pieces), known_at=MONDAY)
    assert (done.new_rows, done.changed_rows, done.same_rows, len(done.parts)) == (4, 0, 0, 2)
    pd.testing.assert_frame_equal(store.read(), frame)
    again = store.upsert(frame.assign(T=[1, 2, 3, 4.5]), known_at=TUESDAY)
    assert (again.new_rows, again.changed_rows, again.same_rows, len(again.parts)) == (0, 1, 3, 1)


def test_an_archive_asks_once_a_year_what_is_there(records: Records, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    keys = records.objects.keys
    monkeypatch.setattr(records.objects, "keys", lambda prefix: asked.append(prefix) or keys(prefix))
    times = pd.date_range("2019-11-01", "2021-02-10", freq="6h").astype("datetime64[us]")
    done = ObservationStore(records, "s").upsert(pd.DataFrame({"time": times, "T": 1.0}), known_at=MONDAY)
    assert len(done.parts) == 16
    assert asked == [f"observations/station=s/year={year}/month=" for year in (2019, 2020, 2021)]


def test_overlay_lets_the_later_frame_win_in_the_columns_it_has():
    first = rows("2021-01-01", [1, 2]).assign(wv=[5.0, 6.0]).set_index("time")
    second = rows("2021-01-01 00:10", [20, 30]).set_index("time")
    result = overlay([first, second])
    assert result["T"].tolist() == [1, 20, 30]
    assert result["wv"].tolist()[:2] == [5, 6]
    assert np.isnan(result["wv"].iloc[2])


def test_an_empty_station_reads_as_an_empty_frame(records: Records):
    store = ObservationStore(records, "nobody")
    assert store.read().empty
    assert store.last_time() is None
