"""What one worker does in one session of a tuning: take a trial, train it, say how it ended."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from tsflow.architectures.space import with_values
from tsflow.errors import NotEnoughData, StorageDenied, StorageUnavailable, TrainingError
from tsflow.evaluation.metrics import mae
from tsflow.records.candidate import Epoch
from tsflow.records.store import Records
from tsflow.records.tuning import Trial, TuningPlan
from tsflow.training.epochs import TrialEpochs
from tsflow.training.fit import train
from tsflow.tuning.finals import next_repeat, reserved_seconds, searched
from tsflow.tuning.plan import recipe_of, space_of
from tsflow.tuning.search import is_hopeless, propose
from tsflow.tuning.sessions import Session, Sessions
from tsflow.tuning.trials import TrialStore
from tsflow.uncertainty.long_run import daily_errors
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
        """Return an abandoned trial first, else a new one, else a repeat; None at the end of the budget."""
        while not self._is_spent():
            known = self._trials.known()
            trials = [one.trial for one in known]
            _raise_if_all_fail(trials)
            alive = self._sessions.alive()
            left = [one for one in known if one.trial.state == "running" and one.session not in alive]
            if left:
                taken = self._trials.take_over(left[0], self._session)
            elif (new := self._new(trials) or self._repeat(trials)) is None:
                return None
            else:
                taken = self._trials.ask(new, self._session)
            if taken is not None:  # else another worker was first
                return taken
        return None

    def _new(self, trials: list[Trial]) -> Trial | None:
        """Return a trial of the search; None at its end, or that of the space."""
        budget, before = self._plan.budget, searched(trials)
        if self._is_spent(self._reserved(trials)) or (budget.trials is not None and len(before) >= budget.trials):
            return None
        number = len(trials)
        seed = self._plan.seed
        values = propose(self._space, before, own=self._own, seed=seed, number=number) if number else {}
        if values is None:
            log.info("%s: the search space holds no recipe that was not tried", self._plan.tuning)
            return None
        return Trial(number=number, values=values, worker=self._session.worker)

    def _repeat(self, trials: list[Trial]) -> Trial | None:
        """Return one of the best few once more, with another seed; None if that was done."""
        wanted = next_repeat(trials, seed=self._plan.seed, repeats=self._plan.budget.repeats)
        if wanted is None:
            return None
        repeats, seed = wanted
        values = next(trial.values for trial in trials if trial.number == repeats)
        return Trial(number=len(trials), values=values, worker=self._session.worker, repeats=repeats, seed=seed)

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
                self._cut_off(trial, seen)

        seed = self._plan.seed if trial.seed is None else trial.seed
        # The best few are made as a run makes them; without repeats nobody is asked again.
        served = trial.repeats is not None or not self._plan.budget.repeats
        candidate = train(
            recipe,
            self._dataset,
            epochs,
            seed=seed,
            max_epochs=self._max_epochs,
            on_epoch=after,
            served=served,
            parts=("validation",),
        )
        truth, found = self._dataset.targets("validation"), candidate.forecasts["validation"]
        return trial.changed(
            state="complete",
            val_mae=mae(truth, found),
            daily=[] if trial.repeats is None else self._by_day(found - truth),
            best_epoch=candidate.best_epoch,
            parameters=candidate.parameters,
            train_seconds=round(candidate.train_seconds, 3),
        )

    def _by_day(self, errors: NDArray[np.float64]) -> list[float]:
        """Return the series by day whose mean is the error; [] where days are too few to say how sure it is."""
        try:
            series = daily_errors(errors[:, None], self._dataset.times[self._dataset.origins("validation")])
        except NotEnoughData:
            return []
        found: list[float] = series[:, 0].tolist()
        return found

    def _cut_off(self, trial: Trial, curve: list[float]) -> None:
        trials = self._trials.trials() if trial.repeats is None else []  # a repeat has no others to keep time for, or to lose to
        if self._is_spent(self._reserved(trials)):
            msg = f"the tuning's {self._plan.budget.minutes:g} minutes were spent, or kept for repeats of the best"
            msg = f"{msg}; it was cut off after epoch {len(curve)}"
            raise _CutOff(msg)
        if trial.repeats is None and is_hopeless(curve, searched(trials)):
            msg = f"pruned after epoch {len(curve)}: its least validation MAE is not among the best third of the trials so far"
            raise _CutOff(msg)

    def _reserved(self, trials: list[Trial]) -> float:
        budget = self._plan.budget
        return reserved_seconds(trials, repeats=budget.repeats, minutes=budget.minutes)

    def _is_spent(self, reserved: float = 0.0) -> bool:
        return self._sessions.spent_seconds(self._session) >= 60 * self._plan.budget.minutes - reserved


def _raise_if_all_fail(trials: list[Trial]) -> None:
    last = [trial for trial in trials if trial.state != "running"][-_GIVE_UP_AFTER:]
    if len(last) == _GIVE_UP_AFTER and all(trial.state == "failed" for trial in last):
        msg = f"the last {_GIVE_UP_AFTER} trials failed, the newest with {last[-1].reason}; correct the recipe or its search space"
        raise TrainingError(msg)
