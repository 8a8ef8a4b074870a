"""The perceptron on a table: what it reads is what ridge and trees read, made once for each window."""

import numpy as np
import pytest
from pydantic import ValidationError

from conftest import hourly_rows
from tsflow.architectures.mlp import MultilayerPerceptron
from tsflow.architectures.network_graph import NetworkInputs, build, of_observations
from tsflow.architectures.table_reading import TableReading
from tsflow.errors import SettingsError
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.training.batches import Batches
from tsflow.training.learnt import as_taught
from tsflow.training.once import Assignment
from tsflow.windows.dataset import Dataset

RECIPE = {
    "architecture": "small",
    "title": "Small",
    "builder": "mlp",
    "target": "change",
    "channels": {"measured": ["x", "y"]},
    "table": {"now": ["x", "y"], "changes": {"x": [1, 24]}, "means": {"y": [6]}},
    "width": 8,
}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Two made-up variables, of which the second is the target, and a gap of hours after which another segment begins."""
    frame = hourly_rows(400, features=2).set_axis(["time", "x", "y"], axis=1).assign(segment=0)
    frame = frame.drop(index=range(150, 160)).reset_index(drop=True)
    frame.loc[150:, "segment"] = 1
    units = {"x": "m", "y": "K"}
    task = Task(target="y", context_hours=48, horizon_hours=6)
    return Dataset("made_up", task, units, frame, FractionSplit(), "book", HourlySettings(), HourlyReport())


def recipe(**fields: object) -> MultilayerPerceptron:
    return MultilayerPerceptron.model_validate({**RECIPE, **fields})


def test_what_is_read_of_each_window_are_the_tables_columns_and_the_target_at_the_origin(dataset: Dataset):
    read = recipe().reading(dataset).of_rows(dataset.rows)
    x, y = dataset.values.T
    for start in dataset.starts("train")[::17]:
        now = start + 47
        expected = [x[now], y[now], x[now] - x[now - 1], x[now] - x[now - 24], y[now - 5 : now + 1].mean(), y[now]]
        np.testing.assert_allclose(read[start], expected, atol=1e-4)


def test_a_batch_holds_the_row_of_each_of_its_windows_and_its_target(dataset: Dataset):
    inputs = NetworkInputs.of(recipe(), dataset)
    batches, read = Batches.of(inputs, dataset), inputs.reading.of_rows(dataset.rows)
    starts = dataset.starts("validation")
    ((rows, targets),) = batches.evaluation("validation", batch_size=len(starts))
    np.testing.assert_array_equal(rows.numpy()[:, 0], read[starts])
    np.testing.assert_allclose(targets.numpy()[:, 0], dataset.targets("validation"), rtol=1e-6)


def test_what_is_served_makes_the_table_in_its_own_graph(dataset: Dataset):
    network = recipe(quantiles=[0.1, 0.5, 0.9])
    inputs = NetworkInputs.of(network, dataset)
    model, starts = build(network, inputs, dropout=False), dataset.starts("test")[:50]
    read = inputs.reading.of_rows(dataset.rows)[starts][:, None]
    served = of_observations(model, inputs)(dataset.contexts(starts))
    for name, given in model(read).items():
        np.testing.assert_allclose(served[name], given, atol=1e-4)


def test_the_constants_are_all_that_was_read_off_the_training_part(dataset: Dataset):
    channels = {"measured": ["x", "y"], "anomalies": {"x": {"day": 1}}}
    shapes = sorted(
        each.shape for each in recipe(channels=channels, table={"now": ["x_anomaly", "y"]}).reading(dataset).constants()
    )
    assert shapes == [(2,), (2,), (3,), (3,), (3,)], "of the table mean and deviation, of the channels too, and the climatology"


def test_a_column_far_out_counts_as_if_it_were_at_the_clip(dataset: Dataset):
    reading = recipe(clip=2.0).reading(dataset)
    assert isinstance(reading, TableReading)
    far = reading.mean + 50 * reading.deviation
    found = reading.scaled(np.array([[[*far, 0.0]], [[*reading.mean, 0.0]]], dtype=np.float32))
    np.testing.assert_allclose(found, [[[2.0] * len(far)], [[0.0] * len(far)]], atol=1e-3)


def test_the_head_reads_the_columns_too_unless_it_is_told_not_to(dataset: Dataset):
    widths = []
    for skip in (True, False):
        network = recipe(skip=skip)
        widths.append(build(network, NetworkInputs.of(network, dataset)).get_layer("forecast_head").get_weights()[0].shape[0])
    assert widths == [8 + 5, 8]


def test_it_learns_all_history_where_networks_that_read_hours_learn_some_days(dataset: Dataset):
    assert as_taught(recipe(), dataset, networks_history_days=3) is dataset
    keys = {Assignment("r", "runs/r", "f", 1, None, networks_history_days=days).training_id(recipe()) for days in (3, None)}
    assert len(keys) == 1, "what does not decide its weights trains nothing anew"


def test_a_context_in_the_recipe_is_refused_as_the_table_says_what_is_read():
    for key in ("context_hours", "context_hours_at_most"):
        with pytest.raises(ValidationError, match=f"{key}: the table says which hours are read; leave it out"):
            recipe(**{key: 24})


def test_a_column_beyond_the_tasks_context_is_refused_before_anything_is_queued():
    with pytest.raises(SettingsError, match=r"small.yaml: table: a column reads 25 hours, the context has 24"):
        recipe().require_task(Task(target="y", context_hours=24, horizon_hours=6))
