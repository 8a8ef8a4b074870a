"""Parquet: types are checked, timestamps of any unit are read, those with a zone converted."""

import io
import zipfile
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from tsflow.errors import DataError, SourceFormatError
from tsflow.stations import unpack
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import Station

NOW = datetime(2026, 11, 1)
TIMES = [datetime(2021, 1, 1, hour) for hour in range(3)]


def written(columns: dict[str, Any]) -> bytes:
    target = io.BytesIO()
    parquet.write_table(pa.table(columns), target)
    return target.getvalue()


def columns(**changes: Any) -> dict[str, Any]:
    return {"time": pa.array(TIMES, pa.timestamp("us")), "T": [5.5, None, 6.5], "wv": pa.array([1, 2, -9999], pa.int16())} | changes


def read(station: Station, body: bytes, **timestamp: Any) -> tuple[pd.DataFrame, Any]:
    changed = station.changed(form="parquet", timestamp=station.timestamp.changed(utc_offset_hours=1, **timestamp))
    return parse([RawFile("a.parquet", body)], changed, now=NOW)


def test_numbers_of_any_type_and_nulls_are_read(small: Station):
    frame, report = read(small, written(columns(note=["a", "b", "c"], n=[1, 2, -9999], ok=[True, False, None])))
    np.testing.assert_array_equal(frame["T"], [5.5, np.nan, 6.5])
    np.testing.assert_array_equal(frame["wv"], [1, 2, np.nan])
    assert report.empty_cells == {"T": 1}
    assert report.sentinels == {"wv": 1, "n": 1}
    assert report.ignored_columns == ["note", "n", "ok"]
    decimals = pa.array([Decimal("5.25"), None, Decimal("6.5")], pa.decimal128(6, 2))
    assert read(small, written(columns(T=decimals)))[0]["T"].tolist()[::2] == [5.25, 6.5]
    assert read(small, written(columns(T=pa.array([5.5, 6.5, 5.5]).dictionary_encode())))[0]["T"].tolist() == [5.5, 6.5, 5.5]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_any_unit_are_read_and_those_with_a_zone_converted(small: Station, unit: str):
    plain = written(columns(time=pa.array(TIMES, pa.timestamp(unit))))
    assert read(small, plain)[0]["time"].tolist() == TIMES
    utc = [time - timedelta(hours=1) for time in TIMES]
    zoned = written(columns(time=pa.array(utc, pa.timestamp(unit, "America/New_York"))))
    assert read(small, zoned)[0]["time"].tolist() == TIMES


@pytest.mark.parametrize(
    ("times", "timestamp"),
    [
        ({"time": [f"{time:%Y-%m-%d %H:%M}" for time in TIMES]}, {}),
        ({"time": [f"{time - timedelta(hours=1):%Y-%m-%dT%H:%M}Z" for time in TIMES]}, {"format": "iso8601"}),
        ({"time": [int((time - datetime(1970, 1, 1, 1)).total_seconds()) for time in TIMES]}, {"format": "epoch"}),
        ({"time": [float((time - datetime(1970, 1, 1, 1)).total_seconds()) * 1000 for time in TIMES]}, {"format": "epoch_ms"}),
        (
            {"Date": [f"{time:%d.%m.%Y}" for time in TIMES], "Time": [f"{time:%H:%M}" for time in TIMES]},
            {"column": ["Date", "Time"], "format": "%d.%m.%Y %H:%M"},
        ),
    ],
    ids=["text", "ISO 8601", "seconds", "milliseconds", "two columns"],
)
def test_times_may_be_text_or_counts_as_in_other_forms(small: Station, times: dict[str, Any], timestamp: dict[str, Any]):
    table = {name: values for name, values in columns().items() if name != "time"} | times
    assert read(small, written(table), **timestamp)[0]["time"].tolist() == TIMES


