"""Upsert a batch of observations into the station's partitions."""

import logging
from datetime import UTC, datetime

from tsflow.observations.batches import rows_of
from tsflow.observations.ingests import enter_ingest
from tsflow.observations.published import remember
from tsflow.observations.reaching import remember_reach
from tsflow.observations.store import ObservationStore
from tsflow.records.ingest import Batch, Ingested
from tsflow.records.store import Records

log = logging.getLogger(__name__)


def store_batch(records: Records, ingest: str) -> Ingested:
    """Upsert a batch that was found good; return the counts of rows. Storing it again changes nothing."""
    batch = records.read(Batch, ingest=ingest)
    nothing = Ingested(ingest=ingest, station=batch.station, rows=0, new_rows=0, changed_rows=0)
    if not batch.files:
        return nothing
    known_at = datetime.now(UTC).replace(tzinfo=None)
    done = ObservationStore(records, batch.station).upsert(rows_of(records, batch), known_at=known_at)
    remember(records, batch)
    remember_reach(records, batch)
    told = f"{batch.rows:,} rows: {done.new_rows:,} new, {done.changed_rows:,} corrected"
    enter_ingest(records, ingest, batch.station, batch.as_of, told)
    log.info("%s: stored %d new and %d changed rows", batch.station, done.new_rows, done.changed_rows)
    return nothing.changed(
        rows=batch.rows, new_rows=done.new_rows, changed_rows=done.changed_rows, parts=done.parts, last=batch.last
    )
