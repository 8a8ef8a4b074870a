"""Train one entrant in one fold of a backtest."""

from collections.abc import Callable

from tsflow.architectures.pinned import pinned
from tsflow.backtesting.folds import fold_of
from tsflow.errors import UnknownName
from tsflow.records.backtest import BacktestPlan
from tsflow.records.candidate import Epoch, StoredCandidate
from tsflow.records.files import FOLD
from tsflow.records.store import Records
from tsflow.settings import Settings
from tsflow.training.once import Assignment, train_once
from tsflow.training.profile import profile_of
from tsflow.windows.dataset import Dataset


def backtest_entrant(
    records: Records,
    settings: Settings,
    backtest: str,
    fold: str,
    architecture: str,
    *,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> StoredCandidate:
    """Train one entrant in one fold; return its candidate. A failure is recorded and raised again."""
    plan = records.read(BacktestPlan, backtest=backtest)
    if fold not in plan.folds:
        raise UnknownName(f"fold of backtest {backtest}", fold, list(plan.folds))
    profile = profile_of(plan, settings)
    assignment = Assignment(
        run=backtest,
        folder=FOLD.key(backtest=backtest, fold=fold),
        fingerprint=plan.folds[fold].fingerprint,
        seed=plan.seed,
        max_epochs=profile.max_epochs,
        networks_history_days=profile.networks_history_days,
        threads=settings.training.threads,
        time_limit=settings.training.time_limit,
    )
    return train_once(
        records,
        assignment,
        pinned(plan, architecture),
        lambda: fold_of(Dataset.load(records, plan.fingerprint), plan, fold),
        on_epoch=on_epoch,
    )
