"""The hours that a request is about: read as of a moment, made hourly, and held against their expectations."""

from tsflow.errors import DataValidationError
from tsflow.observations.hourly import HourlyFrame, hourly_frame
from tsflow.observations.store import ObservationStore, Period
from tsflow.records.files import DATA_DOCS
from tsflow.records.store import Records
from tsflow.settings import HourlySettings
from tsflow.stations.station import Station
from tsflow.task import Task


def validated_hours(
    records: Records,
    station: Station,
    task: Task,
    settings: HourlySettings,
    period: Period,
    *,
    folder: str,
) -> tuple[HourlyFrame, str]:
    """Return a station's hours of a period, and the key of their Data Docs in `folder`.

    Raises
    ------
    DataValidationError
        If there are none, or they fail their expectations.
    """
    from tsflow.observations.validation import data_docs, validate_hourly

    observations = ObservationStore(records, station.station).read(period)
    hourly = hourly_frame(observations, station, settings, target=task.target)
    validation = validate_hourly(hourly.frame, station, hourly.features, task)
    docs = [records.page(DATA_DOCS, page, folder=folder, name=name) for name, page in data_docs(validation).items()]
    if not validation.success:
        raise DataValidationError(f"hourly frame: {validation.summary()}; Data Docs: {records.objects.address(docs[0])}")
    return hourly, docs[0]
