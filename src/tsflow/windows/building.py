"""A station's hours as a dataset of one of its tasks."""

from tsflow.observations.hourly import HourlyFrame
from tsflow.stations.station import Station
from tsflow.task import Task
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import Split


def dataset_of(station: Station, task: Task, hourly: HourlyFrame, split: Split, split_name: str) -> Dataset:
    """Return a station's hours as a dataset."""
    return Dataset(
        station=station.station,
        task=task,
        units=station.units,
        frame=hourly.frame,
        split=split,
        split_name=split_name,
        hourly=hourly.settings,
        report=hourly.report,
        location=station.location,
        utc_offset_hours=station.timestamp.utc_offset_hours,
        quantities=station.said_quantities,
    )
