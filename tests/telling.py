"""Made-up weather in which one variable tells today how warm tomorrow is, and others say nothing."""

import numpy as np
import pandas as pd

from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.windows.dataset import Dataset

UNITS = {"T": "degC", "wv": "m/s", "wd": "deg", "SWDR": "W/m^2", "CO2": "ppm"}


def record(days: int, *, told_by: str, units: dict[str, str] = UNITS, **further: object) -> Dataset:
    """Days whose mean tomorrow one variable tells today; the others say nothing."""
    random = np.random.default_rng(3)
    signal = random.normal(size=days)
    mean = np.zeros(days)
    for day in range(1, days):
        mean[day] = 0.5 * mean[day - 1] + 2 * signal[day - 1] + random.normal(0, 0.5)
    hours = 24 * days
    said, nothing = (np.repeat(each, 24) for each in (signal, random.normal(size=days)))
    clock = 2 * np.pi * np.arange(hours) / 24
    values = {
        "T": 10 + 4 * np.sin(clock) + np.repeat(mean, 24) + random.normal(0, 0.2, hours),
        "wv": 5 + random.normal(0, 0.1, hours),
        "wd": np.rad2deg(np.arctan2(1.0, said if told_by == "wd" else nothing)) % 360,
        "SWDR": 300 + 90 * (said if told_by == "SWDR" else nothing),
        "CO2": 400 + 5 * random.normal(size=hours),
    }
    times = pd.date_range("2020-01-01", periods=hours, freq="h").astype("datetime64[us]")
    frame = pd.DataFrame({"time": times, **{name: values[name] for name in units}}).assign(segment=0)
    cut = (FractionSplit(train=0.6, validation=0.2, test=0.2), "book", HourlySettings(), HourlyReport())
    task = further.pop("task", Task(target="T"))
    return Dataset("small", task, units, frame, *cut, **further)
