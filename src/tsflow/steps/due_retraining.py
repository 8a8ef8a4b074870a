"""Which stations' tasks are to be retrained today."""

from datetime import UTC

from tsflow.champion.history import History
from tsflow.observations.store import ObservationStore
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.stations.scheduled import tasks_of


def due_retraining(records: Records, settings: Settings) -> list[tuple[str, str]]:
    """Return station and task of everything that got rows since its last retraining was decided; never retrained counts too.

    A station whose file cannot be read is due with one task: its own retraining fails, and the others take place.
    """
    due = []
    for name in settings.schedule.stations:
        known_at = ObservationStore(records, name).known_at()
        if known_at is None:
            continue
        for task in tasks_of(name):
            last = next((entry for entry in History(records, name, task).entries() if entry.run is not None), None)
            if last is None or last.at < known_at.replace(tzinfo=UTC):
                due.append((name, task))
    return due
