"""Bringing observations in before a workflow runs in this process: from a source, or from files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from tsflow.cli.output import console
from tsflow.errors import NotEnoughData, UnknownName
from tsflow.requests import DatasetRequest, IngestRequest
from tsflow.settings import settings
from tsflow.stations.clock import station_now
from tsflow.stations.station import Station, load_station

if TYPE_CHECKING:
    from tsflow.records.ingest import Batch, ParseReport
    from tsflow.records.store import Records

R = TypeVar("R", bound=DatasetRequest)


@dataclass(frozen=True)
class Given:
    """What was given as sources: the name of one, or files."""

    source: str | None = None
    files: tuple[str, ...] = ()


def told_apart(station: Station, given: tuple[str, ...]) -> Given:
    """Tell the name of a source from files.

    Raises
    ------
    UnknownName
        If something is neither; lists the sources there are.
    """
    if len(given) == 1 and given[0] in station.sources:
        return Given(source=given[0])
    unknown = [one for one in given if not (Path(one).is_file() or any(sign in one for sign in "*?["))]
    if unknown:
        raise UnknownName(f"source of station {station.station} (and no such file)", unknown[0], list(station.sources))
    return Given(files=given)


def new_id(kind: str, station: Station) -> str:
    """Return an id for something that runs in this process."""
    return f"{kind}-{station.station}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"


def bring_in(records: Records, request: R, given: Given, ingest_id: str) -> R:
    """Ingest what a request is to be trained on; return the request, of files with the span that they cover."""
    batch = ingest(records, IngestRequest(station=request.station, as_of=request.as_of, source=given.source), given, ingest_id)
    if not given.files:
        return request
    if batch.first is None or batch.last is None:
        msg = f"the files hold no row up to the as-of {batch.as_of}; give a later --as-of, or other files"
        raise NotEnoughData(msg)
    # Train on what these files cover, whatever else the store holds, and on what is known of it now.
    now = station_now(load_station(request.station)).replace(microsecond=0) + timedelta(seconds=1)
    return request.changed(start=batch.first - timedelta(microseconds=1), end=batch.last, as_of=request.as_of or now)


def ingest(records: Records, request: IngestRequest, given: Given, ingest_id: str) -> Batch:
    """Fetch, validate and store, and show what was found."""
    from tsflow import steps

    station_file = request.station or settings().station
    batch = steps.fetch_batch(records, settings(), request, ingest_id, files=given.files)
    validated = steps.validate_batch(records, settings(), ingest_id, station_file)
    stored = steps.store_batch(records, ingest_id)
    console.print(f"ingest: {stored.rows} rows, {stored.new_rows} new, {stored.changed_rows} changed")
    if batch.report:
        _show(batch.report)
    if batch.later_rows:
        console.print(f"  rows after the as-of {batch.as_of}, left to a later ingest: {batch.later_rows}", markup=False)
    if validated:
        console.print(f"validation: {validated.summary}", markup=False)
        console.print(f"  Data Docs: {records.objects.address(validated.docs)}", markup=False)
    return batch


def _show(report: ParseReport) -> None:
    sentinels = ", ".join(f"{name} {count}" for name, count in report.sentinels.items()) or "none"
    repeats = f"identical duplicates dropped: {report.identical_duplicates}, conflicting: {report.conflicting_duplicates}"
    console.print(f"  {repeats}; sentinels: {sentinels}", markup=False)
    if report.unfinished_rows:
        console.print(f"  rows left out that were still being written: {report.unfinished_rows}", markup=False)
    for encoding in sorted(set(report.encodings.values())):
        count = list(report.encodings.values()).count(encoding)
        console.print(f"  encoding found: {encoding} ({count} files)", markup=False)
    if report.left_out_members:
        console.print(f"  not read, beside the tables in a zip: {', '.join(report.left_out_members)}", markup=False)
    for gap in report.gaps:
        console.print(f"  gap: {gap.missing_rows} rows between {gap.after} and {gap.before}")
