"""What a run would make of a station's files, found out without storing or training anything."""

from __future__ import annotations

from datetime import datetime

from tsflow.architectures.registry import load_architecture
from tsflow.errors import DataError, SettingsError
from tsflow.evaluation.hours_told import told_of
from tsflow.evaluation.screening import screening
from tsflow.evaluation.screening_told import screening_told
from tsflow.folders import names_in
from tsflow.model import Strict
from tsflow.observations.hourly import HourlyFrame, hourly_frame
from tsflow.observations.validation import validate_observations
from tsflow.records.dataset import PARTS, Parts
from tsflow.requests.order import require
from tsflow.settings import Settings
from tsflow.stations.clock import station_now
from tsflow.stations.parse import parse
from tsflow.stations.sources.files import FilesSource, read_paths
from tsflow.stations.station import Station, load_station
from tsflow.task import Task
from tsflow.windows.building import dataset_of


class Checked(Strict):
    """What a run would find; `refused` says why it would not train."""

    station: str
    task: str
    profile: str
    files: list[str] = []
    source: str = ""  # what `--source` of a run names them by
    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    gaps: int = 0
    validation: str = ""
    hours: int = 0
    warnings: list[str] = []
    parts: Parts | None = None
    entrants: list[str] = []
    skipped: dict[str, str] = {}  # with the reason
    refused: str | None = None

    def lines(self) -> list[str]:
        """Return it for people, a line each."""
        told = [f"station   {self.station}, task {self.task}, profile {self.profile}"]
        if self.rows:
            told.append(f"files     {', '.join(self.files)}: {self.rows:,} rows, {self.first} to {self.last}, {self.gaps} gaps")
        if self.validation:
            told.append(f"batch     {self.validation}")
        if self.hours:
            told += [f"hours     {self.hours:,}", *(f"          {warning}" for warning in self.warnings)]
        if self.parts:
            told.append("windows   " + ", ".join(f"{part} {self.parts.of(part).windows:,}" for part in PARTS))
        if self.entrants:
            told.append(f"trained   {', '.join(self.entrants)}")
        told += [f"skipped   {name}: {reason}" for name, reason in self.skipped.items()]
        if not self.refused:
            told.append(f"next      tsflow run --here --station {self.station} --source {self.source}")
        return told


def checked(name: str, task: str | None, profile: str | None, files: list[str], settings: Settings) -> Checked:
    """Return what a run would make of a station.

    Parameters
    ----------
    profile
        None: that of the schedule.
    files
        Paths or patterns; none: those of the station's source of kind `files`.

    Raises
    ------
    SettingsError
        If the station file is wrong, or neither it nor `files` names files to look at.
    """
    station = load_station(name)
    task_name, wanted = station.task(task, settings.windows)
    chosen = profile or settings.schedule.profile
    facts = _with_entrants(Checked(station=station.station, task=task_name, profile=chosen), station, wanted, settings)
    now, source = station_now(station), " ".join(files)
    if files:
        raw = read_paths(files)
    else:
        source, where = _files(station)
        raw = where.fetch(station, start=None, end=now)
    facts = facts.changed(files=[file.name for file in raw], source=source)
    try:
        rows, report = parse(raw, station, now=now)
        facts = facts.changed(rows=report.rows_kept, first=report.first, last=report.last, gaps=len(report.gaps))
        validation = validate_observations(rows, station, settings.hourly, now=now)
        facts = facts.changed(validation=validation.summary())
        if not validation.success:
            return facts.changed(refused="the batch would lie in quarantine; what to do about it stands above")
        hourly = hourly_frame(rows, station, settings.hourly, target=wanted.target)
        facts = facts.changed(hours=len(hourly.frame), warnings=told_of(hourly.report))
        return _with_windows(facts, station, wanted, hourly, settings)
    except DataError as reason:
        return facts.changed(refused=str(reason))


def _files(station: Station) -> tuple[str, FilesSource]:
    found = [(name, source) for name, source in station.sources.items() if isinstance(source, FilesSource)]
    if not found:
        msg = f"station {station.station} has no source of kind files (it has {', '.join(station.sources)}); name files by --source"
        raise SettingsError(msg)
    return found[0]


def _with_entrants(facts: Checked, station: Station, task: Task, settings: Settings) -> Checked:
    entrants, skipped = [], {}
    for name in settings.profiles.named(facts.profile).architectures or names_in("architectures"):
        try:
            require(load_architecture(name), station, task)
        except SettingsError as reason:
            skipped[name] = str(reason)
        else:
            entrants.append(name)
    return facts.changed(entrants=entrants, skipped=skipped)


def _with_windows(facts: Checked, station: Station, task: Task, hourly: HourlyFrame, settings: Settings) -> Checked:
    split = settings.schedule.split
    dataset = dataset_of(station, task, hourly, settings.splits.named(split), split)
    recipes = {name: load_architecture(name) for name in facts.entrants}
    told = screening_told(screening(dataset), dataset.units[task.target], recipes)
    return facts.changed(parts=dataset.parts(), warnings=[*facts.warnings, *told])
