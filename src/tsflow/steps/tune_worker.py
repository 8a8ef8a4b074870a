"""Try settings of a recipe until a tuning's budget is spent."""

from collections.abc import Callable

from tsflow.records.candidate import Epoch
from tsflow.records.store import Records
from tsflow.records.tuning import Trial, TuningPlan
from tsflow.settings import Settings
from tsflow.training.fit import set_up_tensorflow
from tsflow.training.learnt import as_taught
from tsflow.tuning.plan import recipe_of
from tsflow.tuning.sessions import Session
from tsflow.tuning.work import Work
from tsflow.windows.dataset import Dataset


def tune_worker(
    records: Records,
    settings: Settings,
    tuning: str,
    worker: str,
    *,
    on_epoch: Callable[[Trial, Epoch], None] = lambda trial, epoch: None,
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> int:
    """Try settings until the tuning's minutes or trials are spent; return how many trials this worker finished.

    A trial that fails is recorded with its reason; the next one follows. Trials that a dead worker left come first.

    Raises
    ------
    TrainingError
        If the last ten trials have failed one after another.
    """
    plan = records.read(TuningPlan, tuning=tuning)
    set_up_tensorflow(settings.training.threads)
    profile, finished = settings.profiles.named(plan.profile), 0
    dataset = as_taught(recipe_of(plan), Dataset.load(records, plan.fingerprint), profile.networks_history_days)
    with Session(records, tuning, worker) as session:
        work = Work(records, plan, dataset, session, max_epochs=profile.max_epochs, on_epoch=on_epoch)
        while (trial := work.next_trial()) is not None:
            on_trial(work.run(trial))
            finished += 1
    return finished