def test_fields_of_structs_are_joined_by_dots_and_an_index_of_pandas_is_a_column(small: Station):
    variables = {name: each.changed(column=f"air.{name}") for name, each in small.variables.items()}
    table = {"time": pa.array(TIMES, pa.timestamp("us")), "air": [{"T": 5.5, "wv": 1.0}] * 3}
    assert len(read(small.changed(variables=variables), written(table))[0]) == 3
    target = io.BytesIO()
    pd.DataFrame({"T": [1.0, 2, 3], "wv": 1.0}, index=pd.DatetimeIndex(TIMES, name="time")).to_parquet(target)
    assert read(small, target.getvalue())[0]["time"].tolist() == TIMES


def test_a_zip_of_several_is_read(small: Station):
    target = io.BytesIO()
    later = [time + timedelta(hours=3) for time in TIMES]
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("b.parquet", written(columns(time=later)))
        archive.writestr("a.parquet", written(columns()))
    frame, report = parse([RawFile("x.zip", target.getvalue())], small.changed(form="parquet"), now=NOW)
    assert len(frame) == 6
    assert report.files == ["x.zip/a.parquet", "x.zip/b.parquet"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (columns(T=["5.5", "6", "7"]), "column 'T' is of type string, expected numbers"),
        (columns(T=[True, False, True]), "column 'T' is of type bool, expected numbers"),
        (columns(T=pa.array(TIMES)), "column 'T' is of type timestamp[us], expected numbers"),
        (columns(time=[1, 2, 3]), "column 'time' is of type int64, expected a timestamp, or text in `timestamp.format`"),
        (columns(time=pa.array(TIMES).cast(pa.date32())), "column 'time' is of type date32[day], expected a timestamp"),
        (columns(time=pa.array([TIMES[0], None, TIMES[2]])), "row 2: no time in column 'time' (1 of 3 rows)"),
        (columns(time=pa.array([*TIMES[:2], datetime(2031, 1, 1)])), "row 3: time 2031-01-01 00:00:00 is in the future"),
        (columns(time=pa.array([2**62] * 3, pa.timestamp("ms"))), "row 1: a time before the year 1 or after 9998"),
        (columns(time=pa.array([-(2**62)] * 3, pa.timestamp("ms", "UTC"))), "row 1: a time before the year 1 or after 9998"),
        (columns(time=pa.array(TIMES[::-1])), "times out of order: row 2"),
        ({"time": pa.array(TIMES), "T": [1.0, 2, 3]}, "column missing: 'wv'; found: time, T"),
        ({name: pa.array([], pa.float64()) for name in ("T", "wv")} | {"time": pa.array([], pa.timestamp("s"))}, "no usable row"),
    ],
)
def test_a_fault_names_file_and_column(small: Station, table: dict[str, Any], says: str):
    with pytest.raises(SourceFormatError) as caught:
        read(small, written(table))
    assert str(caught.value).startswith("a.parquet: ")
    assert says in str(caught.value)


def test_what_is_no_parquet_or_damaged_is_a_named_error(small: Station):
    body, random = written(columns()), np.random.default_rng(0)
    with pytest.raises(SourceFormatError, match=r"a.parquet: not a readable Parquet file, or cut off \("):
        read(small, b"time,T,wv\n")
    for _ in range(200):
        cut, length = int(random.integers(len(body))), int(random.integers(1, 20))
        for damaged in (body[:cut], body[:cut] + random.bytes(length) + body[cut + length :]):
            try:
                read(small, damaged)
            except DataError as error:
                assert str(error).startswith("a.parquet: ")  # noqa: PT017 - each damage may as well be harmless


def test_a_file_that_unpacks_to_far_too_much_is_refused_before_it_is(small: Station):
    rows = unpack.AT_LEAST // 8
    body = written(
        {"time": pa.nulls(rows, pa.timestamp("s")), "T": pa.nulls(rows, pa.float64()), "wv": pa.nulls(rows, pa.float64())}
    )
    assert len(body) < 100_000
    with pytest.raises(SourceFormatError, match="unpacks to more than 67,108,864 bytes"):
        read(small, body)


def test_a_sentinel_of_single_precision_is_one(small: Station):
    station = small.changed(missing=[-999.9])
    frame, report = read(station, written(columns(T=pa.array([1.5, -999.9, 2.0], pa.float32()))))
    np.testing.assert_array_equal(frame["T"], [1.5, np.nan, 2.0])
    assert report.sentinels == {"T": 1}
