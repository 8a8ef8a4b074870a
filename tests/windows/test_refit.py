"""What a refit learns, and what it may not learn anew."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import hourly_rows
from tsflow.architectures.registry import load_architecture
from tsflow.architectures.ridge import Ridge
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit, RecentSplit
from tsflow.stations.station import load_station
from tsflow.task import Task
from tsflow.windows.dataset import Dataset
from tsflow.windows.refit import for_refit


def record(days: int, split: RecentSplit | FractionSplit) -> Dataset:
    station = load_station("demo")
    names = ["T", *(name for name in station.variables if name != "T")]
    frame = hourly_rows(24 * days, features=14).set_axis(["time", *names], axis=1).assign(segment=0)
    units = {name: variable.unit for name, variable in station.variables.items()}
    cut = (split, "recent", HourlySettings(), HourlyReport())
    return Dataset("small", Task(target="T"), units, frame, *cut, station.location, utc_offset_hours=1.0)


@pytest.mark.parametrize("split", [RecentSplit(validation_days=60, test_days=60), FractionSplit(train=0.7, validation=0.3, test=0)])
def test_what_was_judged_without_the_years_harmonics_goes_out_without_them(split: RecentSplit | FractionSplit):
    judged = record(400, split)
    refit = for_refit(judged)
    times = refit.times[: refit.bounds.a]
    assert times[-1] - times[0] > np.timedelta64(365, "D")
    assert not judged.covers_a_year
    assert not refit.covers_a_year
    assert refit.fingerprint != replace(refit, knows_a_year=None).fingerprint
    ridge = load_architecture("ridge")
    assert isinstance(ridge, Ridge)
    widths = [
        ridge.on(data).fit(data, seed=0).columns.output_shape[-1] for data in (judged, refit, replace(refit, knows_a_year=None))
    ]
    assert widths[0] == widths[1] < widths[2]


def test_a_record_of_years_keeps_its_fingerprints():
    judged = record(900, RecentSplit())
    assert judged.covers_a_year
    assert for_refit(judged).knows_a_year is None


def test_a_network_learns_the_last_days_and_at_least_a_window():
    whole = record(200, RecentSplit(validation_days=20, test_days=20))
    last = replace(whole, train_days=30)
    assert last.starts("train").tolist() == whole.starts("train")[-30 * 24 :].tolist()
    for part in ("validation", "test"):
        assert last.starts(part).tolist() == whole.starts(part).tolist()
    assert last.scaler.mean.tolist() == whole.scaler.mean.tolist(), "what is read off the rows stays"
    assert last.fingerprint != whole.fingerprint
