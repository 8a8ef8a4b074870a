import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from conftest import hourly_rows
from tsflow.architectures.network import Network, Series
from tsflow.architectures.network_graph import NetworkInputs, build, of_observations
from tsflow.architectures.registry import Architecture, families, load_architecture, register
from tsflow.errors import SettingsError, UnknownName
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.windows.dataset import Dataset


def small_dataset() -> Dataset:
    """A record of the target, its mean 10 degC, and two more variables."""
    frame = hourly_rows(700, features=3).assign(segment=0)
    frame["T"] += 10 - frame["T"][:350].mean()
    units = dict.fromkeys(["f1", "T", "f2"], "")
    return Dataset("small", Task(target="T"), units, frame, FractionSplit(), "book", HourlySettings(), HourlyReport())


DATASET = small_dataset()


def built(name: str) -> Any:
    network = load_architecture(name)
    assert isinstance(network, Network)
    return build(network, NetworkInputs.of(network, DATASET))


def whole(name: str) -> Any:
    network = load_architecture(name)
    assert isinstance(network, Network)
    return of_observations(built(name), NetworkInputs.of(network, DATASET))


def change(home: Path, name: str, **changes: object) -> None:
    path = home / "include" / "architectures" / f"{name}.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))


def test_an_unknown_architecture_lists_the_known_ones():
    with pytest.raises(UnknownName, match=r"unknown architecture 'perceptron'; valid: .*dense.*stacked_gru"):
        load_architecture("perceptron")


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        ("lstm", {"builder": "magic"}, "builder: unknown builder 'magic'; valid: " + ", ".join(families())),
        ("lstm", {"colour": "red"}, "colour: unknown key"),
        ("lstm", {"units": "many"}, "units: Input should be a valid list"),
        ("lstm", {"cell": "gpu"}, "cell: Input should be 'simple_rnn', 'lstm' or 'gru'"),
        ("lstm", {"dropout": 1.5}, "dropout: Input should be less than 1"),
        ("lstm", {"fit": {"optimiser": "magic"}}, "fit.optimiser"),
        ("lstm", {"fit": {"epoch": 3}}, "fit.epoch: unknown key"),
        ("lstm", {"architecture": "other"}, "architecture: found 'other', expected the file's name 'lstm'"),
        ("lstm", {"fit": {"weight_decay": 0.1}}, "weight_decay 0.1 acts with optimiser adamw only, found optimiser adam"),
        ("lstm", {"fit": {"warmup": 0.1}}, "warmup 0.1 comes before decay cosine only, found decay none"),
        ("lstm", {"fit": {"warmup": 1.0, "decay": "cosine"}}, "fit.warmup: Input should be less than 1"),
        ("lstm", {"fit": {"quantile": 0.9}}, "quantile 0.9 is loss pinball's only, found loss mse"),
        ("lstm", {"fit": {"loss": "pinball"}}, "loss pinball needs quantile, above 0 and below 1"),
        ("lstm", {"fit": {"loss": "pinball", "quantile": 1.0}}, "fit.quantile: Input should be less than 1"),
        ("tcn", {"batch_normalisation": True, "layer_normalisation": True}, "batch_normalisation and layer_normalisation"),
        ("transformer", {"width": 30, "heads": 4}, "width 30 is not a multiple of heads 4"),
        ("transformer", {"batch_normalisation": True}, "a transformer normalises layers"),
        ("tide", {"batch_normalisation": True}, "TiDE normalises layers"),
    ],
)
def test_a_wrong_architecture_file_names_file_and_key(home: Path, name: str, changes: dict, says: str):
    change(home, name, **changes)
    with pytest.raises(SettingsError) as caught:
        load_architecture(name)
    assert f"{name}.yaml" in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "changes", "task", "says"),
    [
        ("lstm", {"context_hours": 121}, {}, "context_hours 121 is longer than the task's context_hours 120"),
        ("lstm", {"horizon_hours": 6}, {}, "horizon_hours 6 is not the task's horizon_hours 24; one leaderboard never mixes"),
        (
            "conv1d",
            {"convolutions": [{"filters": 8, "kernel": 200}], "search": None},
            {},
            "no row is left after layer 1; use smaller kernels",
        ),
        ("conv1d", {}, {"context_hours": 48}, "no row is left after layer 2"),
        ("conv_gru", {"kernel": 121}, {}, "kernel 121 is longer than the context of 72 rows"),
        (
            "conv_gru",
            {"leads": {"hours": [3, 12]}},
            {"horizon_hours": 12},
            "leads.hours: [12] are not before the horizon of 12 hours",
        ),
        ("conv_gru", {}, {"context_hours": 24}, "channels.changes: T: 24, p: 24 h reach beyond the context of 24 h"),
        ("tcn", {"kernel": 3, "blocks": 4, "context_hours": None}, {}, "kernel 3 and blocks 4 see 61 hours, the context has 120"),
        ("transformer", {"patch_hours": 48, "context_hours": 24}, {}, "patch_hours 48 is longer than the context of 24 rows"),
        (
            "tide",
            {"pool": 49, "context_hours": None, "channels": {}},
            {"context_hours": 48},
            "pool 49 is longer than the context of 48",
        ),
        ("ridge", {}, {"context_hours": 48}, "table: a column reads 120 hours, the context has 48"),
        ("autoregression_direct", {}, {"context_hours": 48}, "lags 72 are more than the context's 48 hours"),
        ("arima", {}, {"context_hours": 24}, "its orders reach over"),
        ("seasonal_naive", {}, {"context_hours": 48}, "need a context of"),
        ("exponential_smoothing", {}, {"context_hours": 48}, "needs a context of 58 h"),
    ],
)
def test_what_does_not_fit_a_task_is_refused_with_the_recipes_file(
    home: Path, name: str, changes: dict[str, object], task: dict[str, int], says: str
):
    change(home, name, **changes)
    with pytest.raises(SettingsError) as caught:
        load_architecture(name).require_task(Task(target="T", **task))
    assert f"include/architectures/{name}.yaml" in str(caught.value)
    assert says in str(caught.value)


