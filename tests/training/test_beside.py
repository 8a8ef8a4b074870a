"""What a network learns beside the target: other quantities' changes to the horizon, as large as the target's, never served."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import hourly_rows
from tsflow.architectures.graphs import outputs
from tsflow.architectures.network_graph import NetworkInputs, build
from tsflow.architectures.recurrent import Recurrent
from tsflow.records.dataset import HourlyReport
from tsflow.records.store import Records
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.storage.codecs import digest
from tsflow.task import Task
from tsflow.training.batches import Batches
from tsflow.training.candidate import Candidate
from tsflow.training.epochs import EpochStore
from tsflow.training.fit import train
from tsflow.training.members import train_members
from tsflow.windows.dataset import Dataset

TASK = Task(target="T", context_hours=24, horizon_hours=6)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    frame = hourly_rows(600).assign(segment=0)
    pressure = 1000 + 3 * np.roll(frame["T"], -6)  # what temperature will be in 6 hours
    cut = (FractionSplit(), "book", HourlySettings(), HourlyReport())
    return Dataset("small", TASK, {"T": "degC", "druck": "hPa"}, frame.assign(druck=pressure), *cut, quantities={"druck": "p"})


def recipe(**settings: object) -> Recurrent:
    content = {"architecture": "small", "title": "Small", "builder": "recurrent", "cell": "gru", "units": [6], "target": "change"}
    fit = {"epochs": 6, "batch_size": 32, "learning_rate": 0.02, "patience": None, "loss": "mae"}
    return Recurrent.model_validate({**content, "fit": fit, "beside": {"quantities": ["p", "T", "rh"]}, **settings})


def trained(records: Records, dataset: Dataset, one: Recurrent) -> Candidate:
    return train(one, dataset, EpochStore(records, digest(one.model_dump_json().encode())[:16], "small", "t"), seed=3)


def test_targets_are_the_changes_of_what_is_there_but_for_the_target_itself(dataset: Dataset):
    inputs = NetworkInputs.of(recipe(), dataset)
    assert list(inputs.beside) == [1]
    _, found = next(iter(Batches.of(inputs, dataset).evaluation("train", batch_size=100)))
    pressure, origins = dataset.frame["druck"].to_numpy(), dataset.origins("train")
    change = pressure[origins + 6] - pressure[origins]
    expected = change[:100] * dataset.changes("train").std() / change.std()
    np.testing.assert_allclose(found["beside"][:, 0], expected, atol=1e-3)
    assert set(found) == {"forecast", "beside"}


@pytest.mark.parametrize("further", [{}, {"leads": {"every": 3}}, {"quantiles": [0.1, 0.5, 0.9]}, {"seeds": 2}], ids=str)
def test_it_is_learnt_and_no_part_of_what_is_served(records: Records, dataset: Dataset, further: dict):
    one = recipe(**further)
    candidate = trained(records, dataset, one)
    alone = one.changed(beside=None)
    expected = build(alone, NetworkInputs.of(alone, dataset)).count_params() * one.seeds
    assert candidate.parameters == expected
    named = {"forecast", *(["leads"] if one.leads else []), *(["quantiles"] if one.quantiles else [])}
    assert set(outputs(candidate.files["model.onnx"])) == named
    assert np.abs(candidate.forecasts["test"] - trained(records, dataset, alone).forecasts["test"]).max() > 1e-3


def test_the_head_beside_learns(records: Records, dataset: Dataset):
    one = recipe()
    inputs = NetworkInputs.of(one, dataset)
    batches = Batches.of(inputs, dataset)
    model, _ = train_members(one, inputs, batches, EpochStore(records, "learns", "small", "t"), seed=3, max_epochs=None)
    contexts, truth = next(iter(batches.evaluation("validation")))
    error = np.abs(model(contexts)["beside"] - truth["beside"]).mean()
    assert error < 0.8 * np.abs(truth["beside"]).mean()


def test_a_station_without_any_of_it_trains_as_if_it_were_not_asked(records: Records, dataset: Dataset):
    one = recipe(beside={"quantities": ["rh", "wv"]})
    assert NetworkInputs.of(one, dataset).beside == {}
    alone = trained(records, dataset, one.changed(beside=None))
    np.testing.assert_array_equal(trained(records, dataset, one).forecasts["test"], alone.forecasts["test"])


def test_what_never_changes_is_not_learnt(dataset: Dataset):
    still = replace(dataset, frame=dataset.frame.assign(druck=1000.0))
    assert NetworkInputs.of(recipe(), still).beside == {}
