"""Write the best recipe of a tuning, and what led to it."""

from tsflow.errors import TrainingError
from tsflow.records.files import TUNED_FILE
from tsflow.records.record import Reference
from tsflow.records.store import Records
from tsflow.records.template import Value
from tsflow.records.tuning import TuningPlan
from tsflow.storage.codecs import to_parquet
from tsflow.tuning.finals import standing
from tsflow.tuning.reading import TUNINGS
from tsflow.tuning.report import table
from tsflow.tuning.result import result_of
from tsflow.tuning.search import best
from tsflow.tuning.sessions import Sessions
from tsflow.tuning.trials import TrialStore
from tsflow.windows.dataset import Dataset


def finish_tuning(records: Records, tuning: str) -> Reference:
    """Write the result as a record, the best recipe as YAML and the trials as Parquet; return a reference to the result.

    Finishing again after further trials writes a further result; trials still running are shown as such.

    Raises
    ------
    TrainingError
        If no trial is complete.
    """
    plan = records.read(TuningPlan, tuning=tuning)
    trials = TrialStore(records, tuning).trials()
    chosen = best(standing(trials))
    if chosen is None:
        ended = [trial for trial in trials if trial.state != "running"]
        reasons = "; ".join(f"trial {trial.number}: {trial.reason}" for trial in ended) or "none has ended"
        msg = f"tuning {tuning}: no trial is complete: {reasons}"
        raise TrainingError(msg)
    spent = Sessions(records, tuning).spent_seconds() / 60
    result = records.first(result_of(plan, Dataset.load(records, plan.fingerprint), trials, chosen, spent))
    place: dict[str, Value] = {"tuning": tuning, "number": result.number}
    records.page(TUNED_FILE, result.recipe.encode(), "application/yaml", **place, name=f"{result.tuned}.yaml")
    records.page(TUNED_FILE, to_parquet(table(result)), "application/vnd.apache.parquet", **place, name="trials.parquet")
    TUNINGS.enter(records, result)
    return records.reference(result)
