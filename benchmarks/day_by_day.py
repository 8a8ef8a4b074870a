"""Ingest files of a station day by day and all at once, and compare what is read back.

    python benchmarks/day_by_day.py data/mpi_roof_2020a.zip data/mpi_roof_2020b.zip --station jena_whole

Each day's file holds the rows of the eight days up to its midnight, as an ingest asks again for a week; so most rows come eight
times. What came day by day is read once more after retention has packed it. Both ways go through the steps that Airflow runs, in
a store of their own (TSFLOW_OBJECT_STORE__*, or the embedded one).
Ends with 1 if the observations differ, or if a day was refused.
"""

import argparse
import csv
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tsflow import steps
from tsflow.cli.stores import store
from tsflow.errors import DataValidationError
from tsflow.folders import home
from tsflow.observations import compaction
from tsflow.observations.store import ObservationStore
from tsflow.records.files import OBSERVATIONS
from tsflow.records.store import Records
from tsflow.requests import IngestRequest
from tsflow.settings import settings
from tsflow.stations.sources.files import read_paths
from tsflow.stations.station import Station, load_station
from tsflow.stations.unpack import tables
from tsflow.storage.codecs import digest, to_parquet

WAYS = ("daily", "whole")
OVERLAP = timedelta(days=8)


def make_home(folder: Path, station: str) -> None:
    """Make a copy of include/ with the station under the name of each way, and let this process read it."""
    shutil.copytree(home() / "include", folder / "include")
    content = yaml.safe_load((folder / "include" / "stations" / f"{station}.yaml").read_text(encoding="utf-8"))
    for way in WAYS:
        path = folder / "include" / "stations" / f"{way}.yaml"
        path.write_text(yaml.safe_dump(content | {"station": way}, sort_keys=False, allow_unicode=True), encoding="utf-8")
    os.environ["TSFLOW_HOME"] = str(folder)
    settings.cache_clear()


class Days:
    """The lines of a station's files, as they stand there, by their time."""

    def __init__(self, station: Station, paths: Sequence[Path]) -> None:
        self._station = station
        self._header = ""
        self._lines: list[tuple[datetime, str]] = []
        for file in read_paths([str(path) for path in paths]):
            for table in tables(file, station.form.endings):
                self._header, *lines = table.body.decode(station.encoding).splitlines()
                column = next(csv.reader([self._header])).index(str(station.timestamp.column))
                times = (row[column] for row in csv.reader(lines))
                self._lines += [
                    (datetime.strptime(text, station.timestamp.format), line) for text, line in zip(times, lines, strict=True)
                ]

    def ends(self, most: int | None, hours: int) -> list[datetime]:
        """Return when to ingest on the days that have rows, each so many hours; a day's last row is that of the next midnight."""
        days = sorted({(moment - timedelta(seconds=1)).date() for moment, _ in self._lines})
        begins = [datetime(day.year, day.month, day.day) for day in days[:most]]
        return [begin + timedelta(hours=hour) for begin in begins for hour in range(hours, 25, hours)]

    def write(self, path: Path, begin: datetime | None, end: datetime) -> Path:
        """Write the lines after `begin` up to `end`, in their order."""
        lines = [line for moment, line in self._lines if (begin is None or begin < moment) and moment <= end]
        path.write_bytes("".join(f"{line}\r\n" for line in [self._header, *lines]).encode(self._station.encoding))
        return path


def ingest(records: Records, way: str, path: Path, as_of: datetime) -> tuple[int, int]:
    """Ingest a file; return how many rows were new, and how many changed."""
    name = f"{way}-{as_of:%Y%m%d%H}"
    steps.fetch_batch(records, settings(), IngestRequest.of({"station": way, "as_of": as_of.isoformat()}), name, files=[path])
    steps.validate_batch(records, settings(), name, way)
    stored = steps.store_batch(records, name)
    return stored.new_rows, stored.changed_rows


def play(records: Records, days: Days, ends: Sequence[datetime], folder: Path) -> dict[str, Any]:
    """Ingest both ways; return what was counted."""
    counts: dict[str, Any] = {"ingests": len(ends), "refused": [], "new": 0, "changed": 0}
    began = time.monotonic()
    for end in ends:
        try:
            new, changed = ingest(records, "daily", days.write(folder / "day.csv", end - OVERLAP, end), end)
        except DataValidationError as refusal:
            counts["refused"].append(f"{end:%Y-%m-%d}: {' '.join(str(refusal).split())[:200]}")
            continue
        counts["new"], counts["changed"] = counts["new"] + new, counts["changed"] + changed
        print(f"{end:%Y-%m-%d %H:%M}: {new} rows new, {changed} changed", file=sys.stderr, flush=True)
    counts["daily_seconds"] = round(time.monotonic() - began)
    began = time.monotonic()
    counts["whole_new"], _ = ingest(records, "whole", days.write(folder / "whole.csv", None, ends[-1]), ends[-1])
    counts["whole_seconds"] = round(time.monotonic() - began)
    return counts


def read_back(records: Records, way: str) -> dict[str, Any]:
    """Return what is stored of one way: its objects, and its observations by a digest and by their counts."""
    began = time.monotonic()
    rows = ObservationStore(records, way).read()
    seconds = time.monotonic() - began
    keys = records.objects.keys(OBSERVATIONS.prefix(station=way))
    return {
        "rows": len(rows),
        "values": int(rows.drop(columns="time").notna().to_numpy().sum()),
        "digest": digest(to_parquet(rows)),
        "objects": len(keys),
        "bytes": sum(len(records.objects.get(key)) for key in keys),
        "read_seconds": round(seconds, 2),
    }


def pack(records: Records) -> None:
    """Put the parts into bags, as retention does once a week, and remove those that lie in one."""
    objects, later = records.objects, datetime.now(UTC) + timedelta(days=1)
    compaction.pack(objects, compaction.months(objects), later)
    objects.delete(one.key for one in compaction.needless(objects, compaction.months(objects), later)[0])


def main() -> int:
    """Read the arguments, play, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--station", default="jena_whole")
    parser.add_argument("--days", type=int, default=None, help="only so many of the first days")
    parser.add_argument("--every-hours", type=int, default=24, help="hours from ingest to ingest, a divisor of 24")
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    days = Days(load_station(arguments.station), arguments.files)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("TSFLOW_STATE", str(Path(folder) / "state"))  # what the clone holds stays out of it
        make_home(Path(folder), arguments.station)
        with store() as records:
            report = play(records, days, days.ends(arguments.days, arguments.every_hours), Path(folder))
            report |= {way: read_back(records, way) for way in WAYS}
            pack(records)
            report["packed"] = read_back(records, "daily")
    report["identical"] = len({report[way]["digest"] for way in (*WAYS, "packed")}) == 1
    print(json.dumps(report, indent=1))
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if report["identical"] and not report["refused"] else 1


if __name__ == "__main__":
    sys.exit(main())
