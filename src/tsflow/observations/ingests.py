"""Finding ingests: what came in, and what was refused."""

from datetime import UTC, datetime

from tsflow.records.index import Listed, enter, newest, turn
from tsflow.records.store import Records

_ALL = "all"  # an ingest serves every task


def newest_ingests(records: Records, station: str, *, most: int) -> list[Listed]:
    """Return what stands in the index of the newest ingests of a station, the newest first; none from before there was an index."""
    return newest(records, "ingest", station, list, most=most)


def enter_ingest(records: Records, ingest: str, station: str, as_of: datetime, result: str, *, good: bool = True) -> None:
    """Enter an ingest into the index, with its result in a sentence; `good`: False if it was refused."""
    now = datetime.now(UTC).replace(microsecond=0)
    entry = Listed(
        of="ingest",
        station=station,
        task=_ALL,
        turn=turn(now, now),
        id=ingest,
        as_of=as_of,
        created_at=now,
        good=good,
        result=result,
    )
    enter(records, entry, list)
