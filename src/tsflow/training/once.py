"""Training an entrant unless it was trained before: the same data, recipe, seed, code and libraries give the same candidate."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tsflow.architectures.network import Network
from tsflow.architectures.registry import Architecture
from tsflow.architectures.source import source_digest
from tsflow.errors import EntrantSkipped, IntegrityError, SettingsError, StorageUnavailable
from tsflow.records.candidate import Epoch, Failure, StoredCandidate, Training
from tsflow.records.dataset import PARTS, Part
from tsflow.records.store import Records
from tsflow.records.template import Value
from tsflow.storage.codecs import digest, stamp, to_json
from tsflow.training.epochs import EpochStore
from tsflow.training.fit import require, set_up_tensorflow, train
from tsflow.training.learnt import as_taught, days_taught
from tsflow.training.limit import limited
from tsflow.training.provenance import libraries, processor
from tsflow.training.storing import store_candidate
from tsflow.windows.dataset import Dataset


@dataclass(frozen=True)
class Assignment:
    """Where a training belongs, and what decides it beside the recipe."""

    run: str  # or backtest
    folder: str  # where its candidate is kept
    fingerprint: str  # of the dataset
    seed: int
    max_epochs: int | None  # the profile's limit
    networks_history_days: int | None = None  # likewise
    threads: int = 0  # TensorFlow's; 0: it decides
    time_limit: timedelta = timedelta(days=7)
    parts: tuple[Part, ...] = PARTS  # that are forecast

    def training_id(self, recipe: Architecture) -> str:
        """Return a hash of everything that decides a candidate; of a network also what of this machine does."""
        decides: dict[str, object] = {
            "fingerprint": self.fingerprint,
            "recipe": recipe.identity(),
            "seed": self.seed,
            "max_epochs": self.max_epochs,
            "code": source_digest(type(recipe)),
            "libraries": libraries(),
            "parts": self.parts,
        }
        if isinstance(recipe, Network):
            decides |= {"history_days": days_taught(recipe, self.networks_history_days), **processor(self.threads)}
        return digest(to_json(decides))[:24]


def train_once(
    records: Records,
    assignment: Assignment,
    recipe: Architecture,
    load: Callable[[], Dataset],
    *,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> StoredCandidate:
    """Train an entrant unless it was trained before; return its candidate. `load` gives the data of the fingerprint.

    A failure or a skip is recorded and raised again.
    """
    folder = assignment.folder
    place: dict[str, Value] = {"folder": folder, "architecture": recipe.architecture}
    before = records.find(StoredCandidate, **place)
    if before is not None and _is_whole(records, before):
        return before  # else its files were removed since: it is trained again, and stands there until then
    training = assignment.training_id(recipe)
    if (reused := _reused(records, training, place, before)) is not None:
        return reused
    with recorded(records, folder, recipe.architecture), limited(assignment.time_limit):
        dataset = as_taught(recipe, load(), assignment.networks_history_days)
        _skip_unless_fit_for(recipe, dataset)
        set_up_tensorflow(assignment.threads)
        epochs = EpochStore(records, folder, recipe.architecture, training)
        try:
            candidate = train(
                recipe,
                dataset,
                epochs,
                seed=assignment.seed,
                max_epochs=assignment.max_epochs,
                on_epoch=on_epoch,
                parts=assignment.parts,
            )
        except (IntegrityError, SettingsError):  # another attempt may have ended meanwhile, and removed its epochs and ours
            if (there := records.find(StoredCandidate, **place)) is None or there == before:
                raise
            return there
    _forget(records, before, place)
    stored = store_candidate(records, folder, assignment.run, recipe, candidate, dataset=dataset)
    records.first(Training.model_validate(stored.model_dump()), training=training)
    epochs.clear()
    return stored


def _forget(records: Records, before: StoredCandidate | None, place: dict[str, Value]) -> None:
    """Remove a candidate whose files are gone, to put another one in its place."""
    if before is not None and records.find(StoredCandidate, **place) == before:
        records.objects.delete([before.key(**place)])


def _reused(records: Records, training: str, place: dict[str, Value], before: StoredCandidate | None) -> StoredCandidate | None:
    """Make the candidate of the same training this run's, too; None if there is none.

    Retention removes a training's name first, then looks who uses its files, then removes those that nobody does. So whoever
    has written that he uses them, and finds the name still there, will find the files; else they are trained again.
    """
    while (same := records.find(Training, training=training)) is not None:
        name = same.key(training=training)
        if not _is_whole(records, same):
            records.objects.delete([name])
            return None
        _forget(records, before, place)
        reused = records.first(StoredCandidate.model_validate(same.model_dump()), **place)
        if reused.files != same.files:  # another attempt was first, with files of its own
            return reused
        there = records.find(Training, training=training)
        if there is not None and there.files == same.files:
            return reused
        records.objects.delete([reused.key(**place)])
    return None


def _is_whole(records: Records, candidate: StoredCandidate) -> bool:
    """Say whether the files of a candidate are there."""
    folders = {file.key.rpartition("/")[0] for file in candidate.files.values()}
    there = {key for folder in folders for key in records.objects.keys(f"{folder}/")}
    return all(file.key in there for file in candidate.files.values())


def _skip_unless_fit_for(recipe: Architecture, dataset: Dataset) -> None:
    """Skip what a profile chose for every station, task and machine and these cannot have.

    Named by a person it was refused before, but for a library that is not there.
    """
    try:
        require(recipe, dataset)
    except SettingsError as reason:
        raise EntrantSkipped(str(reason)) from reason


@contextmanager
def recorded(records: Records, folder: str, architecture: str) -> Iterator[None]:
    """Record why a training failed, and let the error go on."""
    try:
        yield
    except StorageUnavailable:
        raise  # says nothing of the entrant; the task tries again
    except Exception as error:
        failure = Failure.of(error, "".join(traceback.format_exception(error)))
        records.first(failure, folder=folder, architecture=architecture, at=stamp(datetime.now(UTC)))
        raise
