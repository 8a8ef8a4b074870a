"""Finding tunings."""

from tsflow import notes
from tsflow.errors import SettingsError
from tsflow.records.index import Results
from tsflow.records.store import Records
from tsflow.records.tuning import Tuning, TuningPlan

TUNINGS = Results("tuning", Tuning, "tuning", notes.tuned)


def newest_result(records: Records, tuning: str) -> Tuning:
    """Return a tuning's newest result; `SettingsError` if it has none."""
    if (found := records.newest(Tuning, tuning=tuning)) is not None:
        return found
    records.read(TuningPlan, tuning=tuning)
    msg = f"tuning {tuning!r} has no result yet; if it is still searching, wait for its end (the Airflow UI shows it)"
    raise SettingsError(msg)
