"""Note that an alert was sent, so that it is not sent again; one without such a note is sent at the next look."""

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
