"""A recipe that reads at most so many hours reads all of a task that has fewer."""

import pytest
from pydantic import ValidationError

from conftest import hourly_rows
from tsflow.architectures.network import Network
from tsflow.architectures.network_graph import NetworkInputs, build
from tsflow.architectures.registry import load_architecture
from tsflow.architectures.space import with_values
from tsflow.errors import SettingsError
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.windows.dataset import Dataset


def test_at_most_is_the_task_s_context_where_that_is_shorter():
    recipe = load_architecture("conv_gru")
    assert [recipe.hours_read(Task(target="T", context_hours=hours)) for hours in (48, 72, 120)] == [48, 72, 72]


def test_a_network_is_cropped_to_the_hours_that_it_reads_at_most():
    frame = hourly_rows(700, features=3).assign(segment=0)
    read = []
    for hours in (48, 120):
        task, cut = Task(target="T", context_hours=hours), (FractionSplit(), "book", HourlySettings(), HourlyReport())
        dataset = Dataset("small", task, dict.fromkeys(["T", "f1", "f2"], ""), frame, *cut)
        recipe = with_values(load_architecture("lstm"), {"context_hours_at_most": 72})
        assert isinstance(recipe, Network)
        model = build(recipe, NetworkInputs.of(recipe, dataset))
        read.append(next(layer for layer in model.layers if layer.name.startswith("lstm")).input.shape[1])
    assert read == [48, 72]


def test_both_ways_to_say_what_is_read_are_refused_together():
    with pytest.raises(ValidationError, match="context_hours 96 and context_hours_at_most 72 both say what is read; keep one"):
        load_architecture("conv_gru").changed(context_hours=96)


@pytest.mark.parametrize("name", ["seasonal_naive", "exponential_smoothing"])
def test_too_few_hours_at_most_are_refused_as_too_short_a_context_is(name: str):
    recipe = load_architecture(name).changed(context_hours_at_most=24)
    with pytest.raises(SettingsError, match="24 h"):
        recipe.require_task(Task(target="T", horizon_hours=12 if name == "seasonal_naive" else 24))
