"""Old parts in bags: every reading of every day as it was, whoever reads or writes meanwhile."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsflow.errors import IntegrityError
from tsflow.observations.compaction import months, needless, pack
from tsflow.observations.parts import Part, is_bag, moments, opened, overlay, packed, read_parts
from tsflow.observations.store import ObservationStore, Period
from tsflow.records.store import Records
from tsflow.storage.codecs import to_parquet
from tsflow.storage.objects import ObjectMissing, ObjectStore

BEGIN = datetime(2026, 1, 1)
LATER = datetime(2100, 1, 1, tzinfo=UTC)  # everything was written before
PERIODS = [BEGIN + timedelta(hours=hours) for hours in (-1, 0, 5, 11, 23, 24, 40, 90)]


def hourly_ingests(store: ObservationStore, count: int = 30) -> None:
    """Six rows an hour; now and then a correction, a further column, a missing one."""
    random = np.random.default_rng(0)
    for hour in range(count):
        times = pd.date_range(BEGIN + timedelta(hours=hour), periods=6, freq="10min").astype("datetime64[us]")
        rows = pd.DataFrame({"time": times, "T": random.normal(size=6)})
        if hour % 5:
            rows["wv"] = random.normal(size=6)
        if hour % 7 == 3:  # a correction of an hour before, also to nothing
            rows = pd.concat([rows, rows.assign(time=times - pd.Timedelta(hours=2), T=np.nan)])
        if hour == 20:
            rows["rain"] = 0.1
        store.upsert(rows, known_at=BEGIN + timedelta(hours=hour, minutes=5))


def readings(store: ObservationStore) -> list[bytes]:
    """What is read as of each of several days, and of no day, to the last bit."""
    as_of = [store.read(Period(known_at=moment)) for moment in PERIODS]
    parts = [store.read(Period(start=BEGIN + timedelta(hours=7), end=BEGIN + timedelta(hours=9))), store.read(Period(days=1))]
    return [to_parquet(frame) for frame in [store.read(), *as_of, *parts, *store.by_month()]]


def swept(objects: ObjectStore) -> None:
    objects.delete(one.key for one in needless(objects, months(objects), LATER)[0])


def test_every_reading_of_every_day_is_the_same_before_while_and_after(records: Records):
    store, objects = ObservationStore(records, "s"), records.objects
    hourly_ingests(store)
    before, known = readings(store), (store.known_at(), store.first_time(), store.last_time())
    assert len(set(before)) >= 8, "the days differ"
    keys = objects.keys("observations/")
    assert pack(objects, months(objects), LATER) == (30, [])
    assert readings(store) == before, "parts and bag are there"
    assert needless(objects, months(objects), datetime(2000, 1, 1, tzinfo=UTC)) == ([], []), "who has listed the parts reads them"
    swept(objects)
    (bag,) = objects.keys("observations/")
    assert is_bag(bag)
    assert readings(store) == before
    assert (store.known_at(), store.first_time(), store.last_time()) == known
    assert [store.began_after(moment) for moment in PERIODS[:3]] == [True, True, False]
    assert len(keys) == 30


def test_ingests_go_on_over_a_bag_and_the_next_bag_takes_them_in(records: Records):
    store, plain, objects = ObservationStore(records, "s"), ObservationStore(records, "plain"), records.objects
    hourly_ingests(store, 12)
    pack(objects, months(objects), LATER)
    swept(objects)
    hourly_ingests(store, 30)
    hourly_ingests(plain, 12)
    hourly_ingests(plain, 30)
    assert readings(store) == readings(plain), "an upsert adds the same, whether the earlier parts lie in a bag or not"
    pack(objects, months(objects), LATER)
    swept(objects)
    assert len(objects.keys("observations/station=s/")) == 1
    assert [readings(store)[at] for at in (0, 3, 5)] == [readings(plain)[at] for at in (0, 3, 5)]


def test_young_parts_and_a_few_stay_alone(records: Records):
    store, objects = ObservationStore(records, "s"), records.objects
    hourly_ingests(store, 5)
    assert pack(objects, months(objects), LATER) == (0, [])
    hourly_ingests(store, 12)
    assert pack(objects, months(objects), datetime(2000, 1, 1, tzinfo=UTC)) == (0, [])
    assert not any(map(is_bag, objects.keys("observations/")))


def test_two_at_once_make_the_same_bag_and_of_two_bags_the_larger_stays(records: Records):
    store, objects = ObservationStore(records, "s"), records.objects
    hourly_ingests(store, 10)
    earlier = list(months(objects))
    hourly_ingests(store, 20)
    before = readings(store)
    for there in (earlier, earlier, list(months(objects))):  # the second and the third have looked before the first was done
        pack(objects, there, LATER)
    bags = [key for key in objects.keys("observations/") if is_bag(key)]
    assert len(bags) == 2
    assert readings(store) == before
    swept(objects)
    assert len(objects.keys("observations/")) == 1
    assert readings(store) == before


def test_a_reader_that_listed_parts_which_went_into_a_bag_meanwhile_lists_again(records: Records, monkeypatch: pytest.MonkeyPatch):
    store, objects = ObservationStore(records, "s"), records.objects
    hourly_ingests(store, 10)
    before, stale = readings(store), iter([objects.keys("observations/")])
    pack(objects, months(objects), LATER)
    swept(objects)
    keys = objects.keys

    def listed(prefix: str) -> list[str]:
        return next(stale, None) or keys(prefix) if prefix.endswith("month=01/") else keys(prefix)

    monkeypatch.setattr(objects, "keys", listed)
    assert to_parquet(store.read()) == before[0]
    assert next(stale, None) is None


def test_a_part_that_nobody_has_is_an_error(records: Records):
    with pytest.raises(ObjectMissing):
        read_parts(records.objects, ["observations/station=s/year=2026/month=01/20260101T000000000000-00.parquet"])


def test_a_damaged_bag_or_part_is_told_and_nothing_of_its_month_goes(records: Records):
    store, objects = ObservationStore(records, "s"), records.objects
    hourly_ingests(store, 10)
    pack(objects, months(objects), LATER)
    (bag,) = [key for key in objects.keys("observations/") if is_bag(key)]
    body, etag = objects.get_tagged(bag)
    objects.swap(bag, body[: len(body) // 2], etag)
    found, doubts = needless(objects, months(objects), LATER)
    assert (found, len(doubts)) == ([], 1)
    assert bag in doubts[0]
    packed_, doubts = pack(objects, months(objects), LATER)
    assert (packed_, len(doubts)) == (0, 1)
    with pytest.raises(IntegrityError, match="damaged"):
        store.read()


def test_rows_that_a_bag_would_change_stay_alone():
    times = pd.date_range(BEGIN, periods=2, freq="10min").astype("datetime64[us]").rename("time")
    whole_numbers, halves = pd.DataFrame({"n": [1, 2]}, index=times), pd.DataFrame({"n": [0.5, 1.5]}, index=times)
    with pytest.raises(IntegrityError, match="they stay alone"):
        packed([Part("20260101T000000000000-a.parquet", whole_numbers), Part("20260101T000000000001-b.parquet", halves)])


def test_a_bag_says_in_its_name_since_when_its_parts_are_known_and_gives_them_back():
    times = pd.date_range(BEGIN, periods=2, freq="10min").astype("datetime64[us]").rename("time")
    parts = [Part(f"2026010{day}T000000000000-a.parquet", pd.DataFrame({"T": [-0.0, np.nan]}, index=times)) for day in (2, 1)]
    name, body = packed(parts)
    assert moments(name) == (datetime(2026, 1, 1), datetime(2026, 1, 2))
    assert [part.name for part in opened(body, name)] == ["20260101T000000000000-a.parquet", "20260102T000000000000-a.parquet"]
    assert packed(parts[::-1]) == (name, body)


def one_after_the_other(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The oracle: a value at a time."""
    cells: dict[pd.Timestamp, dict[str, float]] = {}
    for part in parts:
        for time, row in part.iterrows():
            cells.setdefault(time, {}).update(row.items())
    return pd.DataFrame.from_dict(cells, orient="index").sort_index()


@st.composite
def laid(draw: st.DrawFn) -> list[pd.DataFrame]:
    frames = []
    for _ in range(draw(st.integers(1, 6))):
        hours = draw(st.lists(st.integers(0, 8), min_size=1, max_size=5, unique=True).map(sorted))
        columns = draw(st.sampled_from([["T"], ["T", "wv"], ["wv", "T"], ["rain"]]))
        values = draw(st.lists(st.sampled_from([1.0, -0.0, 2.5, np.nan]), min_size=10, max_size=10))
        index = pd.DatetimeIndex([BEGIN + timedelta(hours=hour) for hour in hours], name="time")
        frames.append(pd.DataFrame({name: values[: len(hours)] for name in columns}, index=index))
    return frames


@given(laid())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_laying_many_parts_at_once_is_laying_one_after_the_other(parts: list[pd.DataFrame]):
    found, expected = overlay(iter(parts)).sort_index(), one_after_the_other(parts)
    pd.testing.assert_frame_equal(found, expected[found.columns], check_names=False, check_freq=False, check_index_type=False)
