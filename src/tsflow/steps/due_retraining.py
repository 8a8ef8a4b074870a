"""Which stations' tasks are to be retrained today."""

from datetime import UTC

from tsflow.champion.history import History
from tsflow.observations.store import ObservationStore
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.stations.station import load_station


def due_retraining(records: Records, settings: Settings) -> list[tuple[str, str]]:
    """Return station and task of everything that got rows since its last retraining was decided; never retrained counts too."""
    due = []
    for name in settings.schedule.stations:
        known_at = ObservationStore(records, name).known_at()
        if known_at is None:
            continue
        for task in load_station(name).tasks:
            last = next((entry for entry in History(records, name, task).entries() if entry.run is not None), None)
            if last is None or last.at < known_at.replace(tzinfo=UTC):
                due.append((name, task))
    return due
