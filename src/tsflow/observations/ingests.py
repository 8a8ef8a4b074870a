"""Finding ingests: what came in, and what was refused."""

from datetime import UTC, datetime, timedelta

from tsflow.records.index import Listed, enter, newest, turn
from tsflow.records.store import Records

_ALL = "all"  # an ingest serves every task


def newest_ingests(records: Records, station: str, *, most: int) -> list[Listed]:
    """Return what stands in the index of the newest ingests of a station, the newest first; none from before there was an index."""
    found = newest(records, "ingest", station, list, most=most)
    return sorted(found, key=lambda entry: entry.created_at, reverse=True)


def enter_ingest(records: Records, ingest: str, station: str, as_of: datetime, result: str, *, good: bool = True) -> None:
    """Enter an ingest into the index, with its result in a sentence; `good`: False if it was refused."""
    # The same for each attempt, so that the first one's counts stay; what was stored after all comes before its refusal.
    moment = as_of.replace(tzinfo=UTC) + timedelta(seconds=good)
    entry = Listed(
        of="ingest",
        station=station,
        task=_ALL,
        turn=turn(as_of, moment),
        id=ingest,
        as_of=as_of,
        created_at=datetime.now(UTC).replace(microsecond=0),
        good=good,
        result=result,
    )
    enter(records, entry, list)
