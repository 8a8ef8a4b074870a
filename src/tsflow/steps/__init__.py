"""The workflow's steps, in order; what `dags/` and the command line both call.

::

    fetch_batch -> validate_batch -> store_batch                                    ingest_weather
    build_dataset -> train_entrant (one an architecture, then ensembles) -> rank_entrants
        -> plan_refit -> refit_entrant (the best, or its members) -> publish          retrain
    build_backtest -> backtest_entrant (one a fold and architecture) -> summarise_backtest  backtest

A step takes an object store and references, and returns a small JSON-able reference; data travels through the
object store. Every step may run twice, or twice at once: what counts is written once, by the first to finish.
"""

from tsflow.steps.backtest import backtest_entrant, backtests_of, build_backtest, latest_summary, summarise_backtest
from tsflow.steps.combine import ensembles_of, singles_of
from tsflow.steps.ingest import fetch_batch, ingest_report, store_batch, validate_batch
from tsflow.steps.publish import publish
from tsflow.steps.ranking import latest_leaderboard, rank_entrants, runs_of
from tsflow.steps.requests import BacktestRequest, IngestRequest, RetrainRequest
from tsflow.steps.run import build_dataset
from tsflow.steps.train import plan_refit, record_failure, refit_entrant, train_entrant

__all__ = [
    "BacktestRequest",
    "IngestRequest",
    "RetrainRequest",
    "backtest_entrant",
    "backtests_of",
    "build_backtest",
    "build_dataset",
    "ensembles_of",
    "fetch_batch",
    "ingest_report",
    "latest_leaderboard",
    "latest_summary",
    "plan_refit",
    "publish",
    "rank_entrants",
    "record_failure",
    "refit_entrant",
    "runs_of",
    "singles_of",
    "store_batch",
    "summarise_backtest",
    "train_entrant",
    "validate_batch",
]
