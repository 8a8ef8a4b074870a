from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from conftest import hourly_rows
from tsflow.architectures.network import Network, NetworkInputs, build
from tsflow.architectures.registry import Architecture, families, load_architecture, register
from tsflow.errors import SettingsError, UnknownName
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.windows.dataset import Dataset


def small_dataset() -> Dataset:
    """A record of the target, its mean 10 degC, and two more variables."""
    frame = hourly_rows(700, features=3).assign(segment=0)
    frame["T"] += 10 - frame["T"][:350].mean()
    units = dict.fromkeys(["f1", "T", "f2"], "")
    return Dataset("small", Task(target="T"), units, frame, FractionSplit(), "book", HourlySettings(), {})


DATASET = small_dataset()


def built(name: str) -> Any:
    network = load_architecture(name)
    assert isinstance(network, Network)
    return build(network, NetworkInputs.of(network, DATASET))


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
        ("conv1d", {"convolutions": [{"filters": 8, "kernel": 200}]}, "no row is left after layer 1"),
        ("lstm", {"fit": {"weight_decay": 0.1}}, "weight_decay 0.1 acts with optimiser adamw only, found optimiser adam"),
        ("lstm", {"fit": {"warmup": 0.1}}, "warmup 0.1 comes before decay cosine only, found decay none"),
        ("lstm", {"fit": {"warmup": 1.0, "decay": "cosine"}}, "fit.warmup: Input should be less than 1"),
        ("lstm", {"fit": {"quantile": 0.9}}, "quantile 0.9 is loss pinball's only, found loss mse"),
        ("lstm", {"fit": {"loss": "pinball"}}, "loss pinball needs quantile, above 0 and below 1"),
        ("lstm", {"fit": {"loss": "pinball", "quantile": 1.0}}, "fit.quantile: Input should be less than 1"),
        ("conv_gru", {"kernel": 121}, "kernel 121 is longer than the context of 120 rows"),
        ("tcn", {"kernel": 3, "blocks": 4}, "kernel 3 and blocks 4 see 61 hours, context_hours is 120"),
        ("tcn", {"batch_normalisation": True, "layer_normalisation": True}, "batch_normalisation and layer_normalisation"),
        ("transformer", {"width": 30, "heads": 4}, "width 30 is not a multiple of heads 4"),
        ("transformer", {"patch_hours": 48, "context_hours": 24}, "patch_hours 48 is longer than the context of 24 rows"),
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


def test_context_and_horizon_must_fit_the_run(home: Path):
    change(home, "lstm", context_hours=121)
    with pytest.raises(SettingsError, match=r"context_hours 121 is longer than the task's context_hours 120"):
        load_architecture("lstm").fits(Task(target="T"))
    change(home, "lstm", context_hours=48, horizon_hours=6)
    with pytest.raises(SettingsError, match="one leaderboard never mixes horizons"):
        load_architecture("lstm").fits(Task(target="T"))


def test_a_second_registration_of_a_name_raises():
    assert "recurrent" in families()
    with pytest.raises(SettingsError, match="two families are called 'recurrent'"):
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
    model = built("dense")
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    contexts = np.random.default_rng(0).normal(size=(4, 120, 5)).astype(np.float32)
    np.testing.assert_allclose(model.predict_on_batch(contexts)[:, 0], contexts[:, -1, 1], rtol=1e-6)


def test_an_absolute_target_starts_at_the_mean(home: Path):
    model = built("dense")
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    assert model.predict_on_batch(np.zeros((1, 120, 5), dtype=np.float32))[0, 0] == pytest.approx(10.0, abs=1e-3)
