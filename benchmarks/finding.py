"""How many requests it takes to find things, however much there is: newest board, run, champion, what happened to it.

    python benchmarks/finding.py --runs 1000 --stations 50 --output finding.json

Made-up records are put into a store of their own (TSFLOW_OBJECT_STORE__*, or the embedded one): an index entry for each run and
each ingest of each station, and of one station in the middle all that is asked for. Printed: requests and milliseconds (median of
`--rounds`) of each question.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tsflow.bundle.manifest import FORMAT, Pointer, dump
from tsflow.bundle.places import pointer_key
from tsflow.champion.history import History
from tsflow.cli.stores import store
from tsflow.evaluation.boards import BOARDS, board_of, newest_board
from tsflow.observations.ingests import newest_ingests
from tsflow.records.dataset import PartFacts, Parts
from tsflow.records.history import Entry, PointerFacts, State
from tsflow.records.index import Begun, Kind, Listed, turn
from tsflow.records.leaderboard import Entrant, Leaderboard
from tsflow.records.record import Record, Reference
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.storage.objects import JSON

BEGIN = datetime(2024, 1, 1)
_AT_ONCE = 16  # requests
Question = Callable[[Records, str, str], object]
QUESTIONS: dict[str, Question] = {
    "newest board of a station": lambda records, station, run: newest_board(records, station),
    "newest board of a task": lambda records, station, run: newest_board(records, station, "main"),
    "twenty newest runs": lambda records, station, run: BOARDS.newest(records, station, "main", most=20),
    "a run by its name": lambda records, station, run: records.read(Run, run=run),
    "board of a run": lambda records, station, run: board_of(records, run),
    "champion's pointer and newest entry": lambda records, station, run: History(records, station).standing(),
    "thirty newest ingests": lambda records, station, run: newest_ingests(records, station, most=30),
}


def entries(stations: int, runs: int) -> Iterator[Record]:
    """Yield an index entry for each run and each ingest of each station."""
    for number in range(runs):
        as_of, created = BEGIN + timedelta(days=number), (BEGIN + timedelta(days=number, hours=1)).replace(tzinfo=UTC)
        for station in names(stations):
            kinds: dict[Kind, str] = {"board": "main", "ingest": "all"}
            for of, task in kinds.items():
                yield Listed(
                    of=of,
                    station=station,
                    task=task,
                    turn=turn(as_of, created),
                    id=f"{station}-{number}",
                    as_of=as_of,
                    created_at=created,
                    result="made up",
                )


def names(stations: int) -> list[str]:
    """Return the names of the stations."""
    return [f"s{number:03d}" for number in range(stations)]


def put(records: Records, record: Record, key: str) -> None:
    """Put a record, whatever lies there."""
    records.objects.put_new(key, record.body(), JSON)


def fill(records: Records, stations: int, runs: int) -> tuple[str, str]:
    """Write the records; return the station in the middle and its newest run."""
    for of in ("board", "ingest"):
        records.first(Begun(of=of))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda one: put(records, one, one.key()), entries(stations, runs)))
    station = names(stations)[stations // 2]
    made = f"{station}-{runs - 1}"
    put(records, run_of(made, station, runs), Run.TEMPLATE.key(run=made))
    board = board_of_run(made, station, runs)
    put(records, board, board.key())
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda number: history_entry(records, station, number), range(1, runs + 1)))
    pointer = Pointer(**pointer_of(station, runs).model_dump())
    records.objects.swap(pointer_key(station), dump(pointer), None)
    return station, made


def run_of(run: str, station: str, runs: int) -> Run:
    """Return a made-up run."""
    as_of = BEGIN + timedelta(days=runs - 1)
    return Run(
        run=run,
        station=station,
        as_of=as_of,
        fingerprint="f",
        entrants=["naive"],
        profile="quick",
        split="recent",
        seed=1,
        docs="d",
    )


def board_of_run(run: str, station: str, runs: int) -> Leaderboard:
    """Return a made-up board."""
    part = PartFacts(rows=1, windows=1, first=BEGIN, last=BEGIN)
    return Leaderboard(
        run=run,
        number=1,
        station=station,
        split="recent",
        profile="quick",
        seed=1,
        fingerprint="f",
        as_of=BEGIN + timedelta(days=runs - 1),
        created_at=datetime.now(UTC),
        horizon_hours=24,
        target="T",
        unit="degC",
        parts=Parts(train=part, validation=part, test=part),
        naive={},
        challenger="naive",
        entrants=[Entrant(architecture="naive", title="Naive", status="ok")],
    )


def pointer_of(station: str, number: int) -> PointerFacts:
    """Return the pointer of a made-up promotion."""
    key, moment = f"champions/{station}/{number}/manifest.json", BEGIN.isoformat()
    return PointerFacts(
        format=FORMAT,
        station=station,
        version=str(number),
        manifest_key=key,
        manifest_sha256="0",
        promoted_at=moment,
        sequence=number,
    )


def history_entry(records: Records, station: str, number: int) -> None:
    """Write a made-up promotion."""
    facts = pointer_of(station, number)
    entry = Entry(
        number=number,
        station=station,
        kind="promotion",
        at=BEGIN.replace(tzinfo=UTC) + timedelta(days=number),
        actor="a benchmark",
        reason="made up",
        version=facts.version,
        manifest=Reference(key=facts.manifest_key, sha256="0"),
        pointer=facts,
        state=State(champion=number),
    )
    put(records, entry, entry.key(folder=f"champions/{station}"))


def ask(records: Records, station: str, run: str, rounds: int) -> dict[str, dict[str, float]]:
    """Return requests and milliseconds of each question."""
    requests: list[str] = []
    records.objects._s3.meta.events.register("before-send.s3.*", lambda request, **_: requests.append(request.method))
    found = {}
    for question, answer in QUESTIONS.items():
        seconds = []
        for _ in range(rounds):
            requests.clear()
            began = time.perf_counter()
            answer(records, station, run)
            seconds.append(time.perf_counter() - began)
        found[question] = {"requests": len(requests), "milliseconds": round(1000 * statistics.median(seconds), 1)}
    return found


def measured(records: Records, arguments: argparse.Namespace) -> dict[str, object]:
    """Fill a store, and ask it."""
    began = time.monotonic()
    station, run = fill(records, arguments.stations, arguments.runs)
    filled = time.monotonic() - began
    found = ask(records, station, run, arguments.rounds)
    return {"runs": arguments.runs, "stations": arguments.stations, "seconds_to_fill": round(filled, 1), "questions": found}


def main() -> None:
    """Read the arguments, write, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="of each station")
    parser.add_argument("--stations", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("TSFLOW_STATE", str(Path(folder) / "state"))  # what the clone holds stays out of it
        with store() as records:
            report = measured(records, arguments)
    print(json.dumps(report, indent=1))
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
