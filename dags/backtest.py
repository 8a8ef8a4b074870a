"""Train and test every architecture at several ends of the record, and say how each did over all of them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, task

from forms import asked, params_of
from run_notes import leave
from tsflow.requests import BacktestRequest
from tsflow.settings import settings
from wiring import TASKS, TRAINING, key_of, records, skip_without, training


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={**TASKS, "execution_timeout": timedelta(hours=6)},
    tags=["tsflow"],
    doc_md=str(Path(__file__).with_suffix(".md")),
    params=params_of(BacktestRequest),
)
def backtest() -> None:
    """Wire the steps; references to the object store go by XCom, data does not."""

    @task
    def build(params: dict[str, Any], run_id: str) -> list[dict[str, str]]:
        from tsflow import steps

        plan = steps.build_backtest(records(), settings(), asked(BacktestRequest, params), key_of(run_id))
        return [{"fold": fold, "architecture": name} for fold in plan.folds for name in plan.entrants]

    @task(
        **TRAINING,
        map_index_template="{{ task.op_kwargs['fold'] }} {{ task.op_kwargs['architecture'] }}",
    )
    def train(fold: str, architecture: str, run_id: str) -> None:
        from tsflow import steps

        with training():
            steps.backtest_entrant(records(), settings(), key_of(run_id), fold, architecture)

    @task(trigger_rule="all_done")  # not `all_done_min_one_success`: it skips the summary as soon as one entrant is skipped
    def summary(run_id: str) -> dict[str, str]:
        from tsflow import notes, steps
        from tsflow.records.backtest import Backtest, BacktestPlan

        store = records()
        skip_without(store.find(BacktestPlan, backtest=key_of(run_id)))
        summary = steps.summarise_backtest(store, key_of(run_id))
        leave(lambda: notes.backtested(store.fetch(Backtest, summary)))
        return summary.model_dump()

    @task(trigger_rule="none_failed_min_one_success")
    def result(summary: dict[str, str]) -> dict[str, str]:
        """Say where the summary lies; does not run where there is none, as the first task has failed, so that the run fails too."""
        return summary

    built, summed = build(), summary()
    train.expand_kwargs(built) >> summed
    built >> result(summed)


backtest()
