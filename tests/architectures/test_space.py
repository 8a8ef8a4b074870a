"""The search space of a recipe: what it may say, and what it draws from."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import yaml

from conftest import hourly_rows
from tsflow.architectures.exporting import export
from tsflow.architectures.network import Activation, Network
from tsflow.architectures.network_graph import NetworkInputs, build, of_observations
from tsflow.architectures.registry import load_architecture
from tsflow.architectures.space import Distribution, value_of, with_values
from tsflow.errors import SettingsError
from tsflow.folders import names_in
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.training.export import check_parity, twin_without_dropout
from tsflow.windows.dataset import Dataset

SEARCHED = ("bidirectional_lstm", "conv1d", "dense", "lstm", "lstm_dropout", "simple_rnn", "stacked_gru")


def search(home: Path, name: str, space: object) -> None:
    path = home / "include" / "architectures" / f"{name}.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"search": space}))


@pytest.mark.parametrize("name", SEARCHED)
def test_every_network_has_a_space_that_holds_the_recipe_itself(name: str):
    recipe = load_architecture(name)
    assert recipe.search
    assert {key for key, distribution in recipe.search.items() if not distribution.holds(value_of(recipe, key))} == set()


@pytest.mark.parametrize("activation", get_args(Activation))
def test_every_activation_can_be_exported(activation: str):
    """Not every operation of TensorFlow has one in ONNX: gelu needs erfc, which is written as 1 - erf."""
    network = with_values(load_architecture("dense"), {"activation": activation})
    assert isinstance(network, Network)
    frame = hourly_rows(700, features=3).assign(segment=0)
    units = dict.fromkeys(["f1", "T", "f2"], "")
    dataset = Dataset("small", Task(target="T"), units, frame, FractionSplit(), "book", HourlySettings(), HourlyReport())
    inputs = NetworkInputs.of(network, dataset)
    model = build(network, inputs)
    contexts = dataset.contexts(dataset.starts("train")[:4])
    forecasts = np.asarray(of_observations(model, inputs).predict_on_batch(contexts)[:, 0], dtype=np.float64)
    twin = twin_without_dropout(network, inputs, model.get_weights())
    check_parity(export(of_observations(twin, inputs)), contexts, {"forecast": forecasts[:, None]})


@pytest.mark.parametrize(
    ("distribution", "inside", "outside"),
    [
        ({"low": 0.0, "high": 0.5, "step": 0.1}, [0, 0.1, 0.3, 0.5], [0.05, -0.1, 0.6, None, "0.1", True]),
        ({"low": 2, "high": 8, "step": 3}, [2, 5, 8], [3, 2.5, 11]),
        ({"low": 2, "high": 4}, [2, 3.0, 4], [2.5]),
        ({"low": 1e-4, "high": 1e-2, "log": True}, [1e-4, 0.00123], [0.1, 0]),
        ({"choices": [None, [8, 4], "adam"]}, [None, [8, 4], "adam"], [[4, 8], "Adam", 0]),
    ],
)
def test_a_distribution_knows_what_it_can_give(distribution: dict[str, Any], inside: list[Any], outside: list[Any]):
    found = Distribution.model_validate(distribution)
    assert [value for value in inside if not found.holds(value)] == []
    assert [value for value in outside if found.holds(value)] == []


@pytest.mark.parametrize(
    ("space", "says"),
    [
        ({"fit.learning_rat": {"low": 0.1, "high": 1.0}}, "search.fit.learning_rat: unknown key of a recurrent recipe; it knows"),
        ({"units.3": {"choices": [8, 16]}}, "search.units.3: unknown key"),
        ({"builder": {"choices": ["dense"]}}, "search.builder: says what the recipe is"),
        ({"dropout": {"low": 0.5, "high": 0.5}}, "search.dropout: low 0.5 is not below high 0.5"),
        ({"dropout": {"low": 0.5}}, "search.dropout: give choices, or low and high"),
        ({"dropout": {"low": 0.0, "high": 0.5, "choices": [0.1]}}, "search.dropout: give choices, or low and high"),
        ({"dropout": {"low": 0.0, "high": 0.5, "step": 0.3}}, "step 0.3 does not lead from low 0 to high 0.5"),
        ({"dropout": {"low": 0.0, "high": 0.5, "log": True}}, "log wants a low above 0"),
        ({"dropout": {"low": 0.0, "high": 0.5, "stepp": 0.1}}, "search.dropout.stepp: unknown key"),
        ({"units": {"choices": []}}, "search.units: choices is empty"),
        ({"units": {"choices": [[8], [8]]}}, "choices names a value twice"),
        ({"units": {"choices": [[16], ["many"]]}}, "search.units: the recipe refuses ['many']"),
        ({"dropout": {"low": 0.0, "high": 1.5}}, "search.dropout: the recipe refuses 1.5"),
        ({"fit.batch_size": {"low": 16.0, "high": 64.0}}, "search.fit.batch_size: the recipe refuses 34.33"),
        ({}, "search: Dictionary should have at least 1 item"),
    ],
)
def test_a_wrong_space_names_file_and_key(home: Path, space: dict[str, Any], says: str):
    search(home, "lstm", space)
    with pytest.raises(SettingsError) as caught:
        load_architecture("lstm")
    assert "lstm.yaml" in str(caught.value)
    assert says in str(caught.value)


def test_numbers_may_be_written_as_people_write_them(home: Path):
    path = home / "include" / "architectures" / "lstm.yaml"
    text = path.read_text()
    path.write_text(text[: text.index("search:")] + "search: {fit.learning_rate: {low: 1e-4, high: 1e-2, log: true}}\n")
    recipe = load_architecture("lstm")
    assert recipe.search is not None
    assert recipe.search["fit.learning_rate"] == Distribution(low=1e-4, high=1e-2, log=True)


def test_the_space_is_no_part_of_what_a_recipe_is(home: Path):
    before = load_architecture("lstm").identity()
    search(home, "lstm", {"dropout": {"low": 0.0, "high": 0.1}})
    assert load_architecture("lstm").identity() == before
    assert "search" not in before


def test_values_are_put_under_their_dotted_keys(home: Path):
    recipe = with_values(load_architecture("conv1d"), {"convolutions.1.filters": 32, "fit.learning_rate": 0.01, "dropout": 0.2})
    assert value_of(recipe, "convolutions.1.filters") == 32
    assert value_of(recipe, "convolutions.0.filters") == 8
    assert value_of(recipe, "fit.learning_rate") == 0.01
    assert value_of(recipe, "fit.optimiser") == "rmsprop"
    assert recipe.search is None
    assert "naive" in names_in("architectures")
    assert load_architecture("naive").search is None
