"""The steps of `ingest_weather`: fetch and parse, validate, store; what fails lies in quarantine."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from tsflow.errors import DataError, DataValidationError
from tsflow.observations.store import ObservationStore
from tsflow.settings import settings
from tsflow.stations.parse import RawFile, parse
from tsflow.stations.sources import fetch, read_paths
from tsflow.stations.station import SimulatorSource, Station, load_station
from tsflow.steps.requests import IngestRequest, station_now
from tsflow.storage import keys
from tsflow.storage.codecs import digest, from_json, from_parquet, to_json, to_parquet
from tsflow.storage.objects import ObjectStore

log = logging.getLogger(__name__)

# Asked for again with every ingest, so that late corrections come in and a batch is long enough to judge.
_OVERLAP = timedelta(days=7)


def fetch_batch(objects: ObjectStore, request: IngestRequest, ingest_id: str) -> dict[str, Any]:
    """Fetch and parse what is new up to the as-of; return the batch's reference with its report.

    Raises
    ------
    SourceFormatError
        If a file is not as the station file says; the files lie in quarantine.
    SourceUnavailable
        If the source did not answer.
    """
    key = keys.ingest(ingest_id, "batch.json")
    if objects.find(key) is not None:
        return _reference(objects, ingest_id)
    station = load_station(request.station)
    as_of = request.moment(station)
    files = _files(objects, request, station, as_of)
    reference: dict[str, Any] = {"ingest": ingest_id, "station": request.station, "as_of": as_of.isoformat(), "rows": 0}
    if files:
        try:
            batch, report = parse(files, station, now=station_now(station))
        except DataError as error:
            raise type(error)(f"{error}\n{_quarantine(objects, ingest_id, str(error), files)}") from error
        batch = batch[batch["time"] <= pd.Timestamp(as_of)].reset_index(drop=True)
        body = to_parquet(batch)
        batch_key = keys.ingest(ingest_id, f"batch-{digest(body)[:16]}.parquet")
        if len(batch):
            objects.put_same(batch_key, body)
            reference |= {
                "rows": len(batch),
                "batch": batch_key,
                "first": str(batch["time"].iloc[0]),
                "last": str(batch["time"].iloc[-1]),
            }
        reference["report"] = report.to_dict()
    objects.put_new(key, to_json(reference), "application/json")
    return _reference(objects, ingest_id)


def _reference(objects: ObjectStore, ingest_id: str) -> dict[str, Any]:
    """Return what the first attempt of an ingest wrote, without its report, which may be long."""
    key = keys.ingest(ingest_id, "batch.json")
    reference: dict[str, Any] = from_json(objects.get(key), key)
    log.info("%s: fetched %d rows", reference["station"], reference["rows"])
    return {name: value for name, value in reference.items() if name != "report"}


def ingest_report(objects: ObjectStore, ingest_id: str) -> dict[str, Any] | None:
    """Return what parsing found in an ingest's files; None if there was nothing to fetch."""
    key = keys.ingest(ingest_id, "batch.json")
    report: dict[str, Any] | None = from_json(objects.get(key), key).get("report")
    return report


def validate_batch(objects: ObjectStore, reference: dict[str, Any]) -> dict[str, Any]:
    """Hold the batch against its expectations; return the reference with the Data Docs' address.

    Raises
    ------
    DataValidationError
        If a critical expectation fails; the batch lies in quarantine with the reason, the store is untouched.
    """
    if not reference["rows"]:
        return reference
    from tsflow.observations.validation import data_docs, validate_observations

    station = load_station(reference["station"])
    batch = from_parquet(objects.get(reference["batch"]), reference["batch"])
    report = validate_observations(batch, station, settings().hourly, now=station_now(station))
    pages = data_docs(report)
    docs = [keys.ingest(reference["ingest"], f"validation/{name}") for name in pages]
    for key, page in zip(docs, pages.values(), strict=True):
        objects.put_new(key, page, "text/html")
    if not report.success:
        rows = RawFile("batch.parquet", objects.get(reference["batch"]))
        where = _quarantine(objects, reference["ingest"], report.summary(), [rows])
        raise DataValidationError(f"{report.summary()}\n{where}; Data Docs: {objects.address(docs[0])}")
    return {**reference, "validation": report.summary(), "docs": docs[0]}


def store_batch(objects: ObjectStore, reference: dict[str, Any]) -> dict[str, Any]:
    """Upsert the batch into the station's partitions; return the reference with the counts of rows."""
    if not reference["rows"]:
        return {**reference, "new_rows": 0, "changed_rows": 0}
    station = load_station(reference["station"])
    batch = from_parquet(objects.get(reference["batch"]), reference["batch"])
    known_at = datetime.now(UTC).replace(tzinfo=None)
    done = ObservationStore(objects, station.station).upsert(batch, known_at=known_at)
    log.info("%s: stored %d new and %d changed rows", station.station, done.new_rows, done.changed_rows)
    return {**reference, "new_rows": done.new_rows, "changed_rows": done.changed_rows, "parts": len(done.parts)}


def _files(objects: ObjectStore, request: IngestRequest, station: Station, as_of: datetime) -> list[RawFile]:
    if request.paths:
        return read_paths(request.paths)
    source = station.source(request.source)
    if isinstance(source, SimulatorSource) and request.history_days:
        source = source.model_copy(update={"history_days": request.history_days})
    stored = ObservationStore(objects, station.station)
    first, last = stored.first_time(), stored.last_time()
    start = last - _OVERLAP if last else None
    if isinstance(source, SimulatorSource):
        wanted = as_of - timedelta(days=source.history_days)
        if first is None or first > wanted + timedelta(hours=1):
            start = wanted
    if start is not None and start >= as_of:
        return []
    return fetch(station, source, start=start, end=as_of)


def _quarantine(objects: ObjectStore, ingest_id: str, reason: str, files: list[RawFile]) -> str:
    """Keep what was refused, with the reason; return where, for the message."""
    for file in files:
        objects.put_new(keys.quarantine(ingest_id, f"{digest(file.body)[:16]}-{Path(file.name).name}"), file.body)
    objects.put_new(keys.quarantine(ingest_id, "reason.txt"), reason.encode(), "text/plain")
    return f"the batch lies in quarantine: {objects.address(keys.quarantine(ingest_id, ''))}; the store is unchanged"
