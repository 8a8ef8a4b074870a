"""The pinball loss and its way through an archive."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tsflow.training.export import from_keras, to_keras
from tsflow.training.losses import pinball, register_losses

READ = """
import sys
from pathlib import Path
from tsflow.training.export import from_keras
model = from_keras(Path(sys.argv[1]).read_bytes())
print(type(model.loss).__name__, model.loss.quantile, int(model.optimizer.iterations.numpy()))
"""


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_pinball_weighs_what_lies_above_and_below_a_forecast(quantile: float):
    random = np.random.default_rng(0)
    targets, forecasts = random.normal(size=(2, 50, 1)).astype(np.float32)
    errors = [
        quantile * (target - forecast) if target >= forecast else (1 - quantile) * (forecast - target)
        for target, forecast in zip(targets[:, 0], forecasts[:, 0], strict=True)
    ]
    assert float(pinball(quantile)(targets, forecasts)) == pytest.approx(np.mean(errors), rel=1e-5)


@pytest.mark.parametrize("quantile", [0.1, 0.75])
def test_the_constant_of_least_pinball_loss_is_the_quantile(quantile: float):
    targets = np.random.default_rng(0).gamma(2, size=(1001, 1)).astype(np.float32)
    tried = np.linspace(0, 6, 121)
    losses = [float(pinball(quantile)(targets, np.full_like(targets, value))) for value in tried]
    assert tried[np.argmin(losses)] == pytest.approx(np.quantile(targets, quantile), abs=0.05)


def test_losses_are_registered_once_however_often_they_are_asked_for():
    assert register_losses() is register_losses()


def test_an_archive_with_a_pinball_loss_goes_on_in_another_process(tmp_path: Path):
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("adam", pinball(0.9))
    model.fit(np.ones((4, 3), np.float32), np.ones((4, 1), np.float32), verbose=0)
    assert from_keras(to_keras(model)).loss.quantile == 0.9

    path = tmp_path / "model.keras"
    path.write_bytes(to_keras(model))
    found = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["Pinball", "0.9", "1"]
