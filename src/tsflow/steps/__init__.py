"""The workflow's steps, in order; what `dags/` and the command line both call.

::

    fetch_batch -> validate_batch -> store_batch                                    ingest_weather
    build_dataset -> train_entrant (one an architecture) -> rank_entrants -> publish        retrain
    start_tuning -> tune_worker (any number) -> finish_tuning                                  tune

A step takes an object store and references, and returns a small JSON-able reference; data travels through the
object store. Every step may run twice, or twice at once: what counts is written once, by the first to finish.
"""

from tsflow.steps.ingest import fetch_batch, ingest_report, store_batch, validate_batch
from tsflow.steps.publish import publish
from tsflow.steps.ranking import latest_leaderboard, rank_entrants, runs_of
from tsflow.steps.requests import IngestRequest, RetrainRequest, TuneRequest
from tsflow.steps.run import build_dataset
from tsflow.steps.train import record_failure, train_entrant
from tsflow.steps.tune import read_tuning, start_tuning, tune_worker
from tsflow.steps.tuned import finish_tuning, tuned_name

__all__ = [
    "IngestRequest",
    "RetrainRequest",
    "TuneRequest",
    "build_dataset",
    "fetch_batch",
    "finish_tuning",
    "ingest_report",
    "latest_leaderboard",
    "publish",
    "rank_entrants",
    "read_tuning",
    "record_failure",
    "runs_of",
    "start_tuning",
    "store_batch",
    "train_entrant",
    "tune_worker",
    "tuned_name",
    "validate_batch",
]
