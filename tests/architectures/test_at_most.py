"""A recipe that reads at most so many hours reads all of a task that has fewer."""

import pytest

from tsflow.architectures.registry import load_architecture
from tsflow.errors import SettingsError
from tsflow.task import Task


def test_at_most_is_the_task_s_context_where_that_is_shorter():
    recipe = load_architecture("conv_gru")
    assert [recipe.hours_read(Task(target="T", context_hours=hours)) for hours in (48, 72, 120)] == [48, 72, 72]


@pytest.mark.parametrize("name", ["seasonal_naive", "exponential_smoothing"])
def test_too_few_hours_at_most_are_refused_as_too_short_a_context_is(name: str):
    recipe = load_architecture(name).changed(context_hours_at_most=24)
    with pytest.raises(SettingsError, match="24 h"):
        recipe.require_task(Task(target="T", horizon_hours=12 if name == "seasonal_naive" else 24))
