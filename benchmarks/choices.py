"""Which values of a recipe's settings are better before the test part begins, which is never forecast.

    python benchmarks/choices.py data/jena_hourly_2009_2014.csv.gz mlp --try skip=true --try "fit.weight_decay=1.0 seeds=2"

Each try is the recipe as it is shipped with some values changed (`key=value`, several apart by spaces, keys dotted as in
`tsflow tune`). What lies before the test part is cut into stretches of equal length, as many as `--folds` says, and each is
forecast in turn by a training on the others, two trainings at a time; a window that shares an hour with the stretch is not learnt.
With `--folds 1` the validation part is forecast by a training on the training part, as in a run. The mean absolute error over all
stretches and seeds is listed, the least first, and the gain over the recipe as shipped, paired by hours, with its 95 % interval.
Climatologies and deviations are those of the split's training part in all folds, for each try alike.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from tsflow.architectures.registry import Architecture, load_architecture
from tsflow.architectures.space import with_values
from tsflow.observations.hourly import hourly_frame
from tsflow.records.store import Records
from tsflow.settings import ObjectStoreSettings, settings
from tsflow.stack import object_store
from tsflow.stations.clock import station_now
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import load_station
from tsflow.storage.codecs import digest
from tsflow.task import Task
from tsflow.training.epochs import EpochStore
from tsflow.training.fit import set_up_tensorflow, train
from tsflow.uncertainty.long_run import differences
from tsflow.windows.building import dataset_of
from tsflow.windows.dataset import Dataset

SHIPPED = "as shipped"


class Work(NamedTuple):
    """One training: of a recipe, with one seed, which is judged on one of so many stretches."""

    store: ObjectStoreSettings
    dataset: Dataset
    recipe: Architecture
    seed: int
    folds: int
    number: int


def dataset_from(path: Path, station_name: str, split: str) -> Dataset:
    """Return the hours of a station's file, cut by a split that the settings know."""
    station = load_station(station_name)
    rows, _ = parse([RawFile(path.name, path.read_bytes())], station, now=station_now(station))
    hourly = hourly_frame(rows, station, settings().hourly, target=station.target)
    return dataset_of(station, Task(target=station.target), hourly, settings().splits.named(split), split)


def values_of(text: str) -> dict[str, Any]:
    """Return `a.b=1 c=false` as values by dotted key."""
    pairs = [pair.partition("=") for pair in text.split()]
    return {key: yaml.safe_load(value) for key, _, value in pairs}


def fold_of(dataset: Dataset, folds: int, number: int) -> Dataset:
    """Return the dataset whose validation part is one of so many stretches before the test part, and which learns the others."""
    if folds == 1:
        return dataset
    span, end = dataset.task.span, dataset.bounds.b
    starts = np.union1d(dataset.starts("train"), dataset.starts("validation"))
    begin, after = end * number // folds, end * (number + 1) // folds
    inside = (starts >= begin) & (starts + span <= after)
    apart = (starts + span <= begin) | (starts >= after)
    windows = {"train": starts[apart], "validation": starts[inside], "test": starts[:0]}
    return dataset.picking(windows, f"stretch {number} of {folds}")


def origins_of(dataset: Dataset, folds: int) -> NDArray[np.datetime64]:
    """Return the times of all origins that are forecast, stretch by stretch."""
    cut = [fold_of(dataset, folds, number) for number in range(folds)]
    return np.concatenate([each.times[each.origins("validation")] for each in cut])


def errors(work: Work) -> NDArray[np.float64]:
    """Train; return the absolute errors on the stretch, shape [n_windows]."""
    set_up_tensorflow(1)
    dataset = fold_of(work.dataset, work.folds, work.number)
    training = digest(f"{work.recipe.model_dump_json()}, seed {work.seed}, {dataset.split_name}".encode())[:24]
    epochs = EpochStore(Records(work.store.open()), "choices", work.recipe.architecture, training)
    found = train(work.recipe, dataset, epochs, seed=work.seed, served=False, parts=("validation",))
    return np.abs(found.forecasts["validation"] - dataset.targets("validation"))


def told(tries: list[str], found: list[list[list[NDArray[np.float64]]]], origins: NDArray[np.datetime64]) -> list[dict[str, Any]]:
    """Return a line for each try, the least mean absolute error first; `found`: absolute errors by try, seed and stretch."""
    lines: list[dict[str, Any]] = []
    of_all = [np.mean([np.concatenate(by_stretch) for by_stretch in by_seed], axis=0) for by_seed in found]
    for label, by_seed, mine in zip(tries, found, of_all, strict=True):
        by_stretch = np.mean([[each.mean() for each in stretches] for stretches in by_seed], axis=0)
        line: dict[str, Any] = {"try": label, "mae": float(mine.mean()), "by_stretch": by_stretch.tolist()}
        if label != SHIPPED:
            gain = differences(np.stack([of_all[0], mine], axis=1), origins, 1).estimates()[0]
            line |= {"gain": gain.value, "low": gain.low, "high": gain.high}
        lines.append(line)
    return sorted(lines, key=lambda line: float(line["mae"]))


def markdown(lines: list[dict[str, Any]]) -> str:
    """Return the table."""
    rows = ["| tried | MAE | by stretch | gain, degC [95 %] |", "|---|---|---|---|"]
    for line in lines:
        parts = ", ".join(f"{mae:.3f}" for mae in line["by_stretch"])
        gain = f"{line['gain']:.4f} [{line['low']:.4f}, {line['high']:.4f}]" if "gain" in line else ""
        rows.append(f"| {line['try']} | {line['mae']:.4f} | {parts} | {gain} |")
    return "\n".join(rows)


def main() -> None:
    """Read the arguments, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("architecture")
    parser.add_argument("--station", default="jena_hourly")
    parser.add_argument("--split", default="book")
    parser.add_argument("--try", dest="tries", action="append", default=[], metavar="KEY=VALUE …")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--seeds", default="11", help="each of a recipe with several seeds has members of its own")
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    tries = [SHIPPED, *arguments.tries]
    shipped = load_architecture(arguments.architecture)
    recipes = [shipped, *(with_values(shipped, values_of(text)) for text in arguments.tries)]
    state = tempfile.TemporaryDirectory()
    os.environ["TSFLOW_STATE"] = state.name
    dataset, folds = dataset_from(arguments.file, arguments.station, arguments.split), arguments.folds
    origins = origins_of(dataset, folds)
    differences(np.zeros((len(origins), 2)), origins, 1)  # too few days to compare are told before anything trains
    with state, object_store(settings()) as opened:
        work = [
            Work(opened, dataset, recipe, seed, folds, number) for recipe in recipes for seed in seeds for number in range(folds)
        ]
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            done = list(pool.map(errors, work))
    by_seed = [done[first : first + folds] for first in range(0, len(done), folds)]
    lines = told(tries, [by_seed[first : first + len(seeds)] for first in range(0, len(by_seed), len(seeds))], origins)
    print(markdown(lines))
    if arguments.output:
        arguments.output.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
