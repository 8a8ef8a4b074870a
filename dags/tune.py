"""Search better settings of one architecture, by validation MAE; the test part is never read."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, task

from forms import asked, params_of
from run_notes import leave
from tsflow.requests import TuneRequest
from tsflow.settings import settings
from wiring import TASKS, TRAINING, key_of, records


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=2,
    default_args={**TASKS, "execution_timeout": timedelta(hours=11)},
    tags=["tsflow"],
    doc_md=str(Path(__file__).with_suffix(".md")),
    params=params_of(TuneRequest),
)
def tune() -> None:
    """Wire the steps; a tuning is called as its run."""

    @task
    def start(params: dict[str, Any], run_id: str) -> list[str]:
        from tsflow import steps

        plan = steps.start_tuning(records(), settings(), asked(TuneRequest, params), key_of(run_id))
        return [f"worker-{number}" for number in range(plan.budget.workers)]

    @task(**TRAINING, map_index_template="{{ task.op_kwargs['worker'] }}")
    def work(worker: str, run_id: str) -> int:
        from tsflow import steps

        return steps.tune_worker(records(), settings(), key_of(run_id), worker)

    @task(trigger_rule="all_done_min_one_success")
    def finish(run_id: str) -> dict[str, str]:
        from tsflow import notes, steps
        from tsflow.records.tuning import Tuning

        store = records()
        found = steps.finish_tuning(store, key_of(run_id))
        leave(lambda: notes.tuned(store.fetch(Tuning, found)))
        return found.model_dump()

    work.expand(worker=start()) >> finish()


tune()
