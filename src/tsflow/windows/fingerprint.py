"""The fingerprint of a dataset: a hash of its rows and of every setting that decides what is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tsflow.records.dataset import StoredDataset
from tsflow.storage.codecs import digest, to_json

if TYPE_CHECKING:
    from tsflow.windows.dataset import Dataset


def fingerprint_of(dataset: Dataset) -> str:
    """Return the fingerprint."""
    return digest(_settings(dataset) + _values_digest(dataset).encode())[:24]


def _values_digest(dataset: Dataset) -> str:
    """Hash times, values and segments themselves, which no library's file format changes."""
    frame = dataset.frame
    columns = (frame["time"].astype("int64").to_numpy(), dataset.values, frame["segment"].to_numpy(np.int64))
    marked = () if dataset.filled is None else (dataset.filled,)
    return digest(b"".join(np.ascontiguousarray(column).tobytes() for column in (*columns, *marked)))


def _settings(dataset: Dataset) -> bytes:
    return to_json(
        {
            "format": StoredDataset.FORMAT,
            "station": dataset.station,
            "target": dataset.target,
            "units": list(dataset.units.items()),
            "windows": dataset.task.model_dump(mode="json", exclude={"target"}),
            "split": dataset.split.model_dump(mode="json"),
            "split_name": dataset.split_name,
            "hourly": dataset.hourly.model_dump(mode="json", exclude={"side_missing_share"}),  # what came of that are the values
            "location": dataset.location.model_dump(mode="json") if dataset.location else None,
            "utc_offset_hours": dataset.utc_offset_hours,
            # What is not said is left out, so that older datasets keep their fingerprint.
            **({"quantities": dataset.quantities} if dataset.quantities else {}),
            **({"helpful": read} if (read := sorted(each.quantity for each in dataset.screened if each.read)) else {}),
            **({} if dataset.train_days is None else {"train_days": dataset.train_days}),
            **({} if dataset.knows_a_year is None else {"knows_a_year": dataset.knows_a_year}),
        }
    )
