"""Note that somebody was told of an alert, so that nobody is told twice, and that nobody is told of it no more if it got lost."""

from tsflow.champion.clock import utc_now
from tsflow.records.forecast import Report, Told
from tsflow.records.record import Reference
from tsflow.records.store import Records


def tell(records: Records, report: Reference, kind: str, text: str) -> Told:
    """Write it down, once the notifiers have taken the text."""
    seen = records.fetch(Report, report)
    alert = next(alert for alert in seen.alerts if alert.kind == kind)
    told = Told(station=seen.station, task=seen.task, kind=kind, since=alert.since, text=text, told_at=utc_now())
    return records.first(told, **Told.place(seen, alert))
