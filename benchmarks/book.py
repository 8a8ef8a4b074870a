"""A whole run of tsflow beside the book's way of training the same networks one after another: seconds, and errors side by side.

    .venv/bin/python benchmarks/book.py --station jena_hourly --files data/jena_hourly_2009_2014.csv.gz --output book.json

The book's way: hours in memory, then for each network windows by Keras's `timeseries_dataset_from_array`, Keras's own layers,
TensorFlow's own threads, all epochs, the best one kept in a file. tsflow: ingest, dataset, trainings in as many processes as the
pool has slots, ranking, with the steps that Airflow runs. Network, optimiser, batches, epochs and seed are the same; no training is
stopped early. The ways are taken in turn, each time with another seed, in new processes.

What differs by luck is the order of the windows: each way shuffles for itself. So tsflow trains once more, not timed, with the
windows in the very order in which the book's way had them: a network without dropout then ends with the same error. Masks of
dropout are drawn in other ways by both.
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tsflow import steps
from tsflow.architectures.network import Network
from tsflow.architectures.network_graph import NetworkInputs, build, of_observations
from tsflow.architectures.registry import load_architecture
from tsflow.cli.bring_in import Given, bring_in, new_id
from tsflow.cli.stores import store
from tsflow.folders import home
from tsflow.libraries import tell_tensorflow
from tsflow.records.dataset import Part
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.store import Records
from tsflow.requests import RetrainRequest
from tsflow.settings import settings
from tsflow.stations.station import load_station
from tsflow.training.batches import Batches
from tsflow.training.compiling import compile_network
from tsflow.training.epochs import EpochStore
from tsflow.training.members import train_members
from tsflow.windows.dataset import Dataset

NETWORKS = "dense,conv1d,simple_rnn,lstm,lstm_dropout,stacked_gru,bidirectional_lstm"


def make_home(folder: Path, names: list[str], epochs: int) -> None:
    """Make a copy of include/ whose recipes have so many epochs and no early stop; this process and its children read it."""
    shutil.copytree(home() / "include", folder / "include")
    for name in names:
        path = folder / "include" / "architectures" / f"{name}.yaml"
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        recipe["fit"] = {**recipe.get("fit", {}), "epochs": epochs, "patience": None}
        path.write_text(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True), encoding="utf-8")
    os.environ |= {"TSFLOW_HOME": str(folder), "TSFLOW_STATE": str(folder / "state")}
    tell_tensorflow()  # the book's way as well
    settings.cache_clear()


def books_windows(dataset: Dataset, part: Part, batch_size: int, **options: Any) -> Any:
    """Return a part's batches by Keras's utility, as the book has them."""
    import keras

    first, after = dataset.bounds.of(part)
    rows, context = dataset.rows[first:after], dataset.task.context_hours
    truth = rows[dataset.task.span - 1 :, dataset.target_index]
    return keras.utils.timeseries_dataset_from_array(
        rows[: len(truth) + context - 1], truth, sequence_length=context, batch_size=batch_size, **options
    )


def by_the_book(fingerprint: str, names: list[str], seed: int) -> dict[str, Any]:
    """Train networks one after another as the book does; return seconds, and each one's least error on validation."""
    import keras

    with store() as records:
        dataset = Dataset.load(records, fingerprint)
    began, busy, found = time.perf_counter(), time.process_time(), {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            network = load_architecture(name)
            assert isinstance(network, Network)
            started = time.perf_counter()
            keras.utils.set_random_seed(seed)
            inputs = NetworkInputs.of(network, dataset)
            model = of_observations(build(network, inputs), inputs)
            compile_network(model, network, inputs, steps=1)
            model.steps_per_execution = 1
            size = network.fit.batch_size
            seen = model.fit(
                books_windows(dataset, "train", size, shuffle=True, seed=seed),
                validation_data=books_windows(dataset, "validation", size),
                epochs=network.fit.epochs,
                callbacks=[keras.callbacks.ModelCheckpoint(Path(folder) / f"{name}.keras", monitor="val_mae", save_best_only=True)],
                shuffle=False,  # the utility has done it
                verbose=0,
            )
            found[name] = {"seconds": round(time.perf_counter() - started, 1), "val_mae": min(seen.history["val_mae"])}
    return {"seconds": time.perf_counter() - began, "processor": time.process_time() - busy, "networks": found}


class BooksBatches(Batches):
    """Batches of tsflow's with the windows in the order in which Keras's utility has them, each epoch in another one."""

    _positions: Any = None

    def training(self, *, batch_size: int, seed: int, epoch: int) -> Any:
        """Return an epoch's batches; epochs are asked for one after the other, from the first on."""
        import keras

        starts = self._dataset.starts("train")
        if self._positions is None:
            self._positions = keras.utils.timeseries_dataset_from_array(
                np.arange(len(starts))[:, None], None, 1, batch_size=batch_size, shuffle=True, seed=seed
            )
        order = np.concatenate([batch.numpy()[:, 0, 0] for batch in self._positions])
        iter(self._positions)  # as Keras does between two epochs, by which the utility shuffles anew
        return self._of(starts[order], batch_size)


def in_the_books_order(fingerprint: str, names: list[str], seed: int) -> dict[str, float]:
    """Train networks with tsflow's loops on the windows in the book's order; return each one's least error on validation."""
    found = {}
    with store() as records:
        dataset = Dataset.load(records, fingerprint)
        for name in names:
            network = load_architecture(name)
            assert isinstance(network, Network)
            inputs = NetworkInputs.of(network, dataset)
            epochs = EpochStore(records, "bench", name, f"seed-{seed}")
            _, (member, *_) = train_members(network, inputs, BooksBatches.of(inputs, dataset), epochs, seed=seed, max_epochs=None)
            found[name] = min(epoch.val_mae for epoch in member.curve if epoch.val_mae is not None)
    return found


def train(run: str, name: str) -> tuple[int, float]:
    """Train one entrant, as a task of Airflow does; return whose processor time is how much by now."""
    with store() as records:
        steps.train_entrant(records, settings(), run, name)
    return os.getpid(), time.process_time()


def by_tsflow(records: Records, request: RetrainRequest, given: Given) -> dict[str, Any]:
    """Ingest, train in a pool, rank; return seconds, errors, and the dataset's fingerprint."""
    began, busy, run = time.perf_counter(), time.process_time(), new_id("bench", load_station(request.station))
    planned = steps.build_dataset(records, settings(), bring_in(records, request, given, run), run)
    context = get_context("forkserver")
    context.set_forkserver_preload(["tensorflow", "keras", "tsflow.steps"])  # as the stack's does
    with ProcessPoolExecutor(settings().training.pool_slots, context) as pool:
        spent = dict(pool.map(partial(train, run), planned.entrants))  # the last word of each process
    board = records.fetch(Leaderboard, steps.rank_entrants(records, run))
    networks = {line.architecture: {"seconds": line.train_seconds, "val_mae": line.val_mae} for line in board.entrants}
    seconds, processor = time.perf_counter() - began, time.process_time() - busy + sum(spent.values())
    return {"seconds": seconds, "processor": processor, "networks": networks, "fingerprint": planned.fingerprint}


def compare(records: Records, request: RetrainRequest, given: Given, names: list[str], rounds: int) -> dict[str, Any]:
    """Take both ways in turn; return medians of seconds, their ratios, and the errors of each round."""
    seen: dict[str, list[dict[str, Any]]] = {"tsflow": [], "book": []}
    same_order: list[dict[str, float]] = []
    for seed in range(1, rounds + 1):
        seen["tsflow"].append(by_tsflow(records, request.changed(seed=seed), given))
        with ProcessPoolExecutor(1, get_context("spawn")) as alone:
            asked = seen["tsflow"][-1]["fingerprint"], names, seed
            seen["book"].append(alone.submit(by_the_book, *asked).result())
            same_order.append(alone.submit(in_the_books_order, *asked).result())
        for way, found in seen.items():
            print(f"{way:<7}{found[-1]['seconds']:8.1f} s, {found[-1]['processor']:8.1f} s of processor", flush=True)
    report: dict[str, Any] = {"rounds": rounds, "networks": {}}
    for clock in ("seconds", "processor"):
        medians = {way: statistics.median(one[clock] for one in found) for way, found in seen.items()}
        report[clock] = {way: round(value, 1) for way, value in medians.items()}
        report[f"{clock}_ratio"] = round(medians["book"] / medians["tsflow"], 2)
    for name in names:
        both = {way: [one["networks"][name] for one in found] for way, found in seen.items()}
        report["networks"][name] = {
            way: {key: round(float(np.mean([one[key] for one in each])), 4) for key in ("seconds", "val_mae")}
            for way, each in both.items()
        }
        report["networks"][name]["same_order"] = round(float(np.mean([one[name] for one in same_order])), 4)
    return report


def main() -> None:
    """Read the arguments, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--station", default="jena_hourly")
    parser.add_argument("--files", nargs="*", default=[], help="observations; without any, the station's own source is asked")
    parser.add_argument("--profile", default="full")
    parser.add_argument("--architectures", default=NETWORKS)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--output", type=Path, default=None)
    asked = parser.parse_args()
    names, given = asked.architectures.split(","), Given(files=tuple(str(Path(path).resolve()) for path in asked.files))
    with tempfile.TemporaryDirectory() as folder:
        make_home(Path(folder), names, asked.epochs)
        content = {"station": asked.station, "split": "book", "profile": asked.profile, "architectures": names}
        with store() as records:
            report = compare(records, RetrainRequest.of(content), given, names, asked.rounds)
    print(f"ratio {report['seconds_ratio']}, of seconds of processor {report['processor_ratio']}")
    for name, ways in report["networks"].items():
        errors = f"book {ways['book']['val_mae']:.3f}, tsflow {ways['tsflow']['val_mae']:.3f}"
        print(f"{name:<20}validation MAE: {errors}, in the book's order {ways['same_order']:.3f}")
    if asked.output:
        asked.output.write_text(json.dumps({"epochs": asked.epochs, **report}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
