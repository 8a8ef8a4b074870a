"""Score the forecasts whose truth is in, and say what somebody should look at."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from tsflow.champion.clock import utc_now
from tsflow.champion.history import History
from tsflow.limits import MonitorSettings
from tsflow.monitoring.alerts import alerts_of
from tsflow.monitoring.drift import bias_z, drift
from tsflow.monitoring.forecasts import forecasts_made
from tsflow.monitoring.scoring import pooled, scores
from tsflow.observations.hourly import hourly_frame
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
    since = today - timedelta(days=limits.days + 1 + what.horizon_hours / 24)
    observed = ObservationStore(records, station).read(Period(start=since - timedelta(days=1), end=today))
    if observed.empty:
        return _written(records, report, limits)
    hours = hourly_frame(observed, about, settings.hourly, target=what.target).frame
    observed, _ = plausible(observed, about)
    made = forecasts_made(records, station, task, since=since, until=today)
    truth = (observed if settings.hourly.method == "subsample" else hours).set_index("time")[what.target]  # at any minute measured
    found = scores(made, truth, station=station, task=task, horizon_hours=what.horizon_hours)
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
        learnt_until = datetime.fromisoformat(reference.as_of)
        report = report.changed(
            drift=drift(window, reference.frame, _both(about, window, reference.frame), days=limits.drift_days),
            bias_z=bias_z(errors, reference.forecasts, days=limits.drift_days) if reference.forecasts is not None else None,
            model_age_days=round((moment - to_utc(learnt_until, about).replace(tzinfo=UTC)) / timedelta(days=1), 2),
        )
    return _written(records, report, limits)


@dataclass(frozen=True)
class _Learnt:
    """What the champion learnt from, and how its candidate forecast rows that it had not seen."""

    frame: pd.DataFrame
    forecasts: pd.DataFrame | None
    as_of: str


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
    return _Learnt(Dataset.load(records, manifest.fingerprint).frame, table, manifest.as_of)


def _errors(made: pd.DataFrame, truth: pd.Series, horizon: int, *, since: datetime) -> "pd.Series[float]":
    """Return forecast minus truth of the newest targets that have a truth."""
    rows = made[(made["lead_hours"] == horizon) & (made["target_time"] > pd.Timestamp(since))]
    return (rows["forecast"].astype("float64") - truth.reindex(rows["target_time"]).to_numpy()).dropna()


def _both(station: Station, *frames: pd.DataFrame) -> list[str]:
    """Return the variables that are in all frames: a sensor that is dead, or was when the champion learnt, is in one alone."""
    return [name for name in station.variables if all(name in frame for frame in frames)]


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
