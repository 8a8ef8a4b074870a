"""What wind, radiation, rain and their like gain where a station measures them: blocked folds, paired, with intervals.

    python benchmarks/optional_channels.py data/mpi_roof_2020a.zip data/mpi_roof_2020b.zip --output optional_channels.json

Two tables. First the screening as a run does it, by a linear model over all rows of the files. Then recipes as they are trained,
each with what the screening would read and without: of five folds of blocks of four weeks, three are learnt, one says when to stop
or which penalty, one is forecast; in turn, so that each is forecast once. Screening sees, as in a run, only what is learnt.
Climatologies are those of the whole record, with and without alike. The store is the settings' own, or an
embedded one that goes with the program.
"""

import argparse
import json
import os
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from tsflow import steps
from tsflow.architectures.registry import load_architecture
from tsflow.evaluation.screening import FOLDS, blocked_folds, screening
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.store import ObservationStore
from tsflow.records.dataset import Screened
from tsflow.records.store import Records
from tsflow.requests import IngestRequest, RetrainRequest, resolve
from tsflow.settings import settings
from tsflow.splits import FixedSplit
from tsflow.stack import object_store
from tsflow.storage.codecs import digest
from tsflow.training.epochs import EpochStore
from tsflow.training.fit import set_up_tensorflow, train
from tsflow.uncertainty.long_run import differences
from tsflow.windows.building import dataset_of
from tsflow.windows.dataset import Dataset


def whole_record(records: Records, station: str, files: list[Path]) -> Dataset:
    """Ingest the files; return all their hours as a training part."""
    request = IngestRequest.of({"station": station})
    steps.fetch_batch(records, settings(), request, "rows", files=files)
    steps.validate_batch(records, settings(), "rows", station)
    steps.store_batch(records, "rows")
    order = resolve(RetrainRequest.of({"station": station, "profile": "full"}), settings())
    rows = ObservationStore(records, station).read(order.period)
    hourly = hourly_frame(rows, order.station, settings().hourly, target=order.task.target)
    end = datetime.fromisoformat(str(hourly.frame["time"].iloc[-1]))
    split = FixedSplit(train_end=end, validation_end=end, test_end=end)
    return dataset_of(order.station, order.task, hourly, split, "all rows")


def fold_of(dataset: Dataset, number: int) -> Dataset:
    """Return the dataset whose test part is a fold, whose validation part is the next one, and which learns the other three."""
    starts, fold = blocked_folds(dataset)
    validation = (number + 1) % FOLDS
    windows = {
        "train": starts[(fold != number) & (fold != validation)],
        "validation": starts[fold == validation],
        "test": starts[fold == number],
    }
    return dataset.picking(windows, f"fold {number}")


def errors(records: Records, fold: Dataset, architecture: str, screened: list[Screened]) -> Any:
    """Return the errors on the fold of a recipe that was trained with a screening, and the origins' times."""
    taught = replace(fold, screened=tuple(screened))
    training = digest(f"{architecture}, {fold.split_name}, {taught.helpful}".encode())[:24]
    found = train(load_architecture(architecture), taught, EpochStore(records, "folds", architecture, training), seed=1)
    return found.forecasts["test"] - taught.targets("test"), taught.times[taught.origins("test")]


def gain(records: Records, dataset: Dataset, architecture: str) -> dict[str, Any]:
    """Return what reading more gains a recipe, over all folds."""
    pairs, times, read = [], [], []
    for number in range(FOLDS):
        fold = fold_of(dataset, number)
        found = screening(fold)
        mine, origins = errors(records, fold, architecture, found)
        other, _ = errors(records, fold, architecture, [each.changed(read=False) for each in found])
        pairs.append(np.stack([other, mine], axis=1))
        times.append(origins)
        read.append([each.quantity for each in found if each.read])
    order = np.argsort(np.concatenate(times))
    together, origins = np.concatenate(pairs)[order], np.concatenate(times)[order]
    told = differences(together, origins, 1).estimates()[0]
    mae = np.abs(together).mean(axis=0)
    return {
        "architecture": architecture,
        "windows": len(origins),
        "without": float(mae[0]),
        "with": float(mae[1]),
        "gain": told.value,
        "low": told.low,
        "high": told.high,
        "read": read,
    }


def markdown(report: dict[str, Any]) -> str:
    """Return both tables."""

    def interval(each: dict[str, Any]) -> str:
        return "too few days to say" if each["gain"] is None else f"{each['gain']:.3f} [{each['low']:.3f}, {each['high']:.3f}]"

    lines = ["| quantity | gain, degC [95 %] | read |", "|---|---|---|"]
    lines += [f"| {each['quantity']} | {interval(each)} | {'yes' if each['read'] else 'no'} |" for each in report["screening"]]
    lines += ["", "| recipe | MAE without | with | gain, degC [95 %] | read, by fold |", "|---|---|---|---|---|"]
    for each in report["recipes"]:
        read = "; ".join(", ".join(names) or "none" for names in each["read"])
        lines.append(f"| {each['architecture']} | {each['without']:.3f} | {each['with']:.3f} | {interval(each)} | {read} |")
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--station", default="jena_whole")
    parser.add_argument(
        "--architectures", default="ridge,lightgbm,conv_gru", help="separated by commas; empty: the screening alone"
    )
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    set_up_tensorflow(1)
    state = tempfile.TemporaryDirectory()
    os.environ["TSFLOW_STATE"] = state.name  # an ingest of the same name that is there would be taken for this one
    with state, object_store(settings()) as opened:
        records = Records(opened.open())
        dataset = whole_record(records, arguments.station, arguments.files)
        report: dict[str, Any] = {"screening": [each.model_dump() for each in screening(dataset)], "recipes": []}
        for name in [name for name in arguments.architectures.split(",") if name]:
            report["recipes"].append(gain(records, dataset, name))
            print(json.dumps(report["recipes"][-1]), flush=True)
    print(markdown(report))
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
