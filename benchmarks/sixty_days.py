"""Play two months of daily retraining of three stations, with retention once a week, and say whether the store stays level.

    python benchmarks/sixty_days.py --days 60 --output sixty_days.json

The stations are the simulator's, in a store of their own (TSFLOW_OBJECT_STORE__*, or the embedded one), whose clock goes by the
days that are played. How long things are kept is shortened (HORIZON), so that two months are enough to see it. Printed and written,
day by day: size on the disk, objects, requests, seconds of a retraining and of finding the leaderboard; what went each week; and
whether every champion that is kept still verifies. Beside the JSON a picture.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tsflow import steps
from tsflow.champion import clock
from tsflow.champion.audit import audit
from tsflow.champion.history import History
from tsflow.cli.stores import store
from tsflow.evaluation.boards import board_of, newest_board
from tsflow.folders import home
from tsflow.records.store import Records
from tsflow.requests import IngestRequest, RetrainRequest
from tsflow.retention.kept import champions_kept
from tsflow.retention.look import look
from tsflow.settings import override, settings
from tsflow.stack.vacuum import size_on_disk
from tsflow.stations.simulator import simulated_file
from tsflow.stations.station import load_station

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from ageing import Days  # of the tests: a store whose clock goes by the days that are played

START = datetime(2026, 6, 1)
MB = 1_000_000
HORIZON = {
    "runs_days": 21,
    "runs": 3,
    "candidates_days": 7,
    "datasets_days": 7,
    "bundles_days": 14,
    "bundles": 3,
    "ingests_days": 7,
    "quarantine_days": 7,
    "forecasts_days": 21,
    "scores_days": 30,
    "parts_days": 3,
}
LEVEL_AFTER = 35  # days: the longest of these, and the week to the next look


def make_home(folder: Path, stations: list[str]) -> None:
    """Make a copy of include/ with the stations, and let this process read it."""
    shutil.copytree(home() / "include", folder / "include")
    content = yaml.safe_load((folder / "include" / "stations" / "demo.yaml").read_text(encoding="utf-8"))
    for number, name in enumerate(stations):
        place = {**content["location"], "latitude": 48 + number}
        path = folder / "include" / "stations" / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**content, "station": name, "location": place}, sort_keys=False, allow_unicode=True))
    os.environ["TSFLOW_HOME"] = str(folder)
    rest = "rest.after_days=null"  # boards of so few weeks send nobody to rest
    override([rest, *(f"retention.{name}={value}" for name, value in HORIZON.items())])


def play_clock(days: Days) -> None:
    """Let everything that asks for the moment be told the one that is played."""
    told = clock.utc_now
    for module in [module for name, module in sys.modules.items() if name.startswith("tsflow.")]:
        if getattr(module, "utc_now", None) is told:
            module.utc_now = lambda: days.now.replace(microsecond=0)  # type: ignore[attr-defined]


class Play:
    """The stations at work."""

    def __init__(self, records: Records, days: Days, folder: Path, arguments: argparse.Namespace) -> None:
        self.records, self.days, self.folder, self.arguments = records, days, folder, arguments
        self.requests = 0
        records.objects._s3.meta.events.register("before-send.s3.*", self._count)

    def _count(self, **_: object) -> None:
        self.requests += 1

    def ingest(self, station: str, begin: datetime, end: datetime) -> None:
        """Ingest the rows of a span, with those of the day before, as a source is asked again for them."""
        about = load_station(station)
        name, body = simulated_file(about, about.source(None), begin - timedelta(days=1), end)
        (self.folder / name).write_bytes(body)
        ingest = f"{station}-{end:%Y%m%dT%H%M}"
        request = IngestRequest.of({"station": station, "as_of": end.isoformat()})
        steps.fetch_batch(self.records, settings(), request, ingest, files=[self.folder / name])
        steps.validate_batch(self.records, settings(), ingest, station)
        steps.store_batch(self.records, ingest)

    def retrain(self, station: str, now: datetime) -> str:
        """Train, rank, decide, publish; return what became of it."""
        run = f"{station}-{now:%Y-%m-%d}"
        names = self.arguments.architectures.split(",")
        asked = {"station": station, "as_of": now.isoformat(), "profile": "quick", "architectures": names}
        planned = steps.build_dataset(self.records, settings(), RetrainRequest.of(asked), run)
        for name in planned.entrants:
            steps.train_entrant(self.records, settings(), run, name)
        steps.rank_entrants(self.records, run)
        decision = steps.decide(self.records, settings(), self.records.reference(board_of(self.records, run)))
        for name in steps.plan_refit(self.records, settings(), decision):
            steps.refit_entrant(self.records, settings(), decision, name)
        return steps.publish(self.records, settings(), decision).outcome

    def a_day(self, day: int, stations: list[str]) -> dict[str, Any]:
        """Play a day: ingests and forecasts, a retraining of each station, the monitor; return what was seen."""
        begin, hours = START + timedelta(days=day), 24 // self.arguments.ingests
        self.requests, outcomes, seconds = 0, [], 0.0
        for number in range(1, self.arguments.ingests + 1):
            self.days.go_by(hours / 24)
            now = begin + timedelta(hours=number * hours)
            for station in stations:
                self.ingest(station, now - timedelta(hours=hours), now)
                steps.make_forecast(self.records, settings(), station, "main", now=_utc(station, now + timedelta(minutes=5)))
        for station in stations:
            took, outcome = timed(lambda name=station: self.retrain(name, begin + timedelta(days=1)))
            seconds, outcomes = seconds + took, [*outcomes, outcome]
            steps.monitor(self.records, settings(), station, "main", now=_utc(station, begin + timedelta(days=1, minutes=20)))
        finding, _ = timed(lambda: [newest_board(self.records, station) for station in stations])
        return {
            "day": day + 1,
            "requests": self.requests,
            "retrain_seconds": round(seconds / len(stations), 2),
            "leaderboard_milliseconds": round(1000 * finding / len(stations), 1),
            "outcomes": outcomes,
            **self.size(),
        }

    def size(self) -> dict[str, float]:
        """Return what there is."""
        there = list(self.records.objects.listed(""))
        parts = sum(one.key.startswith("observations/") for one in there)
        return {
            "objects": len(there),
            "observation_parts": parts,
            "megabytes": round(sum(one.size for one in there) / MB, 2),
            "disk_megabytes": round(size_on_disk() / MB, 2),
        }

    def collect(self) -> dict[str, Any]:
        """Look, as once a week, and return what went."""
        seconds, garbage = timed(lambda: steps.collect_garbage(self.records, settings()))
        store_ = garbage.store
        return {
            "removed": store_.removed,
            "objects": store_.objects,
            "megabytes": round(store_.size / MB, 2),
            "packed_parts": store_.packed_parts,
            "kinds": {kind.kind: kind.objects for kind in store_.kinds if kind.objects},
            "notes": store_.notes,
            "seconds": round(seconds, 1),
        }

    def verified(self, stations: list[str]) -> dict[str, Any]:
        """Return for each station how many champions may come back, how many of them are whole, and what is damaged."""
        found = {}
        for station in stations:
            history = History(self.records, station)
            kept, seen = champions_kept(history, look(self.records.objects, settings().retention)), audit(history)
            whole = len(set(kept) & set(seen.whole))
            found[station] = {"entries": seen.entries, "kept": len(kept), "whole": whole, "damage": seen.damage}
        return found


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long some work took, in seconds, and what it gave."""
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def play(records: Records, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Play all days; return what was seen."""
    stations = [f"roof{number + 1}" for number in range(arguments.stations)]
    make_home(folder, stations)
    days = Days(records.objects, START.replace(tzinfo=UTC))
    play_clock(days)
    played = Play(records, days, folder, arguments)
    for station in stations:
        played.ingest(station, START - timedelta(days=arguments.history_days), START)
    seen = []
    for day in range(arguments.days):
        found = played.a_day(day, stations)
        if (day + 1) % arguments.every_days == 0:
            found["collected"] = played.collect()
            found["after"] = played.size()
        print(json.dumps(found), flush=True)
        seen.append(found)
    return {"stations": len(stations), "horizon": HORIZON, "days": seen, "verified": played.verified(stations)}


def _utc(station: str, moment: datetime) -> datetime:
    return (moment - timedelta(hours=load_station(station).timestamp.utc_offset_hours)).replace(tzinfo=UTC)


def table(report: dict[str, Any]) -> str:
    """Return the days before and after each look as a Markdown table."""
    lines = [
        "| day | objects | on the disk, MB | after the look | requests that day | retraining, s | leaderboard, ms |",
        "|" + "---|" * 7,
    ]
    for each in report["days"]:
        if "after" in each:
            after = f"{each['after']['objects']:,} objects, {each['after']['disk_megabytes']:.0f} MB"
            figures = [f"{each['objects']:,}", f"{each['disk_megabytes']:.0f}", after, f"{each['requests']:,}"]
            cells = [str(each["day"]), *figures, f"{each['retrain_seconds']:.1f}", f"{each['leaderboard_milliseconds']:.0f}"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def picture(report: dict[str, Any]) -> str:
    """Draw size on the disk by day, with what it would be had nothing gone, and a mark for each look, as SVG."""
    days, gone, without = report["days"], 0.0, []
    for each in days:
        without.append(each["megabytes"] + gone)
        gone += each.get("collected", {}).get("megabytes", 0.0)
    disk = [each.get("after", each)["disk_megabytes"] for each in days]
    wide, high, most = 12 * len(days) + 90, 260, 1.1 * max(*without, *disk, 1)

    def line(values: list[float], colour: str) -> str:
        points = " ".join(f"{60 + 12 * x},{high - 40 - value / most * (high - 70):.1f}" for x, value in enumerate(values))
        return f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>'

    ticks = [
        f'<text x="52" y="{high - 36 - share * (high - 70):.0f}" text-anchor="end">{share * most:.0f}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    looks = [f'<circle cx="{60 + 12 * x}" cy="{high - 40}" r="3" fill="#c00"/>' for x, each in enumerate(days) if "after" in each]
    numbers = [f'<text x="{60 + 12 * x}" y="{high - 20}" text-anchor="middle">{x + 1}</text>' for x in range(6, len(days), 7)]
    said = (
        f'<text x="60" y="14">MB by day, {report["stations"]} stations: <tspan fill="#06c">on the disk</tspan>, '
        f'<tspan fill="#888">objects, had nothing gone</tspan>, <tspan fill="#c00">a look each week</tspan></text>'
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" font-size="11">'
    drawn = [line(without, "#888"), line(disk, "#06c"), *ticks, *looks, *numbers, said]
    return "\n".join([head, f'<rect width="{wide}" height="{high}" fill="#fff"/>', *drawn, "</svg>\n"])


def main() -> None:
    """Read the arguments, play, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--stations", type=int, default=3)
    parser.add_argument("--ingests", type=int, default=4, help="and forecasts, a day")
    parser.add_argument("--every-days", type=int, default=7, help="days from look to look")
    parser.add_argument("--history-days", type=int, default=200)
    parser.add_argument("--architectures", default="naive,autoregression_direct,ridge")
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    if arguments.every_days < 1:
        parser.error("--every-days counts days from one look to the next, so it is 1 or more")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("TSFLOW_STATE", str(Path(folder) / "state"))  # what the clone holds stays out of it
        with store() as records:
            report = play(records, Path(folder), arguments)
    report["seconds"] = round(time.monotonic() - began)
    print(table(report))
    print(json.dumps({"verified": report["verified"], "seconds": report["seconds"]}, indent=1))
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        arguments.output.with_suffix(".svg").write_text(picture(report), encoding="utf-8")


if __name__ == "__main__":
    main()
