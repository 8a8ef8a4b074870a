"""The steps of a tuning but for its last: what is searched, and the workers that search.

::

    start_tuning -> tune_worker (any number, at once or one after another) -> finish_tuning

A worker asks for a trial, trains it, writes how it ended, and so on until the budget is spent. The budget counts
the time of every session of every worker, so that a tuning that was killed uses only what is left of it.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tsflow.architectures.registry import Architecture, families, load_architecture
from tsflow.architectures.space import BESIDE, Distribution, value_of, with_values
from tsflow.errors import SettingsError, StorageDenied, StorageUnavailable, TrainingError
from tsflow.evaluation.metrics import mae
from tsflow.settings import settings
from tsflow.stations.station import load_station
from tsflow.steps.requests import TuneRequest, profile_settings
from tsflow.steps.run import dataset_of, first_result, stored_result, validated_hours
from tsflow.storage import keys
from tsflow.storage.objects import ObjectStore
from tsflow.training.epochs import Epoch, TrialEpochs
from tsflow.training.fit import set_up_tensorflow, train
from tsflow.tuning.search import Trial, is_hopeless, propose
from tsflow.tuning.sessions import Session, Sessions
from tsflow.tuning.trials import TrialStore
from tsflow.windows.dataset import Dataset
from tsflow.windows.split import split_settings

log = logging.getLogger(__name__)

_GIVE_UP_AFTER = 10  # failed trials in a row: it is not the settings that are wrong


class _CutOff(Exception):  # not an error: a trial's end
    """A trial is not worth going on with, or there is no time to."""


def start_tuning(objects: ObjectStore, request: TuneRequest, tuning_id: str) -> dict[str, Any]:
    """Fix what is searched and on which data; return the tuning. Its dataset ends where the test part begins.

    Raises
    ------
    SettingsError
        If the architecture has no search space, or one that is wrong.
    DataValidationError, NotEnoughData
        As `dataset_of`.
    """
    key = keys.tuning(tuning_id, "tuning.json")
    if (done := stored_result(objects, key)) is not None:
        return done
    request = request.checked()
    recipe = load_architecture(request.architecture)
    station = load_station(request.station)
    as_of = request.moment(station)
    hourly, docs = validated_hours(objects, request, station, as_of, keys.tuning_folder(tuning_id))
    dataset = dataset_of(station, hourly, split_settings(settings().splits, request.split), request.split)
    tuning = {
        "tuning": tuning_id,
        "station": station.station,
        "as_of": as_of.isoformat(),
        "docs": docs,
        "profile": request.profile,
        "split": request.split,
        "seed": request.seed,
        "fingerprint": dataset.without_test().save(objects),
        "request": request.model_dump(mode="json"),
        "recipe": recipe.model_dump(mode="json", exclude_unset=True, exclude=BESIDE),
        "search": {name: found.model_dump(mode="json", exclude_unset=True) for name, found in (recipe.search or {}).items()},
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return first_result(objects, key, tuning)


def read_tuning(objects: ObjectStore, tuning_id: str) -> dict[str, Any]:
    """Return what a tuning searches; `SettingsError` if there is no such tuning."""
    key = keys.tuning(tuning_id, "tuning.json")
    if (tuning := stored_result(objects, key)) is None:
        known = sorted({found.split("/")[1] for found in objects.keys("tunings/") if found.endswith("/tuning.json")})
        msg = f"no tuning {tuning_id!r} in {objects.address('tunings/')}; there are: {', '.join(known) or 'none'}"
        raise SettingsError(msg)
    return tuning


def recipe_of(tuning: dict[str, Any]) -> Architecture:
    """Return the recipe as it was when the tuning began, with its search space; its file may have changed since."""
    family = families()[tuning["recipe"]["builder"]]
    return family.model_validate({**tuning["recipe"], "search": tuning["search"]})


def space_of(recipe: Architecture) -> tuple[dict[str, Distribution], dict[str, Any]]:
    """Return a recipe's search space, and what it says itself under those keys."""
    space = recipe.search or {}
    return space, {key: value_of(recipe, key) for key in space}


