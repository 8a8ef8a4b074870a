"""A frame as bytes and back."""

import io

import numpy as np
import pandas as pd
import pytest

from tsflow.errors import IntegrityError
from tsflow.storage.codecs import from_parquet, to_parquet


@pytest.fixture
def frame() -> pd.DataFrame:
    times = pd.date_range("2021-01-01", periods=500, freq="10min", unit="us")
    values = np.where(np.arange(500) % 9 == 0, np.nan, np.arange(500.0))
    return pd.DataFrame({"time": times, "T": values, "wv": 1.5, "note": "calm", "segment": np.arange(500)})


def by_pandas(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def test_a_frame_is_the_same_bytes_each_time(frame: pd.DataFrame):
    assert to_parquet(frame.copy()) == to_parquet(frame)


def test_what_pandas_wrote_is_read(frame: pd.DataFrame):
    """As the objects of earlier versions were written."""
    pd.testing.assert_frame_equal(from_parquet(by_pandas(frame), "key"), frame)


@pytest.mark.parametrize("rows", [4_464, 150_000])
def test_measurements_take_no_more_room_than_as_pandas_writes_them(rows: int):
    random = np.random.default_rng(1)
    values = {f"v{number}": random.normal(0, 9, rows).round(2) for number in range(9)}
    measured = pd.DataFrame({"time": pd.date_range("2021-01-01", periods=rows, freq="10min", unit="us"), **values})
    assert len(to_parquet(measured)) < len(by_pandas(measured))


def test_a_frame_comes_back_as_it_was(frame: pd.DataFrame):
    pd.testing.assert_frame_equal(from_parquet(to_parquet(frame), "key"), frame)


def test_a_frame_may_be_written_into_unless_it_is_only_read(frame: pd.DataFrame):
    read = from_parquet(to_parquet(frame), "key")
    read.loc[3, "wv"] = 9.0
    assert read["wv"].tolist()[2:5] == [1.5, 9.0, 1.5]


def test_bytes_that_are_damaged_name_their_key(frame: pd.DataFrame):
    with pytest.raises(IntegrityError, match="some/key: not readable as Parquet"):
        from_parquet(to_parquet(frame)[:-20], "some/key")
