"""Hold a batch of observations against its expectations."""

from tsflow.errors import DataValidationError
from tsflow.observations.batches import bodies_of, frame_of
from tsflow.observations.ingests import enter_ingest
from tsflow.observations.quarantine import quarantine
from tsflow.records.files import DATA_DOCS, INGEST
from tsflow.records.ingest import Batch, Validated
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.stations.clock import station_now
from tsflow.stations.station import load_station


def validate_batch(records: Records, settings: Settings, ingest: str, station_file: str) -> Validated | None:
    """Hold a batch against its expectations; return what came out with the Data Docs' key, None if it has no rows.

    Raises
    ------
    DataValidationError
        If a critical expectation fails; the batch lies in quarantine with the reason, the store is untouched.
    """
    from tsflow.observations.validation import data_docs, validate_observations

    batch = records.read(Batch, ingest=ingest)
    if not batch.files:
        return None
    station = load_station(station_file)
    report = validate_observations(frame_of(records, batch), station, settings.hourly, now=station_now(station))
    folder = INGEST.key(ingest=ingest)
    docs = [records.page(DATA_DOCS, page, folder=folder, name=name) for name, page in data_docs(report).items()]
    if not report.success:
        where = quarantine(records, ingest, report.summary(), bodies_of(records, batch))
        enter_ingest(records, ingest, batch.station, batch.as_of, report.summary(), good=False)
        raise DataValidationError(f"{report.summary()}\n{where}; Data Docs: {records.objects.address(docs[0])}")
    return records.first(Validated(ingest=ingest, summary=report.summary(), docs=docs[0]))
