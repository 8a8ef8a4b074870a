"""What is due one object at a time: forecasts and scores by their age, and notes of which only the newest is read."""

from collections.abc import Iterator
from itertools import groupby

from tsflow.records.forecast import FORECAST_ROWS, DayScore, Report, Told
from tsflow.records.ingest import Reached, Taken
from tsflow.records.record import Record
from tsflow.records.retention import Collection
from tsflow.records.station import StoredStation
from tsflow.records.template import Template
from tsflow.retention.look import Look
from tsflow.storage.objects import Stored

_LOOKS_KEPT = 60  # a year of weeks
_NOTES: tuple[type[Record], ...] = (Taken, Reached, StoredStation)


def of_days(seen: Look) -> list[tuple[str, str, list[Stored]]]:
    """Return kind, setting and objects of what is due by its own age."""
    days = seen.settings

    def old(folder: str, limit: float, *templates: Template) -> list[Stored]:
        there = [one for one in seen.folders[folder] if any(template.values(one.key) is not None for template in templates)]
        return [one for one in there if seen.older([one], limit)]

    reports = set(_but_the_newest(seen.folders["monitor"], Report.TEMPLATE))
    watched = old("monitor", days.scores_days, Report.TEMPLATE, Told.TEMPLATE)
    return [
        ("forecasts", "forecasts_days", old("forecasts", days.forecasts_days, FORECAST_ROWS)),
        ("scores", "scores_days", old("scores", days.scores_days, DayScore.TEMPLATE)),
        ("reports", "scores_days", [one for one in watched if one in reports or Told.TEMPLATE.values(one.key) is not None]),
    ]


def superseded(seen: Look) -> Iterator[Stored]:
    """Yield notes with a newer one of the same place."""
    for kind in _NOTES:
        there = _but_the_newest(seen.folders["stations"], kind.TEMPLATE)
        yield from (one for one in there if seen.older([one], seen.settings.ingests_days))
    looks = [one for one in seen.folders["retention"] if Collection.TEMPLATE.values(one.key) is not None]
    yield from (one for one in looks[:-_LOOKS_KEPT] if seen.older([one]))


def _but_the_newest(there: list[Stored], template: Template) -> Iterator[Stored]:
    """Yield all but the last of those that differ by the last hole of their keys alone; of reports: by day and number."""
    last = {"number", "day"}

    def place(one: Stored) -> list[str]:
        return [f"{name}={value}" for name, value in (template.values(one.key) or {}).items() if name not in last]

    fitting = [one for one in there if template.values(one.key) is not None]
    for _, same in groupby(fitting, key=place):
        yield from list(same)[:-1]
