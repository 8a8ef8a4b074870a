"""What one worker does in one session of a tuning: take a trial, train it, say how it ended."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from tsflow.architectures.space import with_values
from tsflow.errors import StorageDenied, StorageUnavailable, TrainingError
from tsflow.evaluation.metrics import mae
from tsflow.records.candidate import Epoch
from tsflow.records.store import Records
from tsflow.records.tuning import Trial, TuningPlan, Values
from tsflow.training.epochs import TrialEpochs
from tsflow.training.fit import train
from tsflow.tuning.plan import recipe_of, space_of
from tsflow.tuning.search import is_hopeless, propose
from tsflow.tuning.sessions import Session, Sessions
from tsflow.tuning.trials import TrialStore
from tsflow.windows.dataset import Dataset

log = logging.getLogger(__name__)

_GIVE_UP_AFTER = 10  # failed trials in a row: it is not the settings that are wrong


class _CutOff(Exception):  # not an error: a trial's end
    """A trial is not worth going on with, or there is no time to."""


class Work:
    """A session at work."""

    def __init__(
        self,
        records: Records,
        plan: TuningPlan,
        dataset: Dataset,
        session: Session,
        *,
        max_epochs: int | None,
        on_epoch: Callable[[Trial, Epoch], None],
    ) -> None:
        self._records, self._plan, self._dataset = records, plan, dataset
        self._session, self._max_epochs, self._on_epoch = session, max_epochs, on_epoch
        self._recipe = recipe_of(plan)
        self._space, self._own = space_of(self._recipe)
        self._trials = TrialStore(records, plan.tuning)
        self._sessions = Sessions(records, plan.tuning)

    def next_trial(self) -> Trial | None:
        """Return an abandoned trial first, else a new one; None at the end of the budget or of the space."""
        while not self._is_spent():
            known = self._trials.known()
            trials = [one.trial for one in known]
            _raise_if_all_fail(trials)
            alive = self._sessions.alive()
            left = [one for one in known if one.trial.state == "running" and one.session not in alive]
            if left:
                taken = self._trials.take_over(left[0], self._session)
            elif self._plan.budget.trials is not None and len(trials) >= self._plan.budget.trials:
                return None
            else:
                number = len(trials)
                values = self._values(number, trials)
                if values is None:
                    log.info("%s: the search space holds no recipe that was not tried", self._plan.tuning)
                    return None
                taken = self._trials.ask(number, values, self._session)
            if taken is not None:  # else another worker was first
                return taken
        return None

    def run(self, trial: Trial) -> Trial:
        """Train a trial to its end, or until it is cut off; return how it ended."""
        epochs = TrialEpochs(self._records, self._plan.tuning, trial.number)
        try:
            ended = self._train(trial, epochs)
        except (StorageUnavailable, StorageDenied):
            raise  # says nothing of the trial; whoever goes on takes it over
        except _CutOff as cut:
            ended = trial.changed(state="pruned", reason=str(cut))
        except Exception as error:  # whatever the libraries raise for settings that do not go together
            log.warning("trial %d failed", trial.number, exc_info=error)
            ended = trial.changed(state="failed", reason=f"{type(error).__name__}: {error}".strip())
        curve = epochs.curve()
        seconds = ended.train_seconds if ended.state == "complete" else round(sum(epoch.seconds for epoch in curve), 3)
        errors = [epoch.val_mae for epoch in curve]
        finished = self._trials.finish(ended.changed(curve=errors, finished_at=datetime.now(UTC), train_seconds=seconds))
        epochs.clear()
        return finished

    def _train(self, trial: Trial, epochs: TrialEpochs) -> Trial:
        recipe = with_values(self._recipe, trial.values)
        seen = [epoch.val_mae for epoch in epochs.curve() if epoch.val_mae is not None]

        def after(epoch: Epoch) -> None:
            seen.extend([epoch.val_mae] if epoch.val_mae is not None else [])
            self._on_epoch(trial, epoch)
            if trial.number and epoch.epoch < epoch.of:  # the recipe as it is always ends: others are compared with it
                self._cut_off(seen)

        candidate = train(recipe, self._dataset, epochs, seed=self._plan.seed, max_epochs=self._max_epochs, on_epoch=after)
        return trial.changed(
            state="complete",
            val_mae=mae(self._dataset.targets("validation"), candidate.forecasts["validation"]),
            best_epoch=candidate.best_epoch,
            parameters=candidate.parameters,
            train_seconds=round(candidate.train_seconds, 3),
        )

    def _cut_off(self, curve: list[float]) -> None:
        if self._is_spent():
            msg = f"the tuning's {self._plan.budget.minutes:g} minutes were spent; it was cut off after epoch {len(curve)}"
            raise _CutOff(msg)
        if is_hopeless(curve, self._trials.trials()):
            msg = f"pruned after epoch {len(curve)}: its least validation MAE is above the median of the complete trials"
            raise _CutOff(msg)

    def _values(self, number: int, trials: list[Trial]) -> Values | None:
        if number == 0:
            return {}
        return propose(self._space, trials, own=self._own, seed=self._plan.seed, number=number)

    def _is_spent(self) -> bool:
        return self._sessions.spent_seconds(self._session) >= 60 * self._plan.budget.minutes


def _raise_if_all_fail(trials: list[Trial]) -> None:
    last = [trial for trial in trials if trial.state != "running"][-_GIVE_UP_AFTER:]
    if len(last) == _GIVE_UP_AFTER and all(trial.state == "failed" for trial in last):
        msg = f"the last {_GIVE_UP_AFTER} trials failed, the newest with {last[-1].reason}; correct the recipe or its search space"
        raise TrainingError(msg)
