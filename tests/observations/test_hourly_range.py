"""An hour of rain is the sum of its rows: more than any row may have, and as much as all of them may."""

from datetime import datetime
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from conftest import DATA, station_of
from tsflow.observations.combining import hourly_range
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.validation import validate_hourly
from tsflow.settings import settings
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import load_station
from tsflow.task import Task

NOW = datetime(2026, 11, 1)


def test_only_amounts_of_several_rows_an_hour_have_a_wider_range():
    every_ten = station_of({"T": "degC", "rain": "mm"}, cadence="10min")
    assert hourly_range(every_ten, "rain") == (-6000.0, 12_000.0)
    assert hourly_range(every_ten, "T") == (-1000.0, 2000.0)
    assert hourly_range(station_of({"T": "degC", "rain": "mm"}), "rain") == (-1000.0, 2000.0)


def test_a_wet_hour_is_no_fault_and_one_wetter_than_all_its_rows_may_be_is():
    station = station_of({"T": "degC", "rain": "mm"}, cadence="10min")
    rain = station.variables["rain"].changed(range=(0.0, 5.0))
    station = station.changed(variables={**station.variables, "rain": rain})
    times = pd.date_range("2026-01-01", periods=144 * 20, freq="10min").astype("datetime64[us]")
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"time": times, "T": random.normal(5, 3, len(times)), "rain": 4.0})
    hours = hourly_frame(rows, station, settings().hourly, target="T")
    assert hours.frame["rain"].max() == 24.0
    assert validate_hourly(hours.frame, station, hours.features, Task(target="T")).success
    flood = hours.frame.assign(rain=31.0)
    assert not validate_hourly(flood, station, hours.features, Task(target="T")).success


@pytest.mark.skipif(not (DATA / "mpi_roof_2020a.zip").exists(), reason=f"needs {DATA}")
def test_the_hours_of_the_masts_whole_file_hold():
    station = load_station("jena_whole")
    with ZipFile(DATA / "mpi_roof_2020a.zip") as packed:
        (name,) = packed.namelist()
        rows, _ = parse([RawFile(name, packed.read(name))], station, now=NOW)
    hours = hourly_frame(rows, station, settings().hourly, target="T")
    report = validate_hourly(hours.frame, station, hours.features, Task(target="T"))
    assert report.success, report.summary()
    assert hours.frame["raining"].max() > station.variables["raining"].range[1], "there are hours of rain without a pause"
