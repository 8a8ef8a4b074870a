"""A run: what was asked for, its dataset, and the rule that of several attempts the first one counts."""

from datetime import timedelta
from typing import Any

from tsflow.errors import DataValidationError, SettingsError
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.store import ObservationStore
from tsflow.settings import settings
from tsflow.stations.station import load_station
from tsflow.steps.requests import DatasetRequest, RetrainRequest, profile_settings
from tsflow.storage import keys
from tsflow.storage.objects import ObjectStore
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import split_settings


def first_result(objects: ObjectStore, key: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Write a result unless another attempt was first; return the one that counts."""
    if objects.put_new(key, keys.to_json(facts), "application/json"):
        return facts
    first: dict[str, Any] = keys.from_json(objects.get(key), key)
    return first


def dataset_of(objects: ObjectStore, request: DatasetRequest, folder: str) -> tuple[Dataset, dict[str, Any]]:
    """Cut the station's record into windows; return the dataset, not yet stored, and the facts of what was asked for.

    Data Docs of the hourly frame go under `folder`.

    Raises
    ------
    DataValidationError
        If the hourly frame fails its expectations.
    NotEnoughData
        If a part of the split has no window.
    """
    from tsflow.observations.validation import data_docs, validate_hourly

    station, profile, chosen = load_station(request.station), profile_settings(request.profile), settings()
    as_of = request.moment(station)
    start = request.start
    if profile.history_days:
        start = max(filter(None, [start, as_of - timedelta(days=profile.history_days)]))
    observations = ObservationStore(objects, station.station).read(start=start, end=as_of)
    hourly = hourly_frame(observations, station, chosen.hourly)
    validation = validate_hourly(hourly.frame, station, list(station.variables))
    pages = data_docs(validation)
    for name, page in pages.items():
        objects.put_new(f"{folder}validation/{name}", page, "text/html")
    docs = f"{folder}validation/{next(iter(pages))}"
    if not validation.success:
        raise DataValidationError(f"hourly frame: {validation.summary()}; Data Docs: {objects.address(docs)}")
    dataset = Dataset(
        station=station.station,
        target=station.target,
        units={name: variable.unit for name, variable in station.variables.items()},
        frame=hourly.frame,
        windows=chosen.windows,
        split=split_settings(chosen.splits, request.split),
        split_name=request.split,
        hourly=chosen.hourly,
        report=hourly.report,
        location=station.location,
        utc_offset_hours=station.timestamp.utc_offset_hours,
    )
    facts = {"station": station.station, "as_of": as_of.isoformat(), "docs": docs}
    return dataset, {**facts, "profile": request.profile, "split": request.split, "seed": request.seed}


def build_dataset(objects: ObjectStore, request: RetrainRequest, run_id: str) -> dict[str, Any]:
    """Store the run's dataset; return the run: its dataset's fingerprint and its entrants. Raises as `dataset_of`."""
    key = keys.run(run_id, "run.json")
    if (done := objects.find(key)) is not None:
        run: dict[str, Any] = keys.from_json(done, key)
        return run
    request = request.checked()
    dataset, facts = dataset_of(objects, request, keys.run(run_id, ""))
    run = {"run": run_id, **facts, "fingerprint": dataset.save(objects), "entrants": request.architectures}
    return first_result(objects, key, run)


def read_run(objects: ObjectStore, run_id: str) -> dict[str, Any]:
    """Return what a run was asked for; `SettingsError` if there is no such run."""
    key = keys.run(run_id, "run.json")
    body = objects.find(key)
    if body is None:
        msg = f"no run {run_id!r} in {objects.address('runs/')}; `tsflow leaderboard` shows the newest"
        raise SettingsError(msg)
    run: dict[str, Any] = keys.from_json(body, key)
    return run
