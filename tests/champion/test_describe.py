"""What the manifest tells a consumer of the station, so that it can refuse what no instrument measured."""

import numpy as np
import pytest

from tsflow.bundle.calendar import CALENDAR
from tsflow.bundle.manifest import Column
from tsflow.client import DataError, load_champion
from tsflow.records.store import Records
from tsflow.settings import settings
from tsflow.stations.station import load_station
from tsflow.windows.dataset import Dataset
from workflow import force, ingest, rank, retrain


def test_a_manifest_tells_ranges_sentinels_and_clock_of_the_station(records: Records):
    station = load_station("demo")
    ingest(records)
    built = retrain(records, architectures=["naive"])
    rank(records)
    force(records)
    champion, dataset = load_champion("demo", records.objects), Dataset.load(records, built.fingerprint)
    manifest = champion.manifest

    measured = [Column(name, variable.unit, variable.range) for name, variable in station.variables.items()]
    clock = [Column(name, unit, limits) for (name, unit), limits in zip(CALENDAR.items(), [(0, 24), (0, 366)], strict=True)]
    assert manifest.features == [*measured, *clock]
    assert manifest.hourly.utc_offset_hours == 1.0
    assert manifest.hourly.missing == [-9999.0]
    assert manifest.hourly.minute == dataset.times[0].astype("datetime64[m]").astype(int) % 60
    assert manifest.hourly.method == settings().hourly.method

    newest = dataset.frame.tail(manifest.context_hours)
    assert champion.forecast(newest) == pytest.approx(newest["T"].iloc[-1], abs=1e-4)
    broken = newest.assign(p=np.where(np.arange(len(newest)) == 50, -9999.0, newest["p"]))
    with pytest.raises(DataError, match=r"p: found -9999 mbar at .* \(row 50\), which stands for a missing value"):
        champion.forecast(broken)
