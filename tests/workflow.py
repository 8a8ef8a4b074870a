"""The workflows' steps as tests call them: with the settings of this process, and what they leave read back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tsflow import steps
from tsflow.backtesting.reading import summary_of
from tsflow.bundle.manifest import Pointer
from tsflow.champion import actions
from tsflow.champion.history import History
from tsflow.evaluation.boards import board_of
from tsflow.records.backtest import Backtest, BacktestPlan
from tsflow.records.candidate import StoredCandidate
from tsflow.records.decision import Decision
from tsflow.records.files import FOLD, RUN
from tsflow.records.ingest import Ingested
from tsflow.records.leaderboard import Leaderboard
from tsflow.records.record import Reference
from tsflow.records.run import Run
from tsflow.records.store import Records
from tsflow.records.tuning import Tuning, TuningPlan
from tsflow.requests import BacktestRequest, IngestRequest, RetrainRequest, TuneRequest
from tsflow.settings import settings
from tsflow.training.storing import stored_forecasts

AS_OF = "2026-10-01"


def ingest(records: Records, ingest_id: str = "i1", *, files: Sequence[Path | str] = (), **request: Any) -> Ingested:
    wanted = IngestRequest.of({"station": "demo", "as_of": AS_OF, "history_days": 60, **request})
    steps.fetch_batch(records, settings(), wanted, ingest_id, files=files)
    steps.validate_batch(records, settings(), ingest_id, wanted.station)
    return steps.store_batch(records, ingest_id)


def build(records: Records, run: str = "r1", **request: Any) -> Run:
    wanted = {"station": "demo", "as_of": AS_OF, "profile": "smoke", "architectures": ["naive", "dense"], **request}
    return steps.build_dataset(records, settings(), RetrainRequest.of(wanted), run)


def train(records: Records, run: str, architecture: str) -> StoredCandidate:
    return steps.train_entrant(records, settings(), run, architecture)


def retrain(records: Records, run: str = "r1", **request: Any) -> Run:
    built = build(records, run, **request)
    for name in built.entrants:
        train(records, run, name)
    return built


def rank(records: Records, run: str = "r1") -> Leaderboard:
    return records.fetch(Leaderboard, steps.rank_entrants(records, run))


def board_reference(records: Records, run: str) -> Reference:
    return records.reference(board_of(records, run))


def decide(records: Records, run: str) -> Decision:
    return records.fetch(Decision, decision_reference(records, run))


def decision_reference(records: Records, run: str) -> Reference:
    return steps.decide(records, settings(), board_reference(records, run))


def plan_refit(records: Records, run: str) -> list[str]:
    return steps.plan_refit(records, settings(), decision_reference(records, run))


def refit(records: Records, run: str, architecture: str) -> StoredCandidate:
    return steps.refit_entrant(records, settings(), decision_reference(records, run), architecture)


def publish(records: Records, run: str = "r1", **options: Any) -> steps.Published:
    """Publish by the gate what goes out, fitted on everything."""
    for name in plan_refit(records, run):
        refit(records, run, name)
    return steps.publish(records, settings(), decision_reference(records, run), **options)


def force(records: Records, run: str = "r1") -> steps.Published:
    """Publish, and promote as a person does what the gate refused, such as a run of the profile `smoke`."""
    published = publish(records, run)
    history = History(records, published.station, published.task)
    pointer = history.standing().pointer
    if published.outcome != "refused" or (pointer and pointer.version == published.version):
        return published.changed(outcome="promoted", sequence=pointer.sequence)
    entry = actions.promote(history, published.version, actor="a test", reason="to have a champion")
    return published.changed(outcome="promoted", sequence=entry.number)


def pointer_of(records: Records, task: str = "main", station: str = "demo") -> Pointer | None:
    return History(records, station, task).standing().pointer


def candidate(records: Records, run: str, architecture: str) -> StoredCandidate:
    return records.read(StoredCandidate, folder=RUN.key(run=run), architecture=architecture)


def fold_candidate(records: Records, fold: str, architecture: str, backtest: str = "b1") -> StoredCandidate:
    return records.read(StoredCandidate, folder=FOLD.key(backtest=backtest, fold=fold), architecture=architecture)


def forecasts(records: Records, stored: StoredCandidate, *parts: str) -> pd.DataFrame:
    frame = stored_forecasts(records, stored)
    return frame[frame["part"].isin(parts or ("validation", "test"))]


def plan_backtest(records: Records, backtest: str = "b1", **request: Any) -> BacktestPlan:
    return steps.build_backtest(records, settings(), BacktestRequest.of(request), backtest)


def backtest_entrant(records: Records, backtest: str, fold: str, architecture: str) -> StoredCandidate:
    return steps.backtest_entrant(records, settings(), backtest, fold, architecture)


def summarise(records: Records, backtest: str = "b1") -> Backtest:
    return records.fetch(Backtest, steps.summarise_backtest(records, backtest))


def summary(records: Records, backtest: str = "b1") -> Backtest:
    return summary_of(records, backtest)


def start_tuning(records: Records, tuning: str, **request: Any) -> TuningPlan:
    wanted = {"station": "demo", "as_of": AS_OF, "profile": "smoke", "architecture": "dense", "trials": 3, "repeats": 0, **request}
    return steps.start_tuning(records, settings(), TuneRequest.of(wanted), tuning)


def tune(records: Records, tuning: str, worker: str = "w", **options: Any) -> int:
    return steps.tune_worker(records, settings(), tuning, worker, **options)


def finish(records: Records, tuning: str) -> Tuning:
    return records.fetch(Tuning, steps.finish_tuning(records, tuning))
