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

from entrants import ranked
from promotion import promote
from tsflow.requests import RetrainRequest
from tsflow.settings import settings
from wiring import RETRAINING, RETRIES, asked, key_of, of_partition, params_of, records


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

    built = build_dataset()
    board = ranked(built)
    published = promote(board)
    built >> published  # if that fails, the tasks between are skipped, and the run must not end as a success


retrain()
