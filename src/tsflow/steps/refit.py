"""Train the recipe that goes out once more, on everything, with what validation found."""

from collections.abc import Callable

from tsflow.architectures.pinned import recipe_of
from tsflow.champion.refit import growth, members_of, part_of_refit
from tsflow.evaluation.boards import candidate_of
from tsflow.records.candidate import Epoch, StoredCandidate
from tsflow.records.decision import Decision
from tsflow.records.files import REFITS
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.record import Reference
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.training.once import Assignment, train_once
from tsflow.training.profile import profile_of
from tsflow.windows.dataset import Dataset
from tsflow.windows.refit import for_refit


def plan_refit(records: Records, settings: Settings, decision: Reference) -> list[str]:
    """Return which candidates are to be trained once more: the one that goes out, or its members; none if the gate refused."""
    decided = records.fetch(Decision, decision)
    board = _board(records, decided)
    if decided.verdict == "refusal" or not profile_of(records.read(Run, run=board.run), settings).refit:
        return []
    return members_of(candidate_of(records, board, decided.outgoing))


def refit_entrant(
    records: Records,
    settings: Settings,
    decision: Reference,
    architecture: str,
    *,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> StoredCandidate:
    """Train a candidate once more, on all rows of split `recent`, else on train and validation."""
    ranked = _board(records, records.fetch(Decision, decision))
    chosen = candidate_of(records, ranked, architecture)
    dataset = Dataset.load(records, ranked.fingerprint)
    recipe = recipe_of({**chosen.settings, "architecture": chosen.architecture}).settled(chosen.found, growth(dataset))
    refit, profile = for_refit(dataset), profile_of(records.read(Run, run=ranked.run), settings)
    assignment = Assignment(
        run=ranked.run,
        folder=REFITS.key(run=ranked.run),
        fingerprint=refit.fingerprint,
        seed=ranked.seed,
        max_epochs=profile.max_epochs,
        networks_history_days=profile.networks_history_days,
        threads=settings.training.threads,
        time_limit=settings.training.time_limit,
        parts=(part_of_refit(refit),),
    )
    return train_once(records, assignment, recipe, lambda: refit, on_epoch=on_epoch)


def _board(records: Records, decision: Decision) -> Leaderboard:
    return records.read(Leaderboard, run=decision.run, number=decision.number)
