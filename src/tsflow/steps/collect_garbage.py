"""Remove what nobody needs any more, and give the disk back what it took."""

import logging
from collections.abc import Iterable
from pathlib import Path

from tsflow.model import Strict
from tsflow.records.retention import Collection
from tsflow.records.store import Records
from tsflow.retention.collect import collect
from tsflow.settings import Settings
from tsflow.stack.tidying import Database, Logs, clean_database, clean_logs
from tsflow.stack.vacuum import Vacuumed, vacuum

log = logging.getLogger(__name__)


class Garbage(Strict):
    """What went from the object store, from its disk, and from what Airflow keeps; None: not there, or somebody else's."""

    store: Collection
    disk: Vacuumed | None = None
    logs: Logs | None = None
    database: Database | None = None


def collect_garbage(
    records: Records, settings: Settings, *, dry_run: bool = False, logs_folder: Path | None = None, dags: Iterable[str] = ()
) -> Garbage:
    """Remove what nobody needs any more, or only say what would go.

    Logs go first: on a full disk SeaweedFS gives nothing back before there is some room.

    Parameters
    ----------
    logs_folder
        Where the Airflow that runs this keeps its logs; None: the embedded one's.
    dags
        Whose logs go there, if it is not the embedded one.

    Raises
    ------
    ClockDisagreement
        If the store's clock and this machine's differ too much; nothing was removed from the store.
    StackError
        If Airflow's command fails.
    """
    days = settings.retention.airflow_days
    logs = clean_logs(days, logs_folder, dags, dry_run=dry_run)
    store = collect(records, settings, dry_run=dry_run)
    disk = vacuum(records.objects.endpoint_url, store.size) if store.removed else None
    database = clean_database(days, dry_run=dry_run)
    log.info("removed %d objects, %d bytes", store.objects, store.size)
    return Garbage(store=store, disk=disk, logs=logs, database=database)
