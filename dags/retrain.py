"""Train every architecture in parallel, rank all, and let the gate decide which model becomes the champion.

Runs once a day for each task of a station that got new rows (see `daily`), and by hand through the form. Each mapped task
`train` bears its architecture's name; a failed or skipped one stays on the leaderboard with its reason. The champion's recipe
is always an entrant. `decide` compares it with the best on identical origins; `refit` fits what goes out on all rows;
`publish` tries it as a consumer will, writes the outcome into the champion's history, and moves the pointer if all rules hold.
Where the station file says `approval: true`, `approve` waits for a person before that.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task

from promotion import promote
from tsflow.requests import RetrainRequest
from tsflow.settings import settings
from wiring import NAMED, RETRAINING, RETRIES, TRAINING, asked, key_of, of_partition, params_of, records, skip_without, training


@dag(
    schedule=PartitionedAssetTimetable(assets=RETRAINING),
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

    def train_entrant(architecture: str, run_id: str) -> None:
        from tsflow import steps

        with training():
            steps.train_entrant(records(), settings(), key_of(run_id), architecture)

    train = task(task_id="train", map_index_template=NAMED, **TRAINING)(train_entrant)
    combine = task(task_id="combine", map_index_template=NAMED)(train_entrant)

    # Not `all_done_min_one_success`: it skips what follows as soon as one entrant is skipped.
    @task(trigger_rule="all_done")
    def ensembles(run_id: str) -> list[str]:
        from tsflow import steps
        from tsflow.records.run import Run

        run = records().find(Run, run=key_of(run_id))
        skip_without(run)
        return steps.ensembles_of(run)

    @task(trigger_rule="all_done")
    def leaderboard(run_id: str) -> dict[str, str]:
        from tsflow import steps
        from tsflow.records.run import Run

        skip_without(records().find(Run, run=key_of(run_id)))
        return steps.rank_entrants(records(), key_of(run_id)).model_dump()

    built = build_dataset()
    trained = train.expand(architecture=built)
    board = leaderboard()
    published = promote(board)
    trained >> (further := ensembles()) >> board
    combine.expand(architecture=further) >> board
    built >> published  # if that fails, the tasks between are skipped, and the run must not end as a success


retrain()
