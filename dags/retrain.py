"""Train every architecture in parallel, weigh ensembles of them, rank all, refit the best and publish it as champion.

Runs for each task of a station whenever `ingest_weather` stored something new, and by hand through the form. Each mapped
task `train` bears its architecture's name; a failed or skipped one stays on the leaderboard with its reason.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task

from tsflow.requests import RetrainRequest
from tsflow.settings import settings
from wiring import (
    CHAMPIONS,
    OBSERVATIONS,
    RETRIES,
    TRAINING,
    asked,
    key_of,
    of_partition,
    params_of,
    records,
    skip_without,
    skipping,
)


@dag(
    schedule=PartitionedAssetTimetable(assets=OBSERVATIONS),
    catchup=False,
    max_active_runs=2,
    default_args={**RETRIES, "execution_timeout": timedelta(hours=6)},
    tags=["tsflow"],
    doc_md=__doc__,
    params=params_of(RetrainRequest),
)
def retrain() -> None:
    """Wire the steps; references to the object store go by XCom, data does not."""

    @task
    def build_dataset(params: dict[str, Any], run_id: str, dag_run: Any) -> list[str]:
        from tsflow import steps

        request = asked(RetrainRequest, params, **of_partition(dag_run.partition_key))
        run = steps.build_dataset(records(), settings(), request, key_of(run_id))
        return steps.singles_of(run)

    @task(**TRAINING, map_index_template="{{ task.op_kwargs['architecture'] }}")
    def train(architecture: str, run_id: str) -> None:
        from tsflow import steps

        with skipping():
            steps.train_entrant(records(), settings(), key_of(run_id), architecture)

    # Not `all_done_min_one_success`: it skips what follows as soon as one entrant is skipped.
    @task(trigger_rule="all_done")
    def ensembles(run_id: str) -> list[str]:
        from tsflow import steps
        from tsflow.records.run import Run

        run = records().find(Run, run=key_of(run_id))
        skip_without(run)
        return steps.ensembles_of(run)

    @task(map_index_template="{{ task.op_kwargs['architecture'] }}")
    def combine(architecture: str, run_id: str) -> None:
        from tsflow import steps

        with skipping():
            steps.train_entrant(records(), settings(), key_of(run_id), architecture)

    @task(trigger_rule="all_done")
    def leaderboard(run_id: str) -> dict[str, str]:
        from tsflow import steps
        from tsflow.records.run import Run

        skip_without(records().find(Run, run=key_of(run_id)))
        return steps.rank_entrants(records(), key_of(run_id)).model_dump()

    @task
    def plan_refit(board: dict[str, str]) -> list[str]:
        from tsflow import steps
        from tsflow.records.record import Reference

        return steps.plan_refit(records(), settings(), Reference(**board))

    @task(**TRAINING, map_index_template="{{ task.op_kwargs['architecture'] }}")
    def refit(architecture: str, board: dict[str, str]) -> None:
        from tsflow import steps
        from tsflow.records.record import Reference

        steps.refit_entrant(records(), settings(), Reference(**board), architecture)

    @task(trigger_rule="none_failed_min_one_success", outlets=[CHAMPIONS])
    def publish(board: dict[str, str], *, outlet_events: Any) -> dict[str, Any]:
        from tsflow import steps
        from tsflow.records.record import Reference

        published = steps.publish(records(), settings(), Reference(**board))
        outlet_events[CHAMPIONS].extra = published.model_dump(include={"station", "task", "version", "architecture"})
        return published.model_dump()

    built = build_dataset()
    trained = train.expand(architecture=built)
    board = leaderboard()
    published = publish(board)
    trained >> (further := ensembles()) >> board
    combine.expand(architecture=further) >> board
    refit.partial(board=board).expand(architecture=plan_refit(board)) >> published
    built >> published  # if that fails, the tasks between are skipped, and the run must not end as a success


retrain()
