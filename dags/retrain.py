"""Train every architecture in parallel, weigh ensembles of them, rank all, refit the best and publish it as champion.

Runs for a station whenever `ingest_weather` stored something new, and by hand through the form. Each mapped
task `train` bears its architecture's name; a failed or skipped one stays on the leaderboard with its reason.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task

from tsflow.settings import settings
from wiring import (
    CHAMPIONS,
    OBSERVATIONS,
    RETRIES,
    TRAINING_POOL,
    TRAINING_QUEUE,
    key_of,
    objects,
    skipping,
    split_param,
    training_params,
)


@dag(
    schedule=PartitionedAssetTimetable(assets=OBSERVATIONS),
    catchup=False,
    max_active_runs=2,
    default_args={**RETRIES, "execution_timeout": timedelta(hours=6)},
    tags=["tsflow"],
    doc_md=__doc__,
    params={
        **training_params(),
        "split": split_param(),
    },
)
def retrain() -> None:
    """Wire the steps; references to the object store go by XCom, data does not."""

    @task
    def build_dataset(params: dict[str, Any], run_id: str, dag_run: Any) -> list[str]:
        from tsflow import steps

        wanted = {name: value for name, value in params.items() if value is not None}
        if dag_run.partition_key:  # brought here by fresh observations
            wanted["station"] = dag_run.partition_key.split("|")[0]
        run = steps.build_dataset(objects(), steps.RetrainRequest.of(wanted).checked(), key_of(run_id))
        return steps.singles_of(run)

    @task(pool=TRAINING_POOL, queue=TRAINING_QUEUE, map_index_template="{{ task.op_kwargs['architecture'] }}")
    def train(architecture: str, run_id: str) -> str:
        from tsflow import steps

        with skipping():
            steps.train_entrant(objects(), key_of(run_id), architecture, threads=settings().training.threads)
        return architecture

    # Not `all_done_min_one_success`: it skips what follows as soon as one entrant is skipped.
    @task(trigger_rule="all_done")
    def ensembles(run_id: str) -> list[str]:
        from tsflow import steps

        return steps.ensembles_of(objects(), key_of(run_id))

    @task(map_index_template="{{ task.op_kwargs['architecture'] }}")
    def combine(architecture: str, run_id: str) -> str:
        from tsflow import steps

        with skipping():
            steps.train_entrant(objects(), key_of(run_id), architecture, threads=settings().training.threads)
        return architecture

    @task(trigger_rule="all_done")
    def leaderboard(run_id: str) -> dict[str, Any]:
        from tsflow import steps

        return steps.rank_entrants(objects(), key_of(run_id))

    @task
    def plan_refit(ranked: dict[str, Any]) -> list[str]:
        from tsflow import steps

        return steps.plan_refit(objects(), ranked["run"])

    @task(pool=TRAINING_POOL, queue=TRAINING_QUEUE, map_index_template="{{ task.op_kwargs['architecture'] }}")
    def refit(architecture: str, run_id: str) -> str:
        from tsflow import steps

        steps.refit_entrant(objects(), key_of(run_id), architecture, threads=settings().training.threads)
        return architecture

    @task(trigger_rule="none_failed", outlets=[CHAMPIONS])
    def publish(ranked: dict[str, Any], *, outlet_events: Any) -> dict[str, Any]:
        from tsflow import steps

        pointer = steps.publish(objects(), ranked["run"])
        outlet_events[CHAMPIONS].extra = {name: pointer[name] for name in ("station", "version", "architecture")}
        return pointer

    board = leaderboard()
    trained = train.expand(architecture=build_dataset())
    trained >> (further := ensembles()) >> board
    combine.expand(architecture=further) >> board
    refit.expand(architecture=plan_refit(board)) >> publish(board)


retrain()
