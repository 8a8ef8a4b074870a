"""Finding tunings."""

from collections.abc import Iterator
from functools import partial

from tsflow.errors import SettingsError
from tsflow.records.index import Listed, enter, newest, turn
from tsflow.records.store import Records
from tsflow.records.tuning import Tuning, TuningPlan


def newest_result(records: Records, tuning: str) -> Tuning:
    """Return a tuning's newest result; `SettingsError` if it has none."""
    if (found := records.newest(Tuning, tuning=tuning)) is not None:
        return found
    records.read(TuningPlan, tuning=tuning)
    msg = f"tuning {tuning!r} has no result yet; if it is still searching, wait for its end (the Airflow UI shows it)"
    raise SettingsError(msg)


def newest_tunings(records: Records, station: str, task: str | None = None, *, most: int = 1) -> list[Listed]:
    """Return what stands in the index of the newest results, the newest first."""
    return newest(records, "tuning", station, partial(_tunings_before, records), task=task, most=most)


def enter_tuning(records: Records, found: Tuning) -> None:
    """Enter a result into the index."""
    enter(records, _listed(found), partial(_tunings_before, records))


def _listed(found: Tuning) -> Listed:
    before = f" (before: {found.before:.3f})" if found.before is not None else ""
    return Listed(
        of="tuning",
        station=found.station,
        task=found.task,
        turn=turn(found.created_at, found.created_at),
        id=found.tuning,
        number=found.number,
        as_of=found.as_of,
        created_at=found.created_at,
        profile=found.profile,
        result=f"{found.architecture}: MAE {found.after:.3f} {found.unit} on validation{before}; trials: {found.counts}",
    )


def _tunings_before(records: Records) -> Iterator[Listed]:
    """Yield what there is of a tsflow that kept no index."""
    for tuning in dict.fromkeys(str(place["tuning"]) for place in records.listed(Tuning)):
        yield _listed(newest_result(records, tuning))
