"""What was refused is kept, with the reason; the store stays as it was."""

from pathlib import Path

from tsflow.records.files import QUARANTINE
from tsflow.records.store import Records
from tsflow.stations.raw import RawFile
from tsflow.storage.codecs import digest


def quarantine(records: Records, ingest: str, reason: str, files: list[RawFile]) -> str:
    """Keep files that were refused; return where, for the message."""
    for file in files:
        name = f"{digest(file.body)[:16]}-{Path(file.name).name}"
        records.page(QUARANTINE, file.body, "application/octet-stream", ingest=ingest, name=name)
    records.page(QUARANTINE, reason.encode(), "text/plain", ingest=ingest, name="reason.txt")
    where = records.objects.address(QUARANTINE.prefix(ingest=ingest))
    return f"the batch lies in quarantine: {where}; the store is unchanged"
