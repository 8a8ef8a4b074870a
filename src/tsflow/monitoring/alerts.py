"""Limits that were passed, in sentences."""

import math
from collections.abc import Callable

from tsflow.limits import MonitorSettings
from tsflow.records.forecast import Alert, Report
from tsflow.storage.codecs import stamp


def alerts_of(report: Report, before: Report | None, limits: MonitorSettings, told: Callable[[Alert], bool]) -> dict[str, object]:
    """Return what a report has of alerts: all of them, those of which nobody was `told` yet, and whether to retrain."""
    since = {alert.kind: alert.since for alert in before.alerts} if before else {}
    found = [*_of_scores(report, limits), *_of_age(report, limits), *_of_inputs(report, limits)]
    alerts = [alert.changed(since=since.get(alert.kind) or stamp(report.created_at)) for alert in found]
    return {
        "alerts": alerts,
        "new_alerts": [alert.kind for alert in alerts if not told(alert)],
        "wants_retraining": any(alert.kind == "skill" for alert in alerts),
    }


def _of_scores(report: Report, limits: MonitorSettings) -> list[Alert]:
    if report.days < limits.skill_days:
        return []
    found = []
    if report.skill is not None and report.skill < limits.skill:
        text = f"over {report.days} days the forecasts' error is {report.mae:.2f}, that of naive {report.naive_mae:.2f}"
        told = f"{text}: the champion is worse than saying 'as now'"
        found.append(Alert(kind="skill", text=told, figure=report.skill, limit=limits.skill))
    for level, share in report.coverage.items():
        chance = math.sqrt(float(level) * (1 - float(level)) / report.days)
        if abs(share - float(level)) > limits.coverage * chance:
            text = f"intervals of {100 * float(level):g} % held {100 * share:.0f} % of the last {report.days} days' truths"
            found.append(Alert(kind=f"coverage {level}", text=text, figure=share, limit=float(level)))
    return found


def _of_age(report: Report, limits: MonitorSettings) -> list[Alert]:
    if report.data_age_hours is None:
        return [Alert(kind="data", text="nothing came in for days; look at the source and at the runs of ingest_weather")]
    found = []
    if report.data_age_hours > limits.data_age_hours:
        text = f"the newest hour is {report.data_age_hours:.1f} h old (limit {limits.data_age_hours:g} h)"
        text += "; look at the source and at the runs of ingest_weather"
        found.append(Alert(kind="data", text=text, figure=report.data_age_hours, limit=limits.data_age_hours))
    if report.model_age_days is not None and report.model_age_days > limits.model_age_days:
        text = f"the champion's data end {report.model_age_days:.1f} d ago (limit {limits.model_age_days:g} d)"
        text += "; look at the runs of retrain and at its history"
        found.append(Alert(kind="model", text=text, figure=report.model_age_days, limit=limits.model_age_days))
    return found


def _of_inputs(report: Report, limits: MonitorSettings) -> list[Alert]:
    found = []
    days = f"over the last {limits.drift_days} days"
    for name, drift in report.drift.items():
        if abs(drift.level) > limits.drift_level:
            text = f"{name} lies {drift.level:+.1f} robust deviations from its season {days}; look at the sensor"
            found.append(Alert(kind=f"drift {name}", text=text, figure=drift.level, limit=limits.drift_level))
        if drift.spread < limits.drift_spread:
            text = f"{name} hardly moves {days}: {100 * drift.spread:.0f} % of its season's spread; the sensor may be stuck"
            found.append(Alert(kind=f"stuck {name}", text=text, figure=drift.spread, limit=limits.drift_spread))
    if report.bias_z is not None and abs(report.bias_z) > limits.bias:
        text = f"forecasts are off to one side {days}, {report.bias_z:+.1f} deviations of such means; a sensor may drift"
        found.append(Alert(kind="bias", text=text, figure=report.bias_z, limit=limits.bias))
    return found


def sentences(report: Report) -> dict[str, str]:
    """Return by kind the alerts of a report of which nobody was told yet, each in a sentence that stands alone."""
    new = set(report.new_alerts)
    return {alert.kind: f"{report.station}, task {report.task}: {alert.text}" for alert in report.alerts if alert.kind in new}
