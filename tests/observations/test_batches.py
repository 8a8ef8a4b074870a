"""The rows of a batch lie in blocks, come back as they were, and are not read where a block was damaged."""

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from tsflow.errors import IntegrityError
from tsflow.observations import batches
from tsflow.observations.batches import bodies_of, frame_of, keep_rows, rows_of
from tsflow.records.ingest import Batch
from tsflow.records.store import Records

ROWS = 1000
AS_OF = datetime(2024, 1, 1)


@pytest.fixture
def frame() -> pd.DataFrame:
    noise = np.random.default_rng(0)
    columns = {name: np.where(noise.random(ROWS) < 0.01, np.nan, noise.normal(size=ROWS)) for name in ("T", "rh")}
    return pd.DataFrame({"time": pd.date_range("2021-01-01", periods=ROWS, freq="10min", unit="us"), **columns})


@pytest.fixture
def batch(records: Records, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(batches, "_ROWS", 300)
    return Batch(ingest="i1", station="tiny", as_of=AS_OF, rows=ROWS, files=keep_rows(records, "i1", frame))


def test_rows_come_back_as_they_were(records: Records, frame: pd.DataFrame, batch: Batch):
    assert len(batch.files) == 4
    pd.testing.assert_frame_equal(frame_of(records, batch), frame)
    pd.testing.assert_frame_equal(rows_of(records, batch).to_pandas(), frame)


def test_an_attempt_that_repeats_it_writes_the_same_objects(records: Records, frame: pd.DataFrame, batch: Batch):
    before = records.objects.keys("ingests/")
    assert keep_rows(records, "i1", frame) == batch.files
    assert records.objects.keys("ingests/") == before


def test_all_blocks_go_to_quarantine(records: Records, batch: Batch):
    assert [file.body for file in bodies_of(records, batch)] == [records.opened(file) for file in batch.files]


def test_a_damaged_block_is_not_read(records: Records, batch: Batch):
    first, *others = batch.files
    damaged = batch.changed(files=[first.changed(sha256="0" * 64), *others])
    with pytest.raises(IntegrityError, match="the file was changed or damaged"):
        rows_of(records, damaged)


def test_a_batch_whose_rows_were_one_file_is_read(records: Records, batch: Batch):
    content = batch.model_dump(mode="json")
    files = content.pop("files")
    old = {**content, "file": files[0], "format": 1}
    records.objects.put_new("ingests/i1/batch.json", json.dumps(old).encode())
    assert records.read(Batch, ingest="i1").files == batch.files[:1]
