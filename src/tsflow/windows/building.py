"""A station's hours as a dataset of one of its tasks."""

from tsflow.observations.hourly import HourlyFrame
from tsflow.stations.station import Station
from tsflow.task import Task
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import Split


def dataset_of(station: Station, task: Task, hourly: HourlyFrame, split: Split, split_name: str) -> Dataset:
    """Return a station's hours as a dataset."""
    known = hourly.measured[task.target]
    frame = hourly.frame if known.all() else hourly.frame.assign(filled=~known.to_numpy())
    return Dataset(
        station=station.station,
        task=task,
        units={name: station.units[name] for name in hourly.features},
        frame=frame,
        split=split,
        split_name=split_name,
        hourly=hourly.settings,
        report=hourly.report,
        location=station.location,
        utc_offset_hours=station.timestamp.utc_offset_hours,
        quantities={name: meant for name, meant in station.said_quantities.items() if name in hourly.features},
    )
