"""What Airflow costs around the trainings: a run of `quick` on `demo` beside them, and a DAG of that shape whose tasks are empty.

    .venv/bin/python benchmarks/orchestration.py --rounds 1 --output orchestration.json

A stack of its own, in folders of its own, is brought up for it, and taken down. Wall time of `tsflow run` from the command to its
table is compared with the sum of the run's trainings over the slots of the pool; the difference is everything else: ingest,
validation, dataset, ranking, refit, publishing, and Airflow. The empty DAG shows Airflow's own part; with `--of 1,9,27,100` it is
run with so many entrants, too, which shows how what Airflow takes for one grows with them.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tsflow.folders import home
from tsflow.names import TRAINING_POOL
from tsflow.settings import settings
from tsflow.stack import Airflow, status

EMPTY = """
from airflow.sdk import Param, dag, task


@dag(schedule=None, tags=["benchmark"], params={{"entrants": Param({entrants}, type="integer")}})
def empty():
    @task
    def begin(params):
        return [str(number) for number in range(params["entrants"])]

    def nothing(architecture):
        pass

    @task
    def end():
        pass

    task(task_id="train", pool="{pool}")(nothing).expand(architecture=begin()) >> end() >> task(task_id="publish")(nothing)("x")


empty()
"""


def make_home(folder: Path, entrants: int, pool: str) -> None:
    """Make folders for a stack of its own, with the DAG of empty tasks; this process and its children use them."""
    for name in ("include", "dags", "plugins"):
        shutil.copytree(home() / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "dags" / "empty.py").write_text(EMPTY.format(entrants=entrants, pool=pool), encoding="utf-8")
    os.environ |= {"TSFLOW_HOME": str(folder), "TSFLOW_STATE": str(folder / "state")}
    settings.cache_clear()


def tsflow(*words: str) -> None:
    """Run a command; end the program with what it said if it fails."""
    program = [str(Path(sys.executable).with_name("tsflow")), *words]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"tsflow {' '.join(words)}: exit code {done.returncode}: {done.stderr[-3000:]}{done.stdout[-3000:]}")


def seconds_of_empty(airflow: Airflow, entrants: int) -> float:
    """Run the empty DAG with so many entrants; return the seconds from the trigger to its end."""
    began, run = time.perf_counter(), airflow.trigger("empty", {"entrants": entrants})
    while not (seen := airflow.dag_run("empty", run)).ended:
        time.sleep(0.5)
    if seen.state != "success":
        sys.exit(f"the empty DAG ended as {seen.state}")
    return time.perf_counter() - began


def run_of(wanted: list[str], seed: int, folder: Path) -> dict[str, float]:
    """Run it through Airflow; return its seconds, and those of its trainings over the slots."""
    table, began = folder / f"board_{seed}.json", time.perf_counter()
    tsflow("run", "--station", "demo", *wanted, "--seed", str(seed), "--json", str(table))
    seconds = time.perf_counter() - began
    board = json.loads(table.read_text(encoding="utf-8"))
    trained = sum(line["train_seconds"] or 0.0 for line in board["entrants"]) / settings().training.pool_slots
    return {"seconds": seconds, "trainings": trained, "over": seconds - 1.15 * trained}


def main() -> None:
    """Bring up a stack, measure, take it down, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--architectures", default=None, help="these in place of the profile's")
    parser.add_argument("--of", default="", help="run the empty DAG with so many entrants, too, separated by commas")
    parser.add_argument("--output", type=Path, default=None)
    asked = parser.parse_args()
    further = [int(number) for number in asked.of.split(",") if number]
    given = asked.architectures.split(",") if asked.architectures else None
    entrants = len(given or settings().profiles.named(asked.profile).architectures or [])
    wanted = ["--profile", asked.profile, *(["--architectures", asked.architectures] if given else [])]
    seen: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_home(folder, entrants, TRAINING_POOL)
        tsflow("up")
        try:
            airflow = Airflow.of_stack(status())
            airflow.wait_for_dag("empty")
            for seed in range(1, asked.rounds + 1):
                empty = {"empty": seconds_of_empty(airflow, entrants)}
                empty |= {f"empty of {number}": seconds_of_empty(airflow, number) for number in further}
                seen.append(empty | run_of(wanted, seed, folder))
        finally:
            tsflow("down")
    medians = {key: statistics.median(one[key] for one in seen) for key in seen[0]}
    report: dict[str, Any] = {key: round(median, 3) for key, median in medians.items()}
    report["ratio"] = round(medians["seconds"] / medians["trainings"], 2)
    print(
        f"run {report['seconds']:.1f} s, its trainings over the slots {report['trainings']:.1f} s, ratio {report['ratio']}; "
        f"empty DAG {report['empty']} s" + "".join(f", {name} {report[name]} s" for name in report if name.startswith("empty of "))
    )
    if asked.output:
        asked.output.write_text(json.dumps({"entrants": entrants, **report}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
