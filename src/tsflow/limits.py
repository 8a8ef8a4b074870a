"""Limits of what is promoted, forecast and watched: the settings `gate`, `forecast` and `monitor`."""

from typing import Annotated, Any

from pydantic import Field

from tsflow.model import Strict


class GateSettings(Strict):
    """What a model must prove before it becomes champion."""

    probability: Annotated[float, Field(gt=0.5, lt=1)] = 0.9  # of being better, for a change of recipe
    group_worse: Annotated[float, Field(ge=0)] = 0.15  # of the champion's error, in a season or a quarter of the day
    validation_days: Annotated[int, Field(ge=1)] = 7  # fewer choose by luck
    days: Annotated[int, Field(ge=14)] = 28  # of validation and test: four blocks of a week for the bootstrap
    range_margin: Annotated[float, Field(ge=0)] = 5.0  # in the target's unit, by which a forecast may leave the station's range
    refit_worse: Annotated[float, Field(ge=0)] = 0.1  # of the candidate's error on the same windows, which the refit has even seen


class ForecastSettings(Strict):
    """When the champion's forecasts can be made."""

    stale_after_hours: Annotated[float, Field(gt=0)] = 6.0  # the newest hour may be so old, as a forecast from last week is none
    bridge_hours: Annotated[float, Field(ge=0)] = 6.0  # of a gap in a context that is filled, else it stops forecasts for days


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
