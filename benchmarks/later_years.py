"""How recipes forecast years long after those that they were chosen and trained on: a test that had no say in any choice.

    python benchmarks/later_years.py data/jena_hourly_2009_2014.csv.gz data/mpi_roof*.zip

The first file is of the station by which recipes were chosen; its first three quarters train, the last validates. The others are
later files of the same mast, whose hours are forecast. What they measure beside the first file's variables is left out.
Each is listed with what it gains over the mean of the recipes named by `--against`.
"""

import argparse
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsflow.architectures.ensembles import Ensemble
from tsflow.architectures.registry import load_architecture
from tsflow.observations.hourly import HourlyFrame, hourly_frame
from tsflow.records.store import Records
from tsflow.settings import settings
from tsflow.splits import FixedSplit
from tsflow.stack import object_store
from tsflow.stations.clock import station_now
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.station import load_station
from tsflow.task import Task
from tsflow.training.epochs import EpochStore
from tsflow.training.fit import set_up_tensorflow, train
from tsflow.uncertainty.long_run import differences
from tsflow.windows.building import dataset_of
from tsflow.windows.dataset import Dataset


def hours_of(files: list[Path], station_name: str) -> HourlyFrame:
    """Return the hours of a station's files."""
    station = load_station(station_name)
    rows, _ = parse([RawFile(path.name, path.read_bytes()) for path in files], station, now=station_now(station))
    return hourly_frame(rows, station, settings().hourly, target=station.target)


def later(earlier: HourlyFrame, after: HourlyFrame) -> HourlyFrame:
    """Return both one after the other, in the variables of the earlier one; no segment spans both."""
    segments = after.frame["segment"] + earlier.frame["segment"].iloc[-1] + 1
    frames = [earlier.frame, after.frame.assign(segment=segments)[list(earlier.frame)]]
    known = pd.concat([earlier.measured, after.measured[earlier.features]], ignore_index=True)
    return replace(earlier, frame=pd.concat(frames, ignore_index=True), measured=known)


def dataset_from(first: Path, others: list[Path], names: tuple[str, str]) -> Dataset:
    """Return a dataset that trains and validates on one file and is tested by later ones."""
    chosen_by = hours_of([first], names[0])
    times = chosen_by.frame["time"]
    whole = later(chosen_by, hours_of(others, names[1]))
    split = FixedSplit(
        train_end=times.iloc[round(len(times) * 0.75) - 1], validation_end=times.iloc[-1], test_end=whole.frame["time"].iloc[-1]
    )
    station = load_station(names[0])
    return dataset_of(station, Task(target=station.target), whole, split, "later years")


def forecasts(records: Records, dataset: Dataset, names: list[str], against: list[str]) -> dict[str, NDArray[np.float64]]:
    """Return each recipe's forecasts of the test part, shape [n_windows], and first the mean that they are held against.

    A mean is that of its members, each trained once.
    """
    recipes = {name: load_architecture(name) for name in names}
    members = {name: recipe.of or [] if isinstance(recipe, Ensemble) else [name] for name, recipe in recipes.items()}
    made = {
        name: train(load_architecture(name), dataset, EpochStore(records, "later", name, name), seed=1, parts=("test",)).forecasts[
            "test"
        ]
        for name in dict.fromkeys(member for each in (*members.values(), against) for member in each)
    }
    joined = {" + ".join(against): against, **members}
    return {name: np.mean([made[member] for member in of], axis=0) for name, of in joined.items()}


def told(dataset: Dataset, found: dict[str, NDArray[np.float64]]) -> list[dict[str, Any]]:
    """Return for each year and all together each recipe's MAE, its skill over naive, and its gain over the first."""
    rows, truth = dataset.origins("test"), dataset.targets("test")
    origins = dataset.times[rows]
    naive = dataset.values[rows, dataset.target_index] - truth
    years = origins.astype("datetime64[Y]").astype(int) + 1970
    lines: list[dict[str, Any]] = []
    for label, inside in [*((str(year), years == year) for year in np.unique(years)), ("all", years > 0)]:
        reference = float(np.abs(naive[inside]).mean())
        for name, values in found.items():
            mine = (values - truth)[inside]
            first = (next(iter(found.values())) - truth)[inside]
            gain = differences(np.stack([first, mine], axis=1), origins[inside], 1).estimates()[0]
            mae = float(np.abs(mine).mean())
            line = {"year": label, "windows": int(inside.sum()), "recipe": name, "naive": reference, "mae": mae}
            lines.append({**line, "skill": 1 - mae / reference, "gain": gain.value, "low": gain.low, "high": gain.high})
    return lines


def markdown(lines: list[dict[str, Any]]) -> str:
    """Return the table."""
    rows = [f"| year | recipe | naive | MAE | skill | gain over {lines[0]['recipe']}, degC [95 %] |", "|---|---|---|---|---|---|"]
    rows += [
        f"| {each['year']} | {each['recipe']} | {each['naive']:.3f} | {each['mae']:.3f} | {100 * each['skill']:.1f} % | "
        f"{each['gain']:.3f} [{each['low']:.3f}, {each['high']:.3f}] |"
        for each in lines
    ]
    return "\n".join(rows)


def main() -> None:
    """Read the arguments, train, forecast, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("later", nargs="+", type=Path)
    parser.add_argument("--stations", default="jena_hourly,jena_whole", help="of the first file, and of the later ones")
    parser.add_argument("--architectures", default="ridge,lightgbm,mlp,conv_gru,mean_of_tables,mean_of_three")
    parser.add_argument("--against", default="ridge,lightgbm,conv_gru", help="the mean of these is what gains are over")
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    set_up_tensorflow(2)
    first, others = arguments.stations.split(",")
    dataset = dataset_from(arguments.first, arguments.later, (first, others))
    state = tempfile.TemporaryDirectory()
    os.environ["TSFLOW_STATE"] = state.name
    with state, object_store(settings()) as opened:
        names, against = arguments.architectures.split(","), arguments.against.split(",")
        lines = told(dataset, forecasts(Records(opened.open()), dataset, names, against))
    print(markdown(lines))
    if arguments.output:
        arguments.output.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
