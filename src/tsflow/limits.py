"""Limits of what is promoted, trained daily, forecast, watched and kept, as settings."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from tsflow.model import Strict


class GateSettings(Strict):
    """What a model must prove before it becomes champion."""

    probability: Annotated[float, Field(gt=0.5, lt=1)] = 0.9  # of being better, for a change of recipe
    group_worse: Annotated[float, Field(ge=0)] = 0.15  # of the champion's error, in a season or a quarter of the day
    validation_days: Annotated[int, Field(ge=1)] = 7  # fewer choose by luck
    days: Annotated[int, Field(ge=14)] = 28  # of validation and test: four blocks of a week for the bootstrap
    range_margin: Annotated[float, Field(ge=0)] = 5.0  # in the target's unit, by which a forecast may leave the station's range
    refit_worse: Annotated[float, Field(ge=0)] = 0.1  # of the candidate's error on the same windows, which the refit has even seen


class RestSettings(Strict):
    """Who rests in the daily retraining: recipes that lost for weeks."""

    after_days: Annotated[int, Field(ge=7)] | None = 21  # surely worse than the challenger on every board of so many; None: nobody
    train_every_days: Annotated[int, Field(ge=2)] = 7  # meanwhile

    @property
    def watched_days(self) -> int:
        """How far back boards are read, so that one who rests is known to have done so."""
        return (self.after_days or 0) + 2 * self.train_every_days


class ForecastSettings(Strict):
    """When the champion's forecasts can be made."""

    stale_after_hours: Annotated[float, Field(gt=0)] = 6.0  # the newest hour may be so old, as a forecast from last week is none
    bridge_hours: Annotated[float, Field(ge=0)] = 6.0  # of a gap in a context that is filled, else it stops forecasts for days
    adaptive: bool = True  # intervals widen or narrow where the last ones held too few or too many truths
    adaptive_days: Annotated[int, Field(ge=14, le=365)] = 60  # scored ones that are looked at: two months follow a season
    adaptive_step: Annotated[float, Field(gt=0, le=1)] = 0.2  # of the logarithm of the width, for a day that was missed whole
    adaptive_after: Annotated[float, Field(ge=0)] = 1.5  # deviations of the coverage, each day counting as one throw; less is noise
    adaptive_most: Annotated[float, Field(gt=1, le=10)] = 2.0  # times wider or narrower than published, however bad it was


class NotifierSettings(Strict):
    """One of Airflow's notifiers, which alerts are sent through."""

    notifier: str  # its class, such as tsflow_notify.WebhookNotifier of plugins/, or any of a provider's
    arguments: dict[str, Any] = {}  # of its class; {{ alert }} stands for the text


class MonitorSettings(Strict):
    """When somebody should look."""

    days: Annotated[int, Field(ge=1)] = 7  # over which skill and coverage are pooled
    skill: float = -0.1  # less than this is an alert: worse than naive
    skill_days: Annotated[int, Field(ge=1)] = 5  # scored days needed before skill says anything
    coverage: Annotated[float, Field(gt=0)] = 4.0  # deviations from its level, each day counting as one throw: hours of a day agree
    drift_days: Annotated[int, Field(ge=1)] = 2  # how long the window is whose level and spread are looked at
    drift_level: Annotated[float, Field(gt=0)] = 6.0  # robust deviations from the season's median
    drift_spread: Annotated[float, Field(gt=0, lt=1)] = 0.1  # of the season's usual one; less is a stuck sensor
    bias: Annotated[float, Field(gt=0)] = 3.0  # deviations of the mean error
    data_age_hours: Annotated[float, Field(gt=0)] = 6.0
    model_age_days: Annotated[float, Field(gt=0)] = 7.0
    notifiers: tuple[NotifierSettings, ...] = ()


class RetentionSettings(Strict):
    """How long what was made is kept; champions that may come back, and whatever is under way, are kept in any case.

    Ages are counted from the last writing, by the object store's clock.
    """

    grace_hours: Annotated[float, Field(ge=1)] = 24.0  # nothing younger goes: somebody may be about to name it, or be reading it
    clock_minutes: Annotated[float, Field(gt=0, le=1440)] = 10.0  # by which clocks may differ; with a wrong one nothing is removed
    absence_days: Annotated[float, Field(ge=8)] = 35.0  # since the last look; after more it only looks, as a clock may have jumped
    bundles: Annotated[int, Field(ge=2)] = 5  # newest champions of each task whose bundle is kept, however old
    bundles_days: Annotated[float, Field(ge=1)] = 30.0  # bundles: what can be promoted or rolled back to, and all that it needs
    runs: Annotated[int, Field(ge=1)] = 10  # newest runs, backtests and tunings of each task that are kept, however old
    runs_days: Annotated[float, Field(ge=7)] = 90.0  # boards, decisions, and what is known of each entrant
    candidates_days: Annotated[float, Field(ge=3)] = 14.0  # models and forecasts of entrants: large, and needed until a run is over
    datasets_days: Annotated[float, Field(ge=3)] = 14.0  # hours that a run, a backtest or a tuning learnt from
    backtests_days: Annotated[float, Field(ge=7)] = 180.0
    tunings_days: Annotated[float, Field(ge=7)] = 180.0
    ingests_days: Annotated[float, Field(ge=2)] = 14.0  # batches as they came in, with their Data Docs; their rows are stored
    quarantine_days: Annotated[float, Field(ge=2)] = 90.0  # files that were refused: somebody has to look at them
    forecasts_days: Annotated[float, Field(ge=14)] = 120.0
    scores_days: Annotated[float, Field(ge=30)] = 800.0  # scores of days and reports of the monitor: small, and two years compare
    parts_days: Annotated[float, Field(ge=1)] = 7.0  # observations are never removed; parts older than this are packed by month
    airflow_days: Annotated[float, Field(ge=7)] = 60.0  # Airflow's database and the logs of tsflow's DAGs

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name in ("candidates_days", "datasets_days"):
            if getattr(self, name) > self.runs_days:
                msg = f"retention.{name} is {getattr(self, name):g}, longer than retention.runs_days {self.runs_days:g}; a run is "
                msg += "kept at least as long as what belongs to it"
                raise ValueError(msg)
        return self


def require_kept(monitor: MonitorSettings, rest: RestSettings, retention: RetentionSettings) -> None:
    """Raise `ValueError` if retention removes what the monitor, or the decision who rests, looks at."""
    needed = monitor.days + 14  # a horizon of some days, and some to look again
    if retention.forecasts_days < needed:
        msg = f"retention.forecasts_days is {retention.forecasts_days:g}; monitor.days {monitor.days} needs {needed}"
        raise ValueError(msg)
    if rest.after_days is not None and rest.watched_days > retention.runs_days:
        msg = f"rest.after_days {rest.after_days} with rest.train_every_days {rest.train_every_days} looks at boards of "
        msg += f"{rest.watched_days} days; retention.runs_days {retention.runs_days:g} keeps fewer; keep them "
        msg += "longer, or write `after_days: null`, with which nobody rests"
        raise ValueError(msg)
