"""Which values of a recipe's settings validation prefers, over several seeds; the test part is never forecast.

    python benchmarks/choices.py data/jena_hourly_2009_2014.csv.gz mlp --try skip=false --try "fit.weight_decay=1.0 seeds=2"

Each try is the recipe as it is shipped with some values changed (`key=value`, several apart by spaces, keys dotted as in
`tsflow tune`). Each is trained with each seed, two trainings at a time, and the mean validation MAE over the seeds is listed, the
least first, with its range over the seeds and the difference to the recipe as shipped, paired by hours, with its 95 % interval over days.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from tsflow.architectures.registry import Architecture, load_architecture
from tsflow.architectures.space import with_values
from tsflow.stations.clock import station_now
from tsflow.observations.hourly import hourly_frame
from tsflow.records.store import Records
from tsflow.settings import ObjectStoreSettings, settings
from tsflow.stack import object_store
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
    """One training: of a recipe, with one seed."""

    store: ObjectStoreSettings
    dataset: Dataset
    recipe: Architecture
    seed: int


def dataset_from(path: Path, station_name: str, split: str) -> Dataset:
    """Return the hours of a station's file, cut by a split that the settings know."""
    station = load_station(station_name)
    rows, _ = parse([RawFile(path.name, path.read_bytes())], station, now=station_now(station))
    hourly = hourly_frame(rows, station, settings().hourly)
    return dataset_of(station, Task(target=station.target), hourly, settings().splits.named(split), split)


def values_of(text: str) -> dict[str, Any]:
    """Return `a.b=1 c=false` as values by dotted key."""
    pairs = [pair.partition("=") for pair in text.split()]
    return {key: yaml.safe_load(value) for key, _, value in pairs}


def require_days(dataset: Dataset) -> None:
    """Raise `NotEnoughData` before anything trains if validation has too few days to say how sure a difference is."""
    origins = dataset.times[dataset.origins("validation")]
    differences(np.zeros((len(origins), 2)), origins, 1)


def errors(work: Work) -> tuple[NDArray[np.float64], float]:
    """Train; return the errors on validation, shape [n_windows], and the seconds taken."""
    set_up_tensorflow(1)
    training = digest(f"{work.recipe.model_dump_json()}, seed {work.seed}".encode())[:24]
    epochs = EpochStore(Records(work.store.open()), "choices", work.recipe.architecture, training)
    began = time.perf_counter()
    found = train(work.recipe, work.dataset, epochs, seed=work.seed, served=False, parts=("validation",))
    return found.forecasts["validation"] - work.dataset.targets("validation"), time.perf_counter() - began


def told(dataset: Dataset, tries: list[str], seeds: list[int], found: list[tuple[NDArray[np.float64], float]]) -> list[dict[str, Any]]:
    """Return a line for each try, the least mean validation MAE first; `found` is by try, then by seed."""
    origins = dataset.times[dataset.origins("validation")]
    absolute = np.abs([each for each, _ in found]).reshape(len(tries), len(seeds), -1)
    lines: list[dict[str, Any]] = []
    for number, label in enumerate(tries):
        by_seed = absolute[number].mean(axis=1)
        seconds = [each for _, each in found[number * len(seeds) : (number + 1) * len(seeds)]]
        line: dict[str, Any] = {"try": label, "mae": float(by_seed.mean()), "by_seed": by_seed.tolist(), "seconds": float(np.median(seconds))}
        if number:
            pair = np.stack([absolute[0].mean(axis=0), absolute[number].mean(axis=0)], axis=1)
            gain = differences(pair, origins, 1).estimates()[0]
            line |= {"gain": gain.value, "low": gain.low, "high": gain.high}
        lines.append(line)
    return sorted(lines, key=lambda line: float(line["mae"]))


def markdown(lines: list[dict[str, Any]]) -> str:
    """Return the table."""
    rows = ["| tried | validation MAE | by seed | gain, degC [95 %] | seconds |", "|---|---|---|---|---|"]
    for line in lines:
        by_seed = ", ".join(f"{mae:.3f}" for mae in line["by_seed"])
        gain = f"{line['gain']:.4f} [{line['low']:.4f}, {line['high']:.4f}]" if "gain" in line else ""
        rows.append(f"| {line['try']} | {line['mae']:.4f} | {by_seed} | {gain} | {line['seconds']:.0f} |")
    return "\n".join(rows)


def main() -> None:
    """Read the arguments, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("architecture")
    parser.add_argument("--station", default="jena_hourly")
    parser.add_argument("--split", default="book")
    parser.add_argument("--try", dest="tries", action="append", default=[], metavar="KEY=VALUE …")
    parser.add_argument("--seeds", default="11,12,13", help="each of a recipe with several seeds has members of its own")
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    tries = [SHIPPED, *arguments.tries]
    shipped = load_architecture(arguments.architecture)
    recipes = [shipped, *(with_values(shipped, values_of(text)) for text in arguments.tries)]
    state = tempfile.TemporaryDirectory()
    os.environ["TSFLOW_STATE"] = state.name
    dataset = dataset_from(arguments.file, arguments.station, arguments.split)
    require_days(dataset)
    with state, object_store(settings()) as opened:
        work = [Work(opened, dataset, recipe, seed) for recipe in recipes for seed in seeds]
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            found = list(pool.map(errors, work))
    lines = told(dataset, tries, seeds, found)
    print(markdown(lines))
    if arguments.output:
        arguments.output.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
