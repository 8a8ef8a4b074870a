"""A run: what was asked for, its dataset, and the rule that of several attempts the first one counts."""

from datetime import datetime, timedelta
from typing import Any

from tsflow.errors import DataValidationError, SettingsError
from tsflow.observations.hourly import HourlyFrame, hourly_frame
from tsflow.observations.store import ObservationStore
from tsflow.settings import settings
from tsflow.stations.station import Station, load_station
from tsflow.steps.requests import DatasetRequest, RetrainRequest, profile_settings
from tsflow.storage import keys
from tsflow.storage.codecs import from_json, to_json
from tsflow.storage.objects import ObjectStore
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import Split, split_settings


def first_result(objects: ObjectStore, key: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Write a result unless another attempt was first; return the one that counts."""
    if objects.put_new(key, to_json(facts), "application/json"):
        return facts
    first: dict[str, Any] = from_json(objects.get(key), key)
    return first


def stored_result(objects: ObjectStore, key: str) -> dict[str, Any] | None:
    """Return the result under a key, or None if no attempt has written one yet."""
    body = objects.find(key)
    return None if body is None else dict(from_json(body, key))


def build_dataset(objects: ObjectStore, request: RetrainRequest, run_id: str) -> dict[str, Any]:
    """Cut the station's record into windows; return the run: its dataset's fingerprint and its entrants.

    Raises
    ------
    DataValidationError
        If the hourly frame fails its expectations.
    NotEnoughData
        If a part of the split has no window.
    """
    key = keys.run(run_id, "run.json")
    if (done := stored_result(objects, key)) is not None:
        return done
    request = request.checked()
    station = load_station(request.station)
    as_of = request.moment(station)
    hourly, docs = validated_hours(objects, request, station, as_of, keys.run_folder(run_id))
    dataset = dataset_of(station, hourly, split_settings(settings().splits, request.split), request.split)
    run = {
        "run": run_id,
        "station": station.station,
        "as_of": as_of.isoformat(),
        "fingerprint": dataset.save(objects),
        "entrants": request.architectures,
        "profile": request.profile,
        "split": request.split,
        "seed": request.seed,
        "docs": docs,
    }
    return first_result(objects, key, run)


def validated_hours(
    objects: ObjectStore, request: DatasetRequest, station: Station, as_of: datetime, folder: str
) -> tuple[HourlyFrame, str]:
    """Return the hours that a request is about, and the key of their Data Docs in `folder`.

    Raises
    ------
    DataValidationError
        If there are none, or they fail their expectations.
    """
    from tsflow.observations.validation import data_docs, validate_hourly

    start, history_days = request.start, profile_settings(request.profile).history_days
    if history_days:
        start = max(filter(None, [start, as_of - timedelta(days=history_days)]))
    observations = ObservationStore(objects, station.station).read(start=start, end=as_of)
    hourly = hourly_frame(observations, station, settings().hourly)
    validation = validate_hourly(hourly.frame, station, list(station.variables), station.task(None, settings().windows)[1])
    pages = data_docs(validation)
    for name, page in pages.items():
        objects.put_new(keys.validation(folder, name), page, "text/html")
    docs = keys.validation(folder, next(iter(pages)))
    if not validation.success:
        raise DataValidationError(f"hourly frame: {validation.summary()}; Data Docs: {objects.address(docs)}")
    return hourly, docs


def dataset_of(station: Station, hourly: HourlyFrame, split: Split, split_name: str) -> Dataset:
    """Return a station's hours as a dataset under the present settings."""
    return Dataset(
        station=station.station,
        units={name: variable.unit for name, variable in station.variables.items()},
        frame=hourly.frame,
        task=station.task(None, settings().windows)[1],
        split=split,
        split_name=split_name,
        hourly=settings().hourly,
        report=hourly.report,
        location=station.location,
        utc_offset_hours=station.timestamp.utc_offset_hours,
    )


def read_run(objects: ObjectStore, run_id: str) -> dict[str, Any]:
    """Return what a run was asked for; `SettingsError` if there is no such run."""
    key = keys.run(run_id, "run.json")
    if (run := stored_result(objects, key)) is None:
        msg = f"no run {run_id!r} in {objects.address('runs/')}; `tsflow leaderboard` shows the newest"
        raise SettingsError(msg)
    return run
