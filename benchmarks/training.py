"""An epoch of training as tsflow does it beside the book's way: seconds, and how many times faster.

    .venv/bin/python benchmarks/training.py --rounds 3 --output training.json

The book's way: windows by Keras's `timeseries_dataset_from_array`, Keras's own layers, one batch a call. Network, optimiser,
size of batches and windows are the same. Both ways are taken in turn in one process, with the threads that the pool gives a
training; medians of wall and of processor time, whose ratio is the one to compare where others use the machine. An epoch in which
the graph is built goes before.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsflow.architectures.network import Network
from tsflow.architectures.network_graph import NetworkInputs, build, of_observations
from tsflow.architectures.registry import load_architecture
from tsflow.records.dataset import HourlyReport
from tsflow.settings import HourlySettings, settings
from tsflow.splits import FractionSplit
from tsflow.task import Task
from tsflow.training.batches import Batches
from tsflow.training.compiling import compile_network
from tsflow.training.fit import set_up_tensorflow
from tsflow.training.fused_adam import fused
from tsflow.training.recurrence import quick
from tsflow.windows.dataset import Dataset

FEATURES = 14
GOALS = {"dense": 8.0, "conv1d": 4.0, "lstm": 4.0, "lstm_dropout": 3.0, "stacked_gru": 3.0}


def random_dataset(rows: int) -> Dataset:
    """Return a dataset of noise with so many hours, half of them for training."""
    names = [f"f{i}" for i in range(FEATURES)]
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(rows, FEATURES)), columns=names)
    frame.insert(0, "time", pd.date_range("2020-01-01", periods=rows, freq="h").astype("datetime64[us]"))
    units = dict.fromkeys(names, "")
    return Dataset(
        "random", Task(target="f0"), units, frame.assign(segment=0), FractionSplit(), "book", HourlySettings(), HourlyReport()
    )


def books_batches(dataset: Dataset, batch_size: int) -> Any:
    """Return the training part's batches by Keras's utility, as the book has them."""
    import keras

    context, ahead = dataset.task.context_hours, dataset.task.span - 1
    rows = dataset.rows[: dataset.bounds.a]
    truth = rows[ahead:, dataset.target_index]
    return keras.utils.timeseries_dataset_from_array(
        rows[: len(truth) + context - 1], truth, sequence_length=context, batch_size=batch_size, shuffle=True, seed=1
    )


def epochs_of(network: Network, dataset: Dataset, way: str) -> Callable[[int], None]:
    """Return what trains an epoch of that number."""
    import keras

    keras.utils.set_random_seed(1)
    size = network.fit.batch_size
    inputs = NetworkInputs.of(network, dataset)
    model = build(network, inputs)
    if way == "book":
        model = of_observations(model, inputs)
    compile_network(model, network, inputs, steps=1)
    book = books_batches(dataset, size) if way == "book" else None
    ours = Batches.of(inputs, dataset)
    if way == "book":
        model.steps_per_execution = 1

    def train(epoch: int) -> None:
        if book is not None:
            model.fit(book, epochs=1, verbose=0, shuffle=False)
            return
        with quick(model), fused(model.optimizer):
            model.fit(ours.training(batch_size=size, seed=1, epoch=epoch), epochs=1, verbose=0, shuffle=False)

    return train


def compare(network: Network, dataset: Dataset, rounds: int) -> dict[str, Any]:
    """Train an epoch each way, in turn; return medians and ratios."""
    ways = {way: epochs_of(network, dataset, way) for way in ("book", "tsflow")}
    seen: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for epoch in range(rounds + 1):
        for way, train in ways.items():
            began, busy = time.perf_counter(), time.process_time()
            train(epoch)
            if epoch:
                seen[way].append((time.perf_counter() - began, time.process_time() - busy))
    found: dict[str, Any] = {"windows": len(dataset.starts("train"))}
    for place, clock in enumerate(("wall", "processor")):
        medians = {way: statistics.median(each[place] for each in seconds) for way, seconds in seen.items()}
        found[clock] = {way: round(seconds, 3) for way, seconds in medians.items()}
        found[f"{clock}_ratio"] = round(medians["book"] / medians["tsflow"], 2)
    return found


def main() -> None:
    """Print one line a recipe, and write all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=40_286, help="hours of noise, half of them for training")
    parser.add_argument("--rounds", type=int, default=3, help="epochs that are timed each way")
    parser.add_argument("--architectures", default=",".join(GOALS))
    parser.add_argument("--output", type=Path, default=None)
    asked = parser.parse_args()
    set_up_tensorflow(settings().training.threads)
    dataset, report = random_dataset(asked.rows), {}
    for name in asked.architectures.split(","):
        network = load_architecture(name)
        assert isinstance(network, Network)
        report[name] = found = compare(network, dataset, asked.rounds) | {"goal": GOALS.get(name)}
        print(
            f"{name:<14} book {found['wall']['book']:7.2f} s  tsflow {found['wall']['tsflow']:7.2f} s  "
            f"ratio {found['wall_ratio']:5.1f}, of processor seconds {found['processor_ratio']:5.1f}",
            flush=True,
        )
    if asked.output:
        asked.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
