"""Forecast with the champion from the newest hours in the store."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from tsflow.bundle.data_until import data_until
from tsflow.champion.clock import utc_now
from tsflow.champion.wanted import wanted_by
from tsflow.client import load_champion
from tsflow.client.champion import Champion
from tsflow.errors import DataError, NoChampion
from tsflow.monitoring.forecasts import keep, publish_latest
from tsflow.monitoring.scoring import adapted
from tsflow.observations.recent import recent_hours
from tsflow.observations.store import ObservationStore
from tsflow.records.forecast import Forecast, Interval, LatestForecast, Problem
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.stations.clock import to_utc
from tsflow.stations.described import described
from tsflow.stations.station import Station
from tsflow.uncertainty.adaptive import stretched, widened


def make_forecast(records: Records, settings: Settings, station: str, task: str, *, now: datetime | None = None) -> LatestForecast:
    """Forecast and store it; where none can be made, store the reason. `now`: UTC, for a day that is played again.

    Raises
    ------
    IntegrityError
        If the champion is damaged.
    """
    attempt = _Attempt(records, described(records, station), task, now or utc_now())
    try:
        champion = load_champion(station, records.objects, task=task, cache=None)
    except NoChampion as error:
        return attempt.failed("no champion", str(error))
    try:
        recent = recent_hours(records, attempt.station, wanted_by(champion.manifest, settings), until=attempt.clock)
        observed = recent.frame["time"].iloc[-1].to_pydatetime()
        if (problem := attempt.problem(recent.frame, champion, settings)) is not None:
            return attempt.failed(*problem, observed)
        stretch = adapted(records, station, task, settings.forecast, before=attempt.clock)
        made = _forecast(champion, recent.frame, attempt.moment, stretch)
    except DataError as error:
        stored = ObservationStore(records, station).last_time(attempt.clock)
        return attempt.failed("unusable data" if stored else "no observations", str(error), stored)
    keep(records, station, task, made)
    return attempt.done(made, champion, recent.bridged_hours)


@dataclass(frozen=True)
class _Attempt:
    """A forecast that is to be made, and what comes of it."""

    records: Records
    station: Station
    task: str
    moment: datetime  # UTC

    @property
    def clock(self) -> datetime:
        """The moment by the station's clock: rows after it are not read, so that a day can be played again."""
        return self.moment.replace(tzinfo=None) + timedelta(hours=self.station.timestamp.utc_offset_hours)

    def age_hours(self, clock: datetime) -> float:
        """Return how long ago the station's clock showed this."""
        return (self.moment - to_utc(clock, self.station).replace(tzinfo=UTC)) / timedelta(hours=1)

    def problem(self, recent: pd.DataFrame, champion: Champion, settings: Settings) -> tuple[Problem, str] | None:
        """Return why the newest hours are no basis for a forecast, if so."""
        observed, context, limit = recent["time"].iloc[-1], champion.manifest.context_hours, settings.forecast.stale_after_hours
        if (age := self.age_hours(observed.to_pydatetime())) > limit:
            return "stale data", f"the newest hour is {observed}, {age:.1f} h ago; {limit:g} are allowed"
        if len(recent) < context:
            free = observed + timedelta(hours=context - len(recent))
            found = f"{len(recent)} consecutive hours since {recent['time'].iloc[0]}, the model reads {context}"
            return "gap in the context", f"{found}; the gap before that leaves the context at {free}"
        return None

    def failed(self, problem: Problem, reason: str, observed: datetime | None = None) -> LatestForecast:
        """Say why there is none."""
        latest = LatestForecast(
            station=self.station.station,
            task=self.task,
            status="none",
            problem=problem,
            reason=reason,
            made_at=self.moment,
            observed=observed,
            data_age_hours=None if observed is None else round(self.age_hours(observed), 2),
        )
        return publish_latest(self.records, latest)

    def done(self, made: Forecast, champion: Champion, bridged_hours: int) -> LatestForecast:
        """Say what was forecast, and how old that is."""
        manifest = champion.manifest
        latest = LatestForecast(
            station=self.station.station,
            task=self.task,
            status="ok",
            made_at=self.moment,
            observed=made.origin,
            data_age_hours=round(self.age_hours(made.origin), 2),
            model_age_days=round(self.age_hours(data_until(manifest).replace(tzinfo=None)) / 24, 2),
            bridged_hours=bridged_hours,
            expected_mae=manifest.metrics.test_mae or manifest.metrics.val_mae,
            forecast=made,
        )
        return publish_latest(self.records, latest)


def _forecast(champion: Champion, recent: pd.DataFrame, moment: datetime, stretch: dict[float, float]) -> Forecast:
    manifest = champion.manifest
    columns = {str(name): recent[name].to_numpy() for name in recent}
    origin, target = recent["time"].iloc[-1].to_pydatetime(), manifest.target
    published = champion.intervals(columns)
    bounds = stretched(published, stretch)
    return Forecast(
        origin=origin,
        target_time=origin + timedelta(hours=manifest.horizon_hours),
        target=target.name,
        unit=target.unit,
        value=round(champion.forecast(columns), 3),
        intervals=[
            Interval(level=level, low=round(low, 3), high=round(high, 3), stretch=widened(published[level], (low, high)))
            for level, (low, high) in bounds.items()
        ],
        leads={hours: round(value, 3) for hours, value in champion.leads(columns).items()},
        naive=float(recent[target.name].iloc[-1]),
        architecture=manifest.architecture,
        version=manifest.version,
        sequence=champion.pointer.sequence,
        made_at=moment,
    )
