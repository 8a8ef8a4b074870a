"""How far back a network looks."""

from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from tsflow.architectures.network import Network
from tsflow.architectures.network_graph import NetworkInputs, build
from tsflow.architectures.registry import load_architecture
from tsflow.architectures.space import with_values
from tsflow.observations.hourly import hourly_frame
from tsflow.records.dataset import HourlyReport
from tsflow.records.store import Records
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import load_station
from tsflow.task import Task
from tsflow.training.epochs import EpochStore
from tsflow.training.fit import train
from tsflow.training.memory import memory_profile
from tsflow.windows.dataset import Dataset


@pytest.fixture(scope="module")
def year(data: Path) -> Dataset:
    """The first year of the hourly record."""
    station = load_station("jena_hourly")
    path = data / "jena_hourly_2009_2014.csv.gz"
    observations, _ = parse([RawFile(path.name, path.read_bytes())], station, now=datetime(2026, 1, 1))
    frame = hourly_frame(observations.head(8_760), station, HourlySettings()).frame
    units = {name: variable.unit for name, variable in station.variables.items()}
    return Dataset(station.station, Task(target="T"), units, frame, FractionSplit(), "book", HourlySettings(), HourlyReport())


def test_the_profile_of_a_linear_network_is_its_weights(year: Dataset):
    network = with_values(load_architecture("dense"), {"units": [1], "activation": "linear"})
    assert isinstance(network, Network)
    inputs = NetworkInputs.of(network, year)
    model = build(network, inputs)
    kernel = np.random.default_rng(0).normal(size=(120 * len(year.features), 1))
    layers = [layer for layer in model.layers if layer.name.startswith("dense")]
    layers[0].set_weights([kernel, np.zeros(1)])
    model.get_layer("forecast_head").set_weights([np.full((1, 1), 2.0), np.zeros(1)])
    expected = 2 * np.abs(kernel).reshape(120, -1).mean(axis=1)[::-1]  # the origin first
    np.testing.assert_allclose(memory_profile(model, inputs, year), expected, rtol=1e-4)


def test_the_profile_of_a_change_is_in_deviations_of_the_target_too(year: Dataset):
    settings = {"units": [1], "activation": "linear"}
    profiles = []
    for target in ("absolute", "change"):
        network = with_values(load_architecture("dense"), {**settings, "target": target})
        assert isinstance(network, Network)
        inputs = NetworkInputs.of(network, year)
        model = build(network, inputs)
        kernel = np.random.default_rng(0).normal(size=(120 * len(year.features), 1))
        next(layer for layer in model.layers if layer.name.startswith("dense")).set_weights([kernel, np.zeros(1)])
        model.get_layer("forecast_head").set_weights([np.full((1, 1), 2.0 / inputs.deviation), np.zeros(1)])  # 2 degC of either
        profiles.append(memory_profile(model, inputs, year))
    np.testing.assert_allclose(*profiles, rtol=1e-4)


def test_the_profile_is_that_of_kerass_own_loops(year: Dataset, monkeypatch: pytest.MonkeyPatch):
    network = load_architecture("stacked_gru")
    assert isinstance(network, Network)
    inputs = NetworkInputs.of(network, year)
    model = build(network, inputs)
    ours = memory_profile(model, inputs, year)
    monkeypatch.setattr("tsflow.training.memory.quick", lambda *_, **__: nullcontext())
    np.testing.assert_allclose(ours, memory_profile(model, inputs, year), rtol=1e-3, atol=1e-7)


def test_a_gated_network_remembers_a_day_that_a_simple_one_has_forgotten(records: Records, year: Dataset):
    kept = {}
    for name in ("simple_rnn", "lstm"):
        trained = train(load_architecture(name), year, EpochStore(records, "runs/r", name, "t"), seed=1, max_epochs=3)
        assert len(trained.memory) == 120
        kept[name] = trained.memory[24] / trained.memory[0]
    assert kept["lstm"] > 5 * kept["simple_rnn"]
