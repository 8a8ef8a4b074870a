"""From when on a source was asked for all of its rows and they were stored: a past that is not there is asked for once.

::

    source begins (as it says) |.......no rows.......|-------- rows --------|
    the store                                        |---------------|
    an ingest asks from here   ^ the first time                ^ ever after, a week before the newest row
"""

from datetime import UTC, datetime

from tsflow.records.ingest import Batch, Reach, Reached
from tsflow.records.store import Records
from tsflow.stations.sources import Source
from tsflow.storage.codecs import digest, to_json


def reach_of(source: Source, begins: datetime) -> Reach:
    """Return what an ingest of all rows of a source reaches."""
    return Reach(source=digest(to_json(source.model_dump(mode="json")))[:24], begins=begins)


def is_reached(records: Records, station: str, reach: Reach) -> bool:
    """Say whether all rows of a source from that moment on, or from an earlier one, were asked for and stored."""
    found = records.newest(Reached, station=station, source=reach.source)
    return found is not None and found.reach.begins <= reach.begins


def remember_reach(records: Records, batch: Batch) -> None:
    """Write down that a batch's source was asked for all of its rows, if it was."""
    if batch.reach is not None:
        now = datetime.now(UTC).replace(microsecond=0)
        records.append(Reached(station=batch.station, source=batch.reach.source, created_at=now, reach=batch.reach))
