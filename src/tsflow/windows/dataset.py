"""What every entrant of a run trains on: hourly rows, windows, scaler, under one fingerprint."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.bundle.calendar import CALENDAR, calendar
from tsflow.errors import IntegrityError
from tsflow.location import Location
from tsflow.records.dataset import PARTS, HourlyReport, Part, PartFacts, Parts, ScalerFacts, Screened, StoredDataset
from tsflow.records.files import HOURS
from tsflow.records.retention import why_gone
from tsflow.records.store import Records
from tsflow.settings import HourlySettings, WindowSettings
from tsflow.splits import FixedSplit
from tsflow.stations.deriving import measures
from tsflow.stations.quantities import quantity
from tsflow.storage.codecs import from_parquet, to_parquet
from tsflow.storage.objects import JSON
from tsflow.task import Task
from tsflow.windows.fingerprint import fingerprint_of
from tsflow.windows.scaler import Scaler
from tsflow.windows.split import Bounds, Split, Starts, index_windows

_SEASON_DAYS = 45  # without a row in any year: harmonics of the year would go anywhere there


@dataclass(frozen=True)
class Dataset:
    """Hourly rows of one station and how they are cut; immutable, known by its fingerprint."""

    station: str
    task: Task
    units: dict[str, str]  # of each feature, in order
    frame: pd.DataFrame  # time, features, segment; and `filled`, where some hours' target was not measured
    split: Split
    split_name: str
    hourly: HourlySettings
    report: HourlyReport  # of the hourly frame: fills and breaks
    location: Location | None = None  # of the station, for the sun's height
    utc_offset_hours: float = 0.0  # of the station's clock
    quantities: dict[str, str] = field(default_factory=dict)  # what variables measure, where the station file says so
    screened: tuple[Screened, ...] = ()  # quantities that recipes may read if it helps, by the training part
    train_days: int | None = None  # before the newest training target, whose windows alone are learnt; None: all; never stored
    picked: Mapping[Part, Starts] | None = None  # windows of parts that no split names; None: the split's; never stored
    knows_a_year: bool | None = None  # settled by the fit that this one repeats; None: as its training rows say; never stored

    @property
    def features(self) -> list[str]:
        """The names of the station's variables, in order."""
        return list(self.units)

    @property
    def columns(self) -> dict[str, str]:
        """The columns of a model's input with their units: the features, then the calendar's."""
        return {**self.units, **CALENDAR}

    @property
    def helpful(self) -> list[str]:
        """The short names of quantities that help here, which recipes read that ask for them if they do; the target's always."""
        meant = [quantity(name) for name in measures({self.target: self.units[self.target]}, self.quantities).values()]
        return sorted({each.quantity for each in self.screened if each.read} | {each.short for each in meant if each.screened})

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
        return index_windows(self.times, self.frame["segment"].to_numpy(dtype=np.int64), self.task, self.split, self.filled)

    @property
    def filled(self) -> NDArray[np.bool_] | None:
        """Whether each row's target was filled in, shape [n]; None: all were measured."""
        return self.frame["filled"].to_numpy(dtype=np.bool_) if "filled" in self.frame else None

    @property
    def bounds(self) -> Bounds:
        """Where the parts begin, in rows."""
        return self._index[0]

    def starts(self, part: Part) -> Starts:
        """Return the row of each window's first input, shape [n_windows]."""
        starts = (self.picked or self._index[1])[part]
        if part != "train" or self.train_days is None:
            return starts
        targets = self.times[starts + self.task.span - 1]
        recent: Starts = starts[targets > targets[-1] - np.timedelta64(self.train_days, "D")]
        return recent

    def origins(self, part: Part) -> Starts:
        """Return the row of each window's last input, shape [n_windows]."""
        return self.starts(part) + self.task.context_hours - 1

    def targets(self, part: Part) -> NDArray[np.float64]:
        """Return the target of each window, in the target's unit, shape [n_windows]."""
        targets: NDArray[np.float64] = self.values[self.origins(part) + self.task.horizon_hours, self.target_index]
        return targets

    def changes(self, part: Part) -> NDArray[np.float64]:
        """Return the target of each window less its value at the origin, shape [n_windows]."""
        changes: NDArray[np.float64] = self.targets(part) - self.values[self.origins(part), self.target_index]
        return changes

    def contexts(self, starts: Starts) -> NDArray[np.float32]:
        """Gather the inputs of some windows in one go, in raw units, shape [len(starts), context_hours, n_columns]."""
        contexts: NDArray[np.float32] = self.rows[starts[:, None] + np.arange(self.task.context_hours)]
        return contexts

    def batches(self, part: Part, size: int = 2048) -> Iterator[NDArray[np.float32]]:
        """Gather a part's inputs batch by batch, in order of time; all windows at once never exist."""
        starts = self.starts(part)
        for first in range(0, len(starts), size):
            yield self.contexts(starts[first : first + size])

    @cached_property
    def covers_a_year(self) -> bool:
        """Whether the training rows span a year and no season lacks in them; of a refit whether those of the judged fit did."""
        if self.knows_a_year is not None:
            return self.knows_a_year
        times = self.times[: self.bounds.a]
        days = np.unique((times - times.astype("datetime64[Y]")).astype("timedelta64[D]").astype(np.int64))
        season = max(np.diff(days, append=days[0] + 366))
        return bool(times[-1] - times[0] >= np.timedelta64(365, "D") - np.timedelta64(1, "h") and season <= _SEASON_DAYS)

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
        return fingerprint_of(self)

    def parts(self) -> Parts:
        """Return rows, windows and times of each part of the split."""
        return Parts(**{part: self._part(part) for part in PARTS})

    def _part(self, part: Part) -> PartFacts:
        first, after = self.bounds.of(part)
        edges = [pd.Timestamp(self.times[row]).to_pydatetime() for row in (first, after - 1)] if after > first else [None, None]
        return PartFacts(rows=after - first, windows=len(self.starts(part)), first=edges[0], last=edges[1])

    def cut(self, split: FixedSplit, name: str) -> "Dataset":
        """Return the same rows, cut otherwise."""
        return replace(self, split=split, split_name=name)

    def picking(self, windows: Mapping[Part, Starts], name: str) -> "Dataset":
        """Return the same rows with these windows in its parts, as folds of blocks need them, which no split names."""
        return replace(self, picked=windows, split_name=name)

    def without_test(self) -> "Dataset":
        """Return the dataset whose rows end with the validation part: what cannot see the test part, for tuning."""
        fixed = self.ending(self.bounds.a, self.bounds.b, self.bounds.b)
        return replace(self, frame=self.frame.iloc[: self.bounds.b], split=fixed, split_name=f"{self.split_name}, no test")

    def ending(self, *rows: int) -> FixedSplit:
        """Return the split whose parts end before these rows, cut as this one is."""
        train, validation, test = (pd.Timestamp(self.times[row - 1]).to_pydatetime() for row in rows)
        how = {"whole_windows": self.split.whole_windows, "count_rows": self.split.count_rows}
        return FixedSplit(train_end=train, validation_end=validation, test_end=test, **how)

    def save(self, records: Records) -> str:
        """Store the dataset under its fingerprint, which is returned; stored again, it stays as it is and counts as new."""
        stored = StoredDataset(
            fingerprint=self.fingerprint,
            station=self.station,
            target=self.target,
            units=list(self.units.items()),
            windows=WindowSettings(context_hours=self.task.context_hours, horizon_hours=self.task.horizon_hours),
            split=self.split,
            split_name=self.split_name,
            hourly=self.hourly,
            location=self.location,
            utc_offset_hours=self.utc_offset_hours,
            quantities=self.quantities,
            screened=list(self.screened),
            parts=self.parts(),
            scaler=ScalerFacts(mean=self.scaler.mean.tolist(), deviation=self.scaler.deviation.tolist()),
            hourly_report=self.report,
        )
        rows = HOURS.key(fingerprint=self.fingerprint)
        for key, body, kind in ((rows, self._body, "application/vnd.apache.parquet"), (stored.key(), stored.body(), JSON)):
            if not records.objects.put_new(key, body, kind):
                records.objects.renew(key)  # so that retention does not take it for one that nobody uses any more
        return stored.fingerprint

    @classmethod
    def load(cls, records: Records, fingerprint: str) -> "Dataset":
        """Read a stored dataset.

        Raises
        ------
        IntegrityError
            If it is not there, or its rows or settings no longer give its fingerprint.
        """
        stored = records.find(StoredDataset, fingerprint=fingerprint)
        if stored is None:
            msg = f"dataset {fingerprint} is not in the store; {why_gone('datasets/')}. Build it again by another run"
            raise IntegrityError(msg)
        key = HOURS.key(fingerprint=fingerprint)
        dataset = cls(
            station=stored.station,
            task=Task(target=stored.target, **stored.windows.model_dump()),
            units=dict(stored.units),
            frame=from_parquet(records.objects.get(key), key),
            split=stored.split,
            split_name=stored.split_name,
            hourly=stored.hourly,
            report=stored.hourly_report,
            location=stored.location,
            utc_offset_hours=stored.utc_offset_hours,
            quantities=stored.quantities,
            screened=tuple(stored.screened),
        )
        if dataset.fingerprint != fingerprint:
            msg = f"{key}: its content has the fingerprint {dataset.fingerprint}; the dataset was damaged"
            raise IntegrityError(msg)
        return dataset
