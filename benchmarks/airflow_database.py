"""Play two months of Airflow's own database, with its cleaning once a week, and say whether it stays level.

    python benchmarks/airflow_database.py --days 60 --keep-days 21 --output airflow_database.json

A day is what the DAGs of tsflow leave in it: ingests of all stations, a forecast of each after each ingest, a look of the monitor
and of `daily`, and a retraining of each station, all run by a real Airflow without a scheduler, in a database and a store of their
own. A day takes seconds here; how long is kept counts in days that were played. Printed and written, day by day: rows, megabytes in
use and megabytes of the file (what is freed in it is used again).
"""

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yaml

from tsflow.folders import home, state_dir
from tsflow.settings import ObjectStoreSettings, settings
from tsflow.stack import object_store
from tsflow.stack.tidying import TABLES, clean_database, embedded_database

MB = 1_000_000
SCRIPTS = Path(sys.executable).parent
# Reads a day's runs as a line of JSON, plays them, answers with a line; what Airflow prints goes to standard error.
PLAYER = """
import json, os, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1], bundle_name="dags-folder")
for line in sys.stdin:
    states = [str(bag.dags[dag_id].test(run_conf=conf).state) for dag_id, conf in json.loads(line)]
    print(json.dumps(states), file=answers, flush=True)
"""


def make_home(folder: Path, stations: list[str]) -> None:
    """Make a copy of include/ with the stations and small trainings, and let this process and its children read it."""
    shutil.copytree(home() / "include", folder / "include")
    content = yaml.safe_load((folder / "include" / "stations" / "demo.yaml").read_text(encoding="utf-8"))
    content["sources"]["simulator"]["history_days"] = 120
    for name in stations:
        path = folder / "include" / "stations" / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**content, "station": name}, sort_keys=False, allow_unicode=True), encoding="utf-8")
    quick = {"history_days": 120, "max_epochs": 1, "architectures": ["naive", "climatology"]}
    own = {"profiles": {"quick": quick}, "gate": {"probability": 0.6}, "schedule": {"stations": stations}}
    (folder / "include" / "tsflow.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    os.environ |= {"TSFLOW_HOME": str(folder), "TSFLOW_STATE": str(folder / "state")}
    settings.cache_clear()


def airflow_environment(dags: Path, opened: ObjectStoreSettings) -> dict[str, str]:
    """Return the environment of an Airflow whose database lies where the embedded one's does."""
    folder = state_dir() / "airflow"
    folder.mkdir(parents=True)
    keys = {"ACCESS_KEY_ID": opened.access_key_id, "SECRET_ACCESS_KEY": opened.secret_access_key}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {f"TSFLOW_OBJECT_STORE__{key}": value.get_secret_value() for key, value in keys.items() if value}
    return environment | {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}?timeout=60",
        "PYTHONPATH": os.pathsep.join([str(dags), os.environ.get("PYTHONPATH", "")]),
        "TSFLOW_OBJECT_STORE__ENDPOINT_URL": str(opened.endpoint_url),
        "TSFLOW_OBJECT_STORE__BUCKET": opened.bucket,
    }


@contextmanager
def player(dags: Path, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the process that plays days; it ends with its input."""
    subprocess.run([SCRIPTS / "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    with log.open("w") as errors:
        program = [sys.executable, "-c", PLAYER, str(dags)]
        started = subprocess.Popen(
            program, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        with started:
            yield started


def play(started: subprocess.Popen[str], runs: list[tuple[str, dict[str, str]]]) -> list[str]:
    """Play a day; return how its runs ended."""
    assert started.stdin is not None
    assert started.stdout is not None
    started.stdin.write(json.dumps(runs) + "\n")
    started.stdin.flush()
    if not (answer := started.stdout.readline()):
        sys.exit("the process that plays the days ended; run this again with `--log FILE`, and see there what it said")
    states: list[str] = json.loads(answer)
    return states


def size() -> dict[str, Any]:
    """Return rows of what the cleaning looks at, and megabytes: in use, and of the file."""
    with closing(sqlite3.connect(str(embedded_database()))) as database:
        pages, free, each = (
            database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        rows = {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
    used = {
        "rows": sum(rows.values()),
        "megabytes": round((pages - free) * each / MB, 2),
        "file_megabytes": round(pages * each / MB, 2),
    }
    return {**used, "tables": {table: count for table, count in rows.items() if count}}


def measure(dags: Path, environment: dict[str, str], stations: list[str], arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Play all days; return what was seen."""
    ingests = [("ingest_weather", {}), *(("forecast", {"station": name}) for name in stations)] * arguments.ingests
    others = [("daily", {}), *(("retrain", {"station": name}) for name in stations), ("monitor", {})]
    began: list[float] = []
    seen: list[dict[str, Any]] = []
    with player(dags, environment, arguments.log) as started:
        for day in range(arguments.days):
            began.append(time.time())
            states = play(started, [*others, *ingests] if day else [ingests[0], *others, *ingests])
            found = {"day": day + 1, "runs": len(states), "failed": states.count("failed"), "before": size()}
            if (day + 1) % arguments.every_days == 0:
                kept = max(day + 1 - arguments.keep_days, 0)
                cleaned = clean_database((time.time() - began[kept]) / 86_400)
                found |= {"removed": cleaned.rows if cleaned else 0, "after": size()}
            print(json.dumps(found), flush=True)
            seen.append(found)
    return seen


def table(seen: list[dict[str, Any]]) -> str:
    """Return the days on which there was a cleaning as a Markdown table."""
    lines = ["| day | rows | after the cleaning | MB in use | after the cleaning | MB of the file |", "|" + "---|" * 6]
    for each in seen:
        if "after" in each:
            before, after = each["before"], each["after"]
            figures = [
                f"{before['rows']:,}",
                f"{after['rows']:,}",
                before["megabytes"],
                after["megabytes"],
                after["file_megabytes"],
            ]
            lines.append(f"| {' | '.join(map(str, [each['day'], *figures]))} |")
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, play, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--keep-days", type=int, default=21)
    parser.add_argument("--every-days", type=int, default=7, help="days from cleaning to cleaning")
    parser.add_argument("--stations", type=int, default=3)
    parser.add_argument("--ingests", type=int, default=2, help="and forecasts of each station, a day")
    parser.add_argument("--log", type=Path, default=Path(os.devnull), help="where what Airflow says goes")
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    if arguments.every_days < 1:
        parser.error("--every-days counts days from one cleaning to the next, so it is 1 or more")
    dags, stations = home() / "dags", [f"roof{number + 1}" for number in range(arguments.stations)]
    with tempfile.TemporaryDirectory() as folder:
        make_home(Path(folder), stations)
        with object_store(settings()) as opened:
            seen = measure(dags, airflow_environment(dags, opened), stations, arguments)
    print(table(seen))
    if arguments.output:
        arguments.output.write_text(json.dumps({"keep_days": arguments.keep_days, "days": seen}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