def tune_worker(
    objects: ObjectStore,
    tuning_id: str,
    worker: str,
    *,
    threads: int = 0,
    on_epoch: Callable[[Trial, Epoch], None] = lambda trial, epoch: None,
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> dict[str, Any]:
    """Try settings until the tuning's minutes or trials are spent; return how many trials this worker finished.

    A trial that fails is recorded with its reason; the next one follows. Trials that a dead worker left come first.

    Raises
    ------
    TrainingError
        If the last ten trials have failed one after another.
    """
    tuning = read_tuning(objects, tuning_id)
    set_up_tensorflow(threads)
    dataset = Dataset.load(objects, tuning["fingerprint"])
    finished = 0
    with Session(objects, tuning_id, worker) as session:
        work = _Work(objects, tuning, dataset, session, on_epoch)
        while (trial := work.next_trial()) is not None:
            on_trial(work.run(trial))
            finished += 1
    return {"tuning": tuning_id, "worker": worker, "finished": finished}


class _Work:
    """What one worker does in one session."""

    def __init__(
        self,
        objects: ObjectStore,
        tuning: dict[str, Any],
        dataset: Dataset,
        session: Session,
        on_epoch: Callable[[Trial, Epoch], None],
    ) -> None:
        self._objects, self._dataset, self._session, self._on_epoch = objects, dataset, session, on_epoch
        self._id: str = tuning["tuning"]
        self._request = TuneRequest.model_validate(tuning["request"])
        self._max_epochs = profile_settings(self._request.profile).max_epochs
        self._recipe = recipe_of(tuning)
        self._space, self._own = space_of(self._recipe)
        self._trials = TrialStore(objects, self._id)
        self._sessions = Sessions(objects, self._id)

    def next_trial(self) -> Trial | None:
        """Return a trial that nobody else is at, old before new; None at the end of the budget or of the space."""
        while not self._is_spent():
            known = self._trials.known()
            trials = [one.trial for one in known]
            _raise_if_all_fail(trials)
            alive = self._sessions.alive()
            left = [one for one in known if one.trial.state == "running" and one.session not in alive]
            if left:
                taken = self._trials.take_over(left[0], self._session)
            elif self._request.trials is not None and len(trials) >= self._request.trials:
                return None
            else:
                number = len(trials)
                values = self._values(number, trials)
                if values is None:
                    log.info("%s: the search space holds no recipe that was not tried", self._id)
                    return None
                taken = self._trials.ask(number, values, self._session)
            if taken is not None:  # else another worker was first
                return taken
        return None

    def run(self, trial: Trial) -> Trial:
        """Train a trial to its end, or until it is cut off; return how it ended."""
        epochs = TrialEpochs(self._objects, self._id, trial.number)
        try:
            ended = self._train(trial, epochs)
        except (StorageUnavailable, StorageDenied):
            raise  # says nothing of the trial; whoever goes on takes it over
        except _CutOff as cut:
            ended = trial.model_copy(update={"state": "pruned", "reason": str(cut)})
        except Exception as error:  # whatever the libraries raise for settings that do not go together
            log.warning("trial %d failed", trial.number, exc_info=error)
            ended = trial.model_copy(update={"state": "failed", "reason": f"{type(error).__name__}: {error}".strip()})
        curve = epochs.curve()
        update: dict[str, Any] = {
            "curve": [epoch.val_mae for epoch in curve],
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if ended.state != "complete":
            update["train_seconds"] = round(sum(epoch.seconds for epoch in curve), 3)
        return self._trials.finish(ended.model_copy(update=update))

    def _train(self, trial: Trial, epochs: TrialEpochs) -> Trial:
        recipe = with_values(self._recipe, trial.values)
        seen = [epoch.val_mae for epoch in epochs.curve() if epoch.val_mae is not None]

        def after(epoch: Epoch) -> None:
            seen.extend([epoch.val_mae] if epoch.val_mae is not None else [])
            self._on_epoch(trial, epoch)
            if trial.number and epoch.epoch < epoch.of:  # the recipe as it is always ends: others are compared with it
                self._cut_off(seen)

        dataset = self._dataset
        candidate = train(recipe, dataset, epochs, seed=self._request.seed, max_epochs=self._max_epochs, on_epoch=after)
        return trial.model_copy(
            update={
                "state": "complete",
                "val_mae": mae(dataset.targets("validation"), candidate.forecasts["validation"]),
                "best_epoch": candidate.best_epoch,
                "parameters": candidate.parameters,
                "train_seconds": round(candidate.train_seconds, 3),
            }
        )

    def _cut_off(self, curve: list[float]) -> None:
        if self._is_spent():
            msg = f"the tuning's {self._request.minutes:g} minutes were spent after epoch {len(curve)}"
            raise _CutOff(msg)
        if is_hopeless(curve, self._trials.trials()):
            msg = f"after epoch {len(curve)} worse than the median of the complete trials"
            raise _CutOff(msg)

    def _values(self, number: int, trials: list[Trial]) -> dict[str, Any] | None:
        if number == 0:
            return {}
        return propose(self._space, trials, own=self._own, seed=self._request.seed, number=number)

    def _is_spent(self) -> bool:
        return self._sessions.spent_seconds(self._session) >= 60 * self._request.minutes


def _raise_if_all_fail(trials: list[Trial]) -> None:
    last = [trial for trial in trials if trial.state != "running"][-_GIVE_UP_AFTER:]
    if len(last) == _GIVE_UP_AFTER and all(trial.state == "failed" for trial in last):
        msg = f"the last {_GIVE_UP_AFTER} trials failed, the newest with {last[-1].reason}; correct the recipe or its search space"
        raise TrainingError(msg)
