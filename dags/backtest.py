"""Train and test every architecture at several ends of the record, and say how each did over all of them.

Runs by hand through the form. Each mapped task `train` bears the name of its fold, the day on which its test part
begins, and of its architecture. A failed one is shown on the page with its reason; nothing is published.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from tsflow.settings import settings
from wiring import RETRIES, TRAINING_POOL, TRAINING_QUEUE, key_of, objects, skipping, training_params


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={**RETRIES, "execution_timeout": timedelta(hours=6)},
    tags=["tsflow"],
    doc_md=__doc__,
    params={
        **training_params(),
        "folds": Param(4, type="integer", minimum=1, title="Folds", description="The last one ends with the record."),
        "test_days": Param(60, type="integer", minimum=1, title="Days of test", description="Of each fold."),
        "validation_days": Param(
            60, type="integer", minimum=1, title="Days of validation", description="Before them; decide when a training stops."
        ),
        "train_days": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Days of training",
            description="Before those. Empty: all there is.",
        ),
        "step_days": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Days from fold to fold",
            description="Not fewer than days of test. Empty: 91, so that four folds test the four seasons.",
        ),
    },
)
def backtest() -> None:
    """Wire the steps; references to the object store go by XCom, data does not."""

    @task
    def build(params: dict[str, Any], run_id: str) -> list[dict[str, str]]:
        from tsflow import steps

        wanted = {name: value for name, value in params.items() if value is not None}
        built = steps.build_backtest(objects(), steps.BacktestRequest.of(wanted).checked(), key_of(run_id))
        return [{"fold": fold, "architecture": name} for fold in built["folds"] for name in built["entrants"]]

    @task(
        pool=TRAINING_POOL,
        queue=TRAINING_QUEUE,
        map_index_template="{{ task.op_kwargs['fold'] }} {{ task.op_kwargs['architecture'] }}",
    )
    def train(fold: str, architecture: str, run_id: str) -> None:
        from tsflow import steps

        with skipping():
            steps.backtest_entrant(objects(), key_of(run_id), fold, architecture, threads=settings().training.threads)

    @task(trigger_rule="all_done")  # not `all_done_min_one_success`: it skips the summary as soon as one entrant is skipped
    def summary(run_id: str) -> dict[str, Any]:
        from tsflow import steps

        return steps.summarise_backtest(objects(), key_of(run_id))

    train.expand_kwargs(build()) >> summary()


backtest()
