"""The workflows' steps, one file each; what `dags/` and the command line both call.

::

    due_ingest -> fetch_batch -> validate_batch -> store_batch                            ingest_weather
    build_dataset -> train_entrant (one an architecture, then ensembles) -> rank_entrants
        -> decide -> plan_refit -> refit_entrant (what goes out, or its members) -> publish  retrain
    build_backtest -> backtest_entrant (one a fold and architecture) -> summarise_backtest  backtest
    due_retraining                                                                              daily
    make_forecast                                                                               forecast, and after publish
    monitor -> tell (each alert, when it was sent)                                              monitor
    start_tuning -> tune_worker (any number) -> finish_tuning                                  tune
    collect_garbage                                                                             retention

A step takes the store of records, the settings, and a request or references; it returns a record or a reference to one.
Data travels through the object store. Every step may run twice, or twice at once: what counts is written once, by the
first to finish. No step imports another.
"""

from tsflow.steps.backtest_entrant import backtest_entrant
from tsflow.steps.build_backtest import build_backtest
from tsflow.steps.build_dataset import build_dataset
from tsflow.steps.collect_garbage import Garbage, collect_garbage
from tsflow.steps.decide import decide
from tsflow.steps.due_ingest import due_ingest
from tsflow.steps.due_retraining import due_retraining
from tsflow.steps.fetch_batch import fetch_batch
from tsflow.steps.finish_tuning import finish_tuning
from tsflow.steps.make_forecast import make_forecast
from tsflow.steps.monitor import monitor
from tsflow.steps.publish import Published, publish
from tsflow.steps.question import question
from tsflow.steps.rank_entrants import rank_entrants
from tsflow.steps.refit import plan_refit, refit_entrant
from tsflow.steps.start_tuning import start_tuning
from tsflow.steps.store_batch import store_batch
from tsflow.steps.summarise_backtest import summarise_backtest
from tsflow.steps.tell import tell
from tsflow.steps.train_entrant import ensembles_of, singles_of, train_entrant
from tsflow.steps.tune_worker import tune_worker
from tsflow.steps.validate_batch import validate_batch

__all__ = [
    "Garbage",
    "Published",
    "backtest_entrant",
    "build_backtest",
    "build_dataset",
    "collect_garbage",
    "decide",
    "due_ingest",
    "due_retraining",
    "ensembles_of",
    "fetch_batch",
    "finish_tuning",
    "make_forecast",
    "monitor",
    "plan_refit",
    "publish",
    "question",
    "rank_entrants",
    "refit_entrant",
    "singles_of",
    "start_tuning",
    "store_batch",
    "summarise_backtest",
    "tell",
    "train_entrant",
    "tune_worker",
    "validate_batch",
]
