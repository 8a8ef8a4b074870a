"""From a dataset to a leaderboard: the entrants in parallel, the ensembles of them, the board."""

from typing import Any

from airflow.sdk import task

from run_notes import leave
from tsflow.settings import settings
from wiring import NAMED, TRAINING, key_of, records, skip_without, training


def train_entrant(architecture: str, run_id: str) -> None:
    """Train one, or weigh an ensemble."""
    from tsflow import steps

    with training():
        steps.train_entrant(records(), settings(), key_of(run_id), architecture)


# Not `all_done_min_one_success`: it skips what follows as soon as one entrant is skipped.
@task(trigger_rule="all_done")
def ensembles(run_id: str) -> list[str]:
    """Return the ensembles of the run."""
    from tsflow import steps
    from tsflow.records.run import Run

    run = records().find(Run, run=key_of(run_id))
    skip_without(run)
    return steps.ensembles_of(run)


@task(trigger_rule="all_done")
def leaderboard(run_id: str) -> dict[str, str]:
    """Rank all."""
    from tsflow import notes, steps
    from tsflow.records.leaderboard import Leaderboard
    from tsflow.records.run import Run

    store = records()
    skip_without(store.find(Run, run=key_of(run_id)))
    board = steps.rank_entrants(store, key_of(run_id))
    leave(lambda: notes.ranked(store.fetch(Leaderboard, board)))
    return board.model_dump()


def ranked(built: Any) -> Any:
    """Wire that behind the task that names a run's single entrants; return the leaderboard's task."""
    train = task(task_id="train", map_index_template=NAMED, **TRAINING)(train_entrant)
    combine = task(task_id="combine", map_index_template=NAMED)(train_entrant)
    board = leaderboard()
    train.expand(architecture=built) >> (further := ensembles()) >> board
    combine.expand(architecture=further) >> board
    return board
