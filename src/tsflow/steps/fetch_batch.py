"""Fetch and parse what is new of a station's observations."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from tsflow.errors import DataError, SourceFormatError
from tsflow.observations.batches import keep_rows
from tsflow.observations.ingests import enter_ingest
from tsflow.observations.published import described_by, known, published
from tsflow.observations.quarantine import quarantine
from tsflow.observations.reaching import is_reached, reach_of
from tsflow.observations.store import ObservationStore
from tsflow.records.ingest import Batch, ParseReport, Reach
from tsflow.records.station import StoredStation
from tsflow.records.store import Records
from tsflow.requests import IngestRequest, resolve
from tsflow.requests.order import Order
from tsflow.settings import Settings
from tsflow.stations.clock import station_now
from tsflow.stations.parse import parse
from tsflow.stations.raw import RawFile
from tsflow.stations.sources.files import read_paths

log = logging.getLogger(__name__)

# Asked for again with every ingest, so that late corrections come in and a batch is long enough to judge.
_OVERLAP = timedelta(days=7)


def fetch_batch(
    records: Records, settings: Settings, request: IngestRequest, ingest: str, *, files: Sequence[Path | str] = ()
) -> Batch:
    """Fetch and parse what is new up to the as-of; return the batch with its report.

    Parameters
    ----------
    files
        Files or patterns to read instead of a source.

    Raises
    ------
    SourceFormatError
        If a file is not as the station file says; the files lie in quarantine.
    SourceUnavailable
        If the source did not answer.
    """
    if (done := records.find(Batch, ingest=ingest)) is not None:
        return done
    order = resolve(request, settings)
    station, as_of = order.station, order.as_of
    content = station.model_dump(mode="json", exclude_unset=True)
    records.append(StoredStation(station=station.station, created_at=datetime.now(UTC).replace(microsecond=0), content=content))
    described = described_by(content)
    found, reach = (read_paths([str(file) for file in files]), None) if files else _fetched(records, request, order, described)
    bodies = [file for file in found if not file.unchanged]
    batch = Batch(
        ingest=ingest,
        station=station.station,
        as_of=as_of,
        rows=0,
        published=published(bodies, described),
        reach=reach,
        unchanged=len(found) - len(bodies),
    )
    if bodies:
        read, report = _parsed(records, ingest, bodies, order)
        early = read["time"] <= pd.Timestamp(as_of)
        rows = read if early.all() else read[early].reset_index(drop=True)
        batch = batch.changed(report=report, later_rows=len(read) - len(rows))
        if len(rows):
            files_of_rows = keep_rows(records, ingest, rows)
            batch = batch.changed(rows=len(rows), files=files_of_rows, first=rows["time"].iloc[0], last=rows["time"].iloc[-1])
    log.info("%s: fetched %d rows; files that are as they were: %d", batch.station, batch.rows, batch.unchanged)
    return records.first(batch)


def _parsed(records: Records, ingest: str, bodies: list[RawFile], order: Order) -> tuple[pd.DataFrame, ParseReport]:
    """Read files; those that cannot be read go to quarantine, whatever it is that they are stumbled on."""
    try:
        return parse(bodies, order.station, now=station_now(order.station))
    except DataError as error:
        raise type(error)(_refused(records, ingest, str(error), bodies, order)) from error
    except Exception as error:  # bytes from strangers know more ways than we do
        names = ", ".join(body.name for body in bodies)
        reason = f"{names}: cannot be read ({type(error).__name__}: {error}); correct the file, and tell tsflow's makers of it"
        raise SourceFormatError(_refused(records, ingest, reason, bodies, order)) from error


def _refused(records: Records, ingest: str, reason: str, bodies: list[RawFile], order: Order) -> str:
    told = f"{reason}\n{quarantine(records, ingest, reason, bodies)}"
    enter_ingest(records, ingest, order.station.station, order.as_of, told, good=False)
    return told


def _fetched(records: Records, request: IngestRequest, order: Order, described: str) -> tuple[list[RawFile], Reach | None]:
    """Return what the source gives, and how far back it was asked if that is as far as it goes."""
    station, as_of = order.station, order.as_of
    source = station.source(request.source)
    if request.history_days:
        source = source.reaching_back(request.history_days)
    stored = ObservationStore(records, station.station)
    first, last = stored.first_time(), stored.last_time()
    start = last - _OVERLAP if last else None
    wanted = source.begins(as_of)
    reach = None if wanted is None else reach_of(source, wanted)
    if reach and (first is None or (first > reach.begins + timedelta(hours=1) and not is_reached(records, station.station, reach))):
        start = reach.begins  # the store begins later than the source could
    else:
        reach = None
    if start is not None and start >= as_of:
        return [], None
    if last is not None and reach is None:  # all that was stored of these files is there
        source = source.knowing(known(records, station.station, described))
    return source.fetch(station, start=start, end=as_of), reach
