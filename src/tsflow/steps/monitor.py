"""Score the forecasts whose truth is in, and say what somebody should look at."""

import logging
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from tsflow.bundle.data_until import data_until
from tsflow.champion.clock import utc_now
from tsflow.champion.history import History
from tsflow.limits import MonitorSettings
from tsflow.monitoring.alerts import alerts_of
from tsflow.monitoring.drift import bias_z, drift
from tsflow.monitoring.forecasts import forecasts_made
from tsflow.monitoring.scoring import pooled, scores
from tsflow.observations.combining import combined
from tsflow.observations.hourly import HourlyFrame, hourly_frame
from tsflow.observations.plausible import plausible
from tsflow.observations.store import ObservationStore, Period
from tsflow.records.candidate import StoredCandidate
from tsflow.records.dataset import StoredDataset
from tsflow.records.files import RUN
from tsflow.records.forecast import Alert, Report, Told
from tsflow.records.record import Reference
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.stations.clock import to_utc
from tsflow.stations.described import described
from tsflow.stations.station import Station
from tsflow.storage.objects import ObjectMissing
from tsflow.training.storing import stored_forecasts
from tsflow.windows.dataset import Dataset

log = logging.getLogger(__name__)


def monitor(records: Records, settings: Settings, station: str, task: str, *, now: datetime | None = None) -> Reference:
    """Write the scores of the last days and a report; return a reference to the report. `now`: UTC, for a day played again."""
    moment, about, limits = now or utc_now(), described(records, station), settings.monitor
    today = moment.replace(tzinfo=None) + timedelta(hours=about.timestamp.utc_offset_hours)
    report = Report(station=station, task=task, day=f"{today:%Y-%m-%d}", created_at=moment, days=0)
    _, what = about.task(task, settings.windows)
    first_day = pd.Timestamp(today).normalize() - timedelta(days=limits.days + 1)
    since = first_day - timedelta(days=math.ceil(what.horizon_hours / 24))  # no hour of the first day has its origin before this
    observed = ObservationStore(records, station).read(Period(start=since - timedelta(days=1), end=today))
    if observed.empty:
        return _written(records, report, limits)
    hourly = hourly_frame(observed, about, settings.hourly, target=what.target)
    hours, truth = hourly.frame, _truth(hourly, observed, about, what.target)
    made = forecasts_made(records, station, task, since=since, until=today)
    found = scores(made, truth, station=station, task=task, horizon_hours=what.horizon_hours)
    found = [score for score in found if score.day >= f"{first_day:%Y-%m-%d}"]  # of days before it some origins were not read
    for score in found:
        records.append(score)
    counted = [score for score in found if score.day > f"{today - timedelta(days=limits.days):%Y-%m-%d}"]
    error, naive, coverage = pooled(counted)
    last = hours["time"].iloc[-1].to_pydatetime()
    report = report.changed(
        days=len(counted),
        mae=error if counted else None,
        naive_mae=naive if counted else None,
        skill=1 - error / naive if counted and naive else None,
        coverage=coverage,
        data_age_hours=round((moment - to_utc(last, about).replace(tzinfo=UTC)) / timedelta(hours=1), 2),
    )
    reference = _reference(records, station, task)
    if reference is not None:
        window = hours[hours["time"] > pd.Timestamp(last - timedelta(days=limits.drift_days))]
        errors = _errors(made, truth, what.horizon_hours, since=last - timedelta(days=limits.drift_days))
        report = report.changed(
            drift=drift(window, reference.frame, _watched(about, window, reference.frame), days=limits.drift_days),
            bias_z=bias_z(errors, reference.forecasts, days=limits.drift_days) if reference.forecasts is not None else None,
            model_age_days=round((moment - to_utc(reference.until, about).replace(tzinfo=UTC)) / timedelta(days=1), 2),
        )
    return _written(records, report, limits)


def _truth(hourly: HourlyFrame, observed: pd.DataFrame, station: Station, target: str) -> "pd.Series[float]":
    """Return what came in of the target by time: the hours as models learn them, without those that were filled in.

    A forecast may be of another minute than these, from before the station's minute was set: then what was measured at that minute.
    """
    hours = hourly.frame.set_index("time")[target][hourly.measured[target].to_numpy()]
    if hourly.settings.method == "mean" or combined(station)[target] == "sum":
        return hours
    return hours.combine_first(plausible(observed, station)[0].set_index("time")[target].dropna())


@dataclass(frozen=True)
class _Learnt:
    """What the champion learnt from, and how its candidate forecast rows that it had not seen."""

    frame: pd.DataFrame
    forecasts: pd.DataFrame | None
    until: datetime  # by the station's clock


def _reference(records: Records, station: str, task: str) -> _Learnt | None:
    history = History(records, station, task)
    standing = history.standing()
    if standing.pointer is None:
        return None
    manifest = history.manifest(standing.pointer)
    if records.find(StoredDataset, fingerprint=manifest.fingerprint) is None:  # removed, or of another store
        return None
    candidate = records.find(StoredCandidate, folder=RUN.key(run=manifest.run), architecture=manifest.architecture)
    try:
        table = stored_forecasts(records, candidate) if candidate else None
    except ObjectMissing:  # of a champion that was put back after they were removed
        table = None
    return _Learnt(Dataset.load(records, manifest.fingerprint).frame, table, data_until(manifest).replace(tzinfo=None))


def _errors(made: pd.DataFrame, truth: pd.Series, horizon: int, *, since: datetime) -> "pd.Series[float]":
    """Return forecast minus truth of the newest targets that have a truth, by the target's time."""
    rows = made[(made["lead_hours"] == horizon) & (made["target_time"] > pd.Timestamp(since))].set_index("target_time")
    return (rows["forecast"].astype("float64") - truth.reindex(rows.index)).dropna()


def _watched(station: Station, *frames: pd.DataFrame) -> list[str]:
    """Return the variables whose drift is looked for: those that are in all frames, but amounts.

    A sensor that is dead, or was when the champion learnt, is in one frame alone. Rain rests for days, and then pours.
    """
    how = combined(station)
    return [name for name in station.variables if how[name] != "sum" and all(name in frame for frame in frames)]


def _written(records: Records, report: Report, limits: MonitorSettings) -> Reference:
    before = records.newest(Report, station=report.station, task=report.task)

    def told(alert: Alert) -> bool:
        return records.find(Told, **Told.place(report, alert)) is not None

    whole = report.changed(**alerts_of(report, before, limits, told))
    shown = "no forecast was scored yet" if whole.mae is None else f"error {whole.mae:.2f}, naive {whole.naive_mae:.2f}"
    log.info("%s, task %s, %d days: %s", whole.station, whole.task, whole.days, shown)
    for alert in whole.alerts:
        log.warning("%s, task %s: %s", whole.station, whole.task, alert.text)
    return records.append(whole)