def test_leads_every_so_many_hours_fit_any_horizon(home: Path):
    network = load_architecture("conv_gru")
    assert isinstance(network, Network)
    assert network.lead_hours(Task(target="T")) == (3, 6, 9, 12, 15, 18, 21)
    assert network.lead_hours(Task(target="T", horizon_hours=12)) == (3, 6, 9)
    assert network.lead_hours(Task(target="T", horizon_hours=3)) == ()
    change(home, "conv_gru", leads={"every": 3, "hours": [3]})
    with pytest.raises(SettingsError, match="give exactly one of hours and every"):
        load_architecture("conv_gru")


def test_layers_get_their_channels_by_name():
    network = load_architecture("conv_gru")
    assert isinstance(network, Network)
    values = np.arange(24.0).reshape(1, 4, 6)
    series = Series(values, ("p", "T", "Tdew", "rh", "wv", "VPdef"), "T")
    np.testing.assert_array_equal(series.of("wv", series.target), values[..., [4, 1]])
    with pytest.raises(UnknownName, match="unknown channel 'wind'; valid: T, Tdew, VPdef, p, rh, wv"):
        series.of("wind")


def test_a_second_registration_of_a_name_raises():
    assert "recurrent" in families()
    with pytest.raises(SettingsError, match="two classes are registered as the family 'recurrent'"):
        register("recurrent")(Architecture)


def test_every_setting_of_the_lectures_list_changes_the_network(home: Path):
    import keras

    change(
        home,
        "lstm",
        units=[8, 4],
        activation="elu",
        initialiser="he_normal",
        batch_normalisation=True,
        bidirectional=True,
        dropout=0.1,
        recurrent_dropout=0.2,
        context_hours=48,
        fit={"clip_norm": 1.0, "optimiser": "adamw", "decay": "cosine"},
    )
    model = built("lstm")
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Bidirectional") == 2
    assert "BatchNormalization" in kinds
    assert "Dropout" in kinds
    (cropped,) = [layer for layer in model.layers if type(layer).__name__ == "Cropping1D"]
    assert cropped.output.shape == (None, 48, 3)
    assert isinstance(model, keras.Model)


def test_a_target_of_change_adds_the_temperature_now(home: Path):
    change(home, "dense", target="change")
    model = whole("dense")
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    contexts = np.random.default_rng(0).normal(size=(4, 120, 5)).astype(np.float32)
    np.testing.assert_allclose(model.predict_on_batch(contexts)[:, 0], contexts[:, -1, 1], rtol=1e-6)


def test_an_absolute_target_starts_at_the_mean(home: Path):
    model = whole("dense")
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    assert model.predict_on_batch(np.zeros((1, 120, 5), dtype=np.float32))[0, 0] == pytest.approx(10.0, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("dlinear", {"batch_normalisation": True}, "batch_normalisation: DLinear has no layer but its linear maps"),
        ("dlinear", {"activation": "gelu"}, "activation: DLinear has no layer but its linear maps"),
        ("ridge", {"loss": "mse", "solves": 7}, "solves is loss mae's only; leave it out, or write `loss: mae`"),
        ("lightgbm", {"quantiles": [0.1, 0.5, 0.9], "quantile_rounds": [20]}, "quantile_rounds has 1 numbers; give one for each"),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(name: str, change: dict, says: str):
    with pytest.raises(ValidationError, match=re.escape(says)):
        load_architecture(name).changed(**change)
