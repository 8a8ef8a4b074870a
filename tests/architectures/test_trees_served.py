"""Trees branch at exact values: what is served must read the very table that they were grown on."""

from datetime import datetime

import numpy as np
import pytest

from tsflow.architectures.boosting import Boosting
from tsflow.architectures.registry import load_architecture
from tsflow.bundle.session import open_model
from tsflow.observations.hourly import hourly_frame
from tsflow.settings import HourlySettings
from tsflow.splits import RecentSplit
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.simulator import simulated_file
from tsflow.stations.station import load_station
from tsflow.task import Task
from tsflow.windows.building import dataset_of
from tsflow.windows.dataset import Dataset


@pytest.fixture(scope="module")
def year() -> Dataset:
    demo = load_station("demo")
    first, last = datetime(2025, 1, 1), datetime(2026, 3, 1)
    rows, _ = parse([RawFile(*simulated_file(demo, demo.source(None), first, last))], demo, now=last)
    hourly = hourly_frame(rows, demo, HourlySettings(), target="T")
    return dataset_of(demo, Task(target="T"), hourly, RecentSplit(), "recent")


def test_the_shipped_trees_are_served_as_they_were_judged_in_every_window(year: Dataset):
    recipe = load_architecture("lightgbm")
    assert isinstance(recipe, Boosting)
    fitted = recipe.on(year).fit(year, seed=1)
    judged = np.concatenate([fitted.predict(contexts) for contexts in year.batches("train", 2048)])
    session = open_model(fitted.to_onnx())
    served = [session.run(["forecast"], {"observations": contexts})[0][:, 0] for contexts in year.batches("train", 100)]
    np.testing.assert_allclose(np.concatenate(served), judged, atol=1e-4)
