"""What every entrant of a run trains on: hourly rows, windows, scaler, under one fingerprint."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter

from tsflow.bundle.calendar import CALENDAR, calendar
from tsflow.errors import IntegrityError
from tsflow.location import Location
from tsflow.settings import HourlySettings
from tsflow.splits import FixedSplit
from tsflow.storage import keys
from tsflow.storage.codecs import digest, from_json, from_parquet, to_json, to_parquet
from tsflow.storage.objects import ObjectStore
from tsflow.task import Task
from tsflow.windows.scaler import Scaler
from tsflow.windows.split import PARTS, Bounds, Part, Split, Starts, index_windows

FORMAT = 2  # raise it when the meaning of a stored dataset changes
_Split: TypeAdapter[Split] = TypeAdapter(Split)


@dataclass(frozen=True)
class Dataset:
    """Hourly rows of one station and how they are cut; immutable, known by its fingerprint."""

    station: str
    task: Task
    units: dict[str, str]  # of each feature, in order
    frame: pd.DataFrame  # time, features, segment
    split: Split
    split_name: str
    hourly: HourlySettings
    report: dict[str, Any]  # of the hourly frame: fills and breaks
    location: Location | None = None  # of the station, for the sun's height
    utc_offset_hours: float = 0.0  # of the station's clock

    @property
    def features(self) -> list[str]:
        """The names of the station's variables, in order."""
        return list(self.units)

    @property
    def columns(self) -> dict[str, str]:
        """The columns of a model's input with their units: the features, then the calendar's."""
        return {**self.units, **CALENDAR}

    @property
    def target(self) -> str:
        """The variable that is forecast."""
        return self.task.target

    @property
    def target_index(self) -> int:
        """Which feature the target is."""
        return self.features.index(self.target)

    @cached_property
    def times(self) -> NDArray[np.datetime64]:
        """Time of each row, shape [n]."""
        return self.frame["time"].to_numpy()

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """Features in their units, shape [n, n_features]."""
        return self.frame[self.features].to_numpy(dtype=np.float64)

    @cached_property
    def rows(self) -> NDArray[np.float32]:
        """What models read of each row: features in their units, then hour of the day and day of the year, [n, n_columns]."""
        return np.concatenate([self.values, calendar(self.times)], axis=1).astype(np.float32)

    @cached_property
    def _index(self) -> tuple[Bounds, dict[Part, Starts]]:
        return index_windows(self.times, self.frame["segment"].to_numpy(dtype=np.int64), self.task, self.split)

    @property
    def bounds(self) -> Bounds:
        """Where the parts begin, in rows."""
        return self._index[0]

    def starts(self, part: Part) -> Starts:
        """Return the row of each window's first input, shape [n_windows]."""
        return self._index[1][part]

    def origins(self, part: Part) -> Starts:
        """Return the row of each window's last input, shape [n_windows]."""
        return self.starts(part) + self.task.context_hours - 1

    def targets(self, part: Part) -> NDArray[np.float64]:
        """Return the target of each window, in the target's unit, shape [n_windows]."""
        targets: NDArray[np.float64] = self.values[self.origins(part) + self.task.horizon_hours, self.target_index]
        return targets

    def contexts(self, starts: Starts) -> NDArray[np.float32]:
        """Gather the inputs of some windows in one go, in raw units, shape [len(starts), context_hours, n_columns]."""
        contexts: NDArray[np.float32] = self.rows[starts[:, None] + np.arange(self.task.context_hours)]
        return contexts

    def batches(self, part: Part, size: int = 2048) -> Iterator[NDArray[np.float32]]:
        """Gather a part's inputs batch by batch, in order of time; all windows at once never exist."""
        starts = self.starts(part)
        for first in range(0, len(starts), size):
            yield self.contexts(starts[first : first + size])

    @property
    def covers_a_year(self) -> bool:
        """Whether the training rows span a year."""
        times = self.times[: self.bounds.a]
        return bool(times[-1] - times[0] >= np.timedelta64(365, "D") - np.timedelta64(1, "h"))

    @cached_property
    def scaler(self) -> Scaler:
        """Mean and deviation of the training rows."""
        return Scaler.fit(self.values[: self.bounds.a])

    @cached_property
    def _body(self) -> bytes:
        return to_parquet(self.frame)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the rows and of every setting that decides what is trained on."""
        return digest(to_json(self._settings) + self._values_digest.encode())[:24]

    @cached_property
    def _values_digest(self) -> str:
        """Hash of times, values and segments themselves, which no library's file format changes."""
        columns = (self.frame["time"].astype("int64").to_numpy(), self.values, self.frame["segment"].to_numpy(np.int64))
        return digest(b"".join(np.ascontiguousarray(column).tobytes() for column in columns))

    @property
    def _settings(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "station": self.station,
            "target": self.target,
            "units": list(self.units.items()),
            "windows": self.task.model_dump(mode="json", exclude={"target"}),
            "split": self.split.model_dump(mode="json"),
            "split_name": self.split_name,
            "hourly": self.hourly.model_dump(mode="json"),
            "location": self.location.model_dump(mode="json") if self.location else None,
            "utc_offset_hours": self.utc_offset_hours,
        }

    def summary(self) -> dict[str, Any]:
        """Return JSON-able facts: settings, split times, windows by part, what was filled."""
        cut = {}
        for part in PARTS:
            first, after = self.bounds.of(part)
            cut[part] = {
                "rows": after - first,
                "windows": len(self.starts(part)),
                "first": str(pd.Timestamp(self.times[first])) if after > first else None,
                "last": str(pd.Timestamp(self.times[after - 1])) if after > first else None,
            }
        return {
            **self._settings,
            "fingerprint": self.fingerprint,
            "parts": cut,
            "scaler": self.scaler.to_dict(),
            "hourly_report": self.report,
        }

    def cut(self, split: FixedSplit, name: str) -> "Dataset":
        """Return the same rows, cut otherwise."""
        return replace(self, split=split, split_name=name)

    def without_test(self) -> "Dataset":
        """Return the dataset whose rows end with the validation part: what cannot see the test part, for tuning."""
        train_end, validation_end = (pd.Timestamp(self.times[row - 1]).to_pydatetime() for row in (self.bounds.a, self.bounds.b))
        fixed = FixedSplit(
            train_end=train_end,
            validation_end=validation_end,
            test_end=validation_end,
            whole_windows=self.split.whole_windows,
            count_rows=self.split.count_rows,
        )
        return replace(self, frame=self.frame.iloc[: self.bounds.b], split=fixed, split_name=f"{self.split_name}, no test")

    def joined(self) -> "Dataset":
        """Return the dataset whose training part is this one's training and validation parts, for a refit."""
        end = pd.Timestamp(self.times[self.bounds.b - 1]).to_pydatetime()
        fixed = FixedSplit(
            train_end=end,
            validation_end=end,
            test_end=pd.Timestamp(self.times[self.bounds.n - 1]).to_pydatetime(),
            whole_windows=self.split.whole_windows,
            count_rows=self.split.count_rows,
        )
        return self.cut(fixed, f"{self.split_name}, refit")

    def save(self, objects: ObjectStore) -> str:
        """Store the dataset under its fingerprint, which is returned; storing it again changes nothing."""
        objects.put_new(keys.dataset(self.fingerprint, "frame.parquet"), self._body)
        objects.put_new(keys.dataset(self.fingerprint, "dataset.json"), to_json(self.summary()), "application/json")
        return self.fingerprint

    @classmethod
    def load(cls, objects: ObjectStore, fingerprint: str) -> "Dataset":
        """Read a stored dataset.

        Raises
        ------
        IntegrityError
            If it is not there, or its rows or settings no longer give its fingerprint.
        """
        key = keys.dataset(fingerprint, "dataset.json")
        facts = from_json(objects.get(key), key)
        if facts.get("format") != FORMAT:
            msg = f"{key}: format {facts.get('format')!r}, this tsflow reads {FORMAT}; build the dataset again"
            raise IntegrityError(msg)
        frame_key = keys.dataset(fingerprint, "frame.parquet")
        dataset = cls(
            station=facts["station"],
            task=Task(target=facts["target"], **facts["windows"]),
            units=dict(facts["units"]),
            frame=from_parquet(objects.get(frame_key), frame_key),
            split=_Split.validate_python(facts["split"]),
            split_name=facts["split_name"],
            hourly=HourlySettings.model_validate(facts["hourly"]),
            report=facts["hourly_report"],
            location=Location.model_validate(facts["location"]) if facts["location"] else None,
            utc_offset_hours=facts["utc_offset_hours"],
        )
        if dataset.fingerprint != fingerprint:
            msg = f"{frame_key}: its content has the fingerprint {dataset.fingerprint}; the dataset was damaged"
            raise IntegrityError(msg)
        return dataset
