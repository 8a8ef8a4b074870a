"""Train the challenger once more, on train and validation, with what validation found."""

from collections.abc import Callable

from tsflow.architectures.registry import families
from tsflow.champion.refit import members_of
from tsflow.evaluation.boards import candidate_of
from tsflow.records.candidate import Epoch, StoredCandidate
from tsflow.records.files import REFITS
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.record import Reference
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.training.once import Assignment, train_once
from tsflow.windows.dataset import Dataset


def plan_refit(records: Records, settings: Settings, board: Reference) -> list[str]:
    """Return which candidates of a board are to be trained once more on train and validation: the challenger, or its members."""
    ranked = records.fetch(Leaderboard, board)
    if not settings.profiles.named(ranked.profile).refit:
        return []
    return members_of(candidate_of(records, ranked, ranked.challenger))


def refit_entrant(
    records: Records,
    settings: Settings,
    board: Reference,
    architecture: str,
    *,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> StoredCandidate:
    """Train a candidate once more on train and validation, with the epochs, rounds or penalty that validation found."""
    ranked = records.fetch(Leaderboard, board)
    chosen = candidate_of(records, ranked, architecture)
    recipe = families()[chosen.settings["builder"]].model_validate(chosen.settings).settled(chosen.found)
    dataset = Dataset.load(records, ranked.fingerprint).joined()
    assignment = Assignment(
        run=ranked.run,
        folder=REFITS.key(run=ranked.run),
        fingerprint=dataset.fingerprint,
        seed=ranked.seed,
        max_epochs=settings.profiles.named(ranked.profile).max_epochs,
        threads=settings.training.threads,
    )
    return train_once(records, assignment, recipe, lambda: dataset, on_epoch=on_epoch)
