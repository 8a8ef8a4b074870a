"""Run the benchmarks that have a reference, one after another, and write their tables into docs/performance.md: `make bench`.

    .venv/bin/python benchmarks/bench.py

Each program runs in a process of its own and leaves what it measured as JSON in `.bench/`; with `--tables` nothing is measured, and
the tables are made of what lies there. Those of longer programs (book.py at ten epochs) go in the same way:

    .venv/bin/python benchmarks/book.py --files data/jena_hourly_2009_2014.csv.gz --output .bench/book.json
    .venv/bin/python benchmarks/bench.py --tables
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
# About 5 minutes on two fast cores without other work, 15 on slow ones.
PROGRAMS = {
    "training": ["training.py", "--rounds", "3"],
    "reading": ["reading.py", "--rounds", "3"],
    "client": ["client.py", "--stage", "local", "--rounds", "30"],
    "orchestration": ["orchestration.py"],
}
_CLIENTS_RUN = ["run", "--here", "--station", "demo", "--profile", "smoke", "--architectures", "dense,conv1d,lstm,stacked_gru"]


def table(head: list[str], lines: list[list[Any]]) -> str:
    """Return a Markdown table."""
    rows = [head, ["---"] * len(head), *([str(cell) for cell in line] for line in lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def of_training(found: dict[str, Any]) -> str:
    """Return a line a network: seconds an epoch."""
    lines = [
        [
            name,
            *(f"{one[clock][way]:.2f}" for clock in ("wall", "processor") for way in ("book", "tsflow")),
            one["wall_ratio"],
            f"**{one['processor_ratio']}**",
            one["goal"] or "",
        ]
        for name, one in found.items()
    ]
    head = [
        "network",
        "book, s",
        "tsflow, s",
        "book, s of processor",
        "tsflow, s of processor",
        "ratio",
        "ratio of processor",
        "goal",
    ]
    return table(head, lines)


def of_book(found: dict[str, Any]) -> str:
    """Return a line a network: seconds and error, and one for all."""
    lines = [
        [
            name,
            *(f"{ways[way][key]:.{digits}f}" for key, digits in (("seconds", 0), ("val_mae", 3)) for way in ("book", "tsflow")),
            f"{ways['same_order']:.3f}",
        ]
        for name, ways in found["networks"].items()
    ]
    lines.append(["all, from files to ranks", *(f"{found['seconds'][way]:.0f}" for way in ("book", "tsflow")), "", "", ""])
    lines.append(["all, seconds of processor", *(f"{found['processor'][way]:.0f}" for way in ("book", "tsflow")), "", "", ""])
    said = f"\n{found['epochs']} epochs; ratio {found['seconds_ratio']}, of seconds of processor {found['processor_ratio']}.\n"
    head = [
        "network",
        "book, s",
        "tsflow, s",
        "book, validation MAE",
        "tsflow, validation MAE",
        "tsflow, windows in the book's order",
    ]
    return table(head, lines) + said


def of_reading(found: dict[str, Any]) -> str:
    """Return the line of pandas and that of tsflow."""
    lines = [
        [name, *(f"{found[way][key]:.2f}" for key in ("seconds", "processor")), f"{found[way]['peak_mb']:.0f}"]
        for name, way in (("pandas.read_csv", "bare"), ("tsflow: read, clean, validate, store", "whole"))
    ]
    lines.append(["ratio", found["ratio"], found["ratio_of_processor"], ""])
    return table([f"{found['megabytes']} MB", "s", "s of processor", "peak MB"], lines)


def of_client(found: dict[str, Any]) -> str:
    """Return a line an entrant: milliseconds of one forecast."""
    lines = [
        [
            line["architecture"],
            f"{line['client']:.2f}",
            f"{line.get('predict', 0):.1f}" if "predict" in line else "–",
            line.get("ratio", "–"),
        ]
        for line in found["forecasts"]
    ]
    return table(["entrant", "tsflow.client, ms", "keras.Model.predict, ms", "ratio"], lines)


def of_orchestration(found: dict[str, Any]) -> str:
    """Return the seconds of a run and of its parts."""
    goal = round(1.15 * found["trainings"] + 10, 1)
    lines = [
        ["`tsflow run`, from the command to the table", f"{found['seconds']:.1f}"],
        ["its trainings, over the slots of the pool", f"{found['trainings']:.1f}"],
        ["goal: 1.15 times that, and 10 s", goal],
        [f"a DAG of empty tasks of the same shape ({found['entrants']} entrants)", f"{found['empty']:.1f}"],
    ]
    return table(["", "s"], lines)


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "training": of_training,
    "book": of_book,
    "reading": of_reading,
    "client": of_client,
    "orchestration": of_orchestration,
}


def with_tables(page: str, results: Path) -> str:
    """Return the page with a table between the markers of each benchmark that was measured."""
    for name, make in TABLES.items():
        path = results / f"{name}.json"
        if path.exists():
            made = make(json.loads(path.read_text(encoding="utf-8")))
            markers = re.compile(rf"(<!-- {name}: made by `make bench` -->\n).*?(<!-- end -->)", re.DOTALL)
            page = markers.sub(lambda found, made=made: found[1] + made + found[2], page)
    return page


def measure(name: str, program: list[str], results: Path) -> None:
    """Run a benchmark; what it measured lies in the folder afterwards."""
    began, words = time.monotonic(), [sys.executable, str(REPOSITORY / "benchmarks" / program[0]), *program[1:]]
    print(f"{name}: {' '.join(program)}", flush=True)
    with tempfile.TemporaryDirectory() as state:
        environment = os.environ | {"TSFLOW_STATE": state}  # a store of its own, which holds nothing
        if name == "client":
            subprocess.run([str(Path(sys.executable).with_name("tsflow")), *_CLIENTS_RUN], env=environment, check=True)
        subprocess.run([*words, "--output", str(results / f"{name}.json")], env=environment, check=True)
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """Measure, then write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=PROGRAMS, default=list(PROGRAMS), help="measure these alone")
    parser.add_argument("--tables", action="store_true", help="measure nothing; make the tables of what lies in the folder")
    parser.add_argument("--results", type=Path, default=REPOSITORY / ".bench", help="the folder of what was measured")
    parser.add_argument("--page", type=Path, default=REPOSITORY / "docs" / "performance.md", help="whose tables are made")
    asked = parser.parse_args()
    asked.results.mkdir(exist_ok=True)
    for name in [] if asked.tables else asked.only:
        measure(name, PROGRAMS[name], asked.results)
    asked.page.write_text(with_tables(asked.page.read_text(encoding="utf-8"), asked.results), encoding="utf-8")


if __name__ == "__main__":
    main()
