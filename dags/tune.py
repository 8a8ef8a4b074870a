"""Search better settings of one architecture, by validation MAE; the test part is never read.

Each mapped task `work` tries settings until the minutes are spent, which count for all workers together. `finish`
leaves the best recipe as a file to be saved under `include/architectures`, a table of all trials, and a page.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from tsflow.folders import names_in
from tsflow.settings import settings
from wiring import RETRIES, TRAINING_POOL, TRAINING_QUEUE, dataset_params, key_of, objects, split_param


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=2,
    default_args={**RETRIES, "execution_timeout": timedelta(hours=11)},
    tags=["tsflow"],
    doc_md=__doc__,
    params={
        **dataset_params(),
        "architecture": Param(  # without a default: the form asks for it
            type="string",
            enum=names_in("architectures"),
            title="Architecture",
            description="Its file must have a search space, under the key `search`.",
        ),
        "minutes": Param(
            10, type="number", exclusiveMinimum=0, maximum=600, title="Minutes", description="Of all workers together."
        ),
        "trials": Param(
            None, type=["null", "integer"], minimum=1, title="Trials", description="At most. Empty: no limit but time."
        ),
        "workers": Param(settings().training.pool_slots, type="integer", minimum=1, maximum=64, title="Workers"),
        "split": split_param(),
    },
)
def tune() -> None:
    """Wire the steps; a tuning is called as its run."""

    @task
    def start(params: dict[str, Any], run_id: str) -> list[str]:
        from tsflow import steps

        wanted = {name: value for name, value in params.items() if value is not None}
        tuning = steps.start_tuning(objects(), steps.TuneRequest.of(wanted), key_of(run_id))
        return [f"worker-{number}" for number in range(tuning["request"]["workers"])]

    @task(pool=TRAINING_POOL, queue=TRAINING_QUEUE, map_index_template="{{ task.op_kwargs['worker'] }}")
    def work(worker: str, run_id: str) -> dict[str, Any]:
        from tsflow import steps

        return steps.tune_worker(objects(), key_of(run_id), worker, threads=settings().training.threads)

    @task(trigger_rule="all_done_min_one_success")
    def finish(run_id: str) -> dict[str, Any]:
        from tsflow import steps

        return steps.finish_tuning(objects(), key_of(run_id))

    work.expand(worker=start()) >> finish()


tune()
