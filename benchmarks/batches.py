"""Batches by index and gather against `timeseries_dataset_from_array`: seconds an epoch and their ratio.

    .venv/bin/python benchmarks/batches.py

20,000 windows of 120 x 14, batches of 256; both ways in one run, since timings of a shared machine mean little by themselves.
"""

import argparse
import time

import numpy as np
import pandas as pd

from tsflow.architectures.network import Network, NetworkInputs, build
from tsflow.architectures.registry import load_architecture
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.training.batches import training_batches
from tsflow.training.fit import set_up_tensorflow
from tsflow.windows.dataset import Dataset

FEATURES = 14


def random_dataset(rows: int) -> Dataset:
    """Return a dataset of noise with so many hours, half of them for training."""
    names = [f"f{i}" for i in range(FEATURES)]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(rows, FEATURES)), columns=names)
    frame.insert(0, "time", pd.date_range("2020-01-01", periods=rows, freq="h").astype("datetime64[us]"))
    units = dict.fromkeys(names, "")
    return Dataset(
        "random", Task(target="f0"), units, frame.assign(segment=0), FractionSplit(), "book", HourlySettings(), HourlyReport()
    )


def main() -> None:
    """Print one line an architecture."""
    import keras

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=40_286, help="hours of noise, half of them for training")
    parser.add_argument("--epochs", type=int, default=2, help="epochs that are timed, after one that builds the graph")
    parser.add_argument("--architectures", default="dense,conv1d,lstm")
    asked = parser.parse_args()
    set_up_tensorflow(0)
    dataset = random_dataset(asked.rows)
    rows = dataset.rows[: dataset.bounds.a].astype(np.float32)
    book = keras.utils.timeseries_dataset_from_array(
        rows[:-24], targets=rows[143:, 0], sequence_length=120, batch_size=256, shuffle=True, seed=1
    )
    print(f"{'architecture':<14}{'windows':>9}{'utility s':>11}{'gather s':>11}{'ratio':>7}")
    for name in asked.architectures.split(","):
        network = load_architecture(name)
        assert isinstance(network, Network)
        ways = {
            "utility": lambda epoch: book,
            "gather": lambda epoch: training_batches(dataset, batch_size=256, seed=1, epoch=epoch),
        }
        seconds = {}
        for way, batches in ways.items():
            model = build(network, NetworkInputs.of(network, dataset))
            model.compile("adam", "mse", steps_per_execution=10)
            model.fit(batches(0), epochs=1, verbose=0, shuffle=False)  # the graph is built here
            began = time.perf_counter()
            for epoch in range(1, asked.epochs + 1):
                model.fit(batches(epoch), epochs=1, verbose=0, shuffle=False)
            seconds[way] = (time.perf_counter() - began) / asked.epochs
        ratio = seconds["utility"] / seconds["gather"]
        print(f"{name:<14}{len(dataset.starts('train')):>9}{seconds['utility']:>11.2f}{seconds['gather']:>11.2f}{ratio:>7.1f}")


if __name__ == "__main__":
    main()
