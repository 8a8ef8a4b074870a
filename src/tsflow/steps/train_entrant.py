"""Train one entrant of a run, or weigh an ensemble of the others."""

from collections.abc import Callable

from tsflow.architectures.ensembles import Ensemble
from tsflow.architectures.pinned import pinned
from tsflow.errors import EntrantSkipped
from tsflow.records.candidate import Epoch, Failure, StoredCandidate
from tsflow.records.files import RUN
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.training.combining import combine
from tsflow.training.once import Assignment, recorded, train_once
from tsflow.training.profile import profile_of
from tsflow.training.storing import store_candidate
from tsflow.windows.dataset import Dataset


def singles_of(run: Run) -> list[str]:
    """Return a run's entrants that learn from the dataset."""
    return [name for name in run.entrants if not isinstance(pinned(run, name), Ensemble)]


def ensembles_of(run: Run) -> list[str]:
    """Return a run's entrants that are made of the others."""
    return [name for name in run.entrants if isinstance(pinned(run, name), Ensemble)]


def train_entrant(
    records: Records,
    settings: Settings,
    run: str,
    architecture: str,
    *,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> StoredCandidate:
    """Train one entrant of a run, or weigh an ensemble; return its candidate. A failure or a skip is recorded and raised again."""
    planned = records.read(Run, run=run)
    recipe = pinned(planned, architecture)
    if isinstance(recipe, Ensemble):
        return _weighed(records, planned, recipe)
    profile = profile_of(planned, settings)
    assignment = Assignment(
        run=run,
        folder=RUN.key(run=run),
        fingerprint=planned.fingerprint,
        seed=planned.seed,
        max_epochs=profile.max_epochs,
        networks_history_days=profile.networks_history_days,
        threads=settings.training.threads,
        time_limit=settings.training.time_limit,
    )
    return train_once(records, assignment, recipe, lambda: Dataset.load(records, planned.fingerprint), on_epoch=on_epoch)


def _weighed(records: Records, run: Run, ensemble: Ensemble) -> StoredCandidate:
    folder = RUN.key(run=run.run)
    if (done := records.find(StoredCandidate, folder=folder, architecture=ensemble.architecture)) is not None:
        return done
    with recorded(records, folder, ensemble.architecture):
        left = {name: records.find(StoredCandidate, folder=folder, architecture=name) for name in singles_of(run)}
        _skip_without(ensemble, records, folder, {name for name, stored in left.items() if stored is None})
        dataset = Dataset.load(records, run.fingerprint)
        candidate = combine(records, ensemble, {name: stored for name, stored in left.items() if stored}, dataset)
    return store_candidate(records, folder, run.run, ensemble, candidate, dataset=dataset)


def _skip_without(ensemble: Ensemble, records: Records, folder: str, lacking: set[str]) -> None:
    """Skip an ensemble of named members of which one takes no part here: that is no failure."""
    for name in sorted(lacking & {*(ensemble.of or [])}):
        failure = records.newest(Failure, folder=folder, architecture=name)
        if failure is not None and failure.status == "skipped":
            msg = f"{ensemble.architecture}: its member {name} was skipped: {failure.reason}"
            raise EntrantSkipped(msg)
