"""Once a day, ask for a retraining of everything that got new rows since its last one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, task

from partitions import partition
from tsflow.settings import settings
from wiring import RETRAINING, TASKS, cron, records


@dag(
    schedule=cron(settings().schedule.retrain_cron),
    catchup=False,
    max_active_runs=1,
    default_args={**TASKS, "execution_timeout": timedelta(hours=1)},
    tags=["tsflow"],
    doc_md=str(Path(__file__).with_suffix(".md")),
)
def daily() -> None:
    """Wire the step."""

    @task(outlets=[RETRAINING])
    def ask(*, outlet_events: Any) -> list[str]:
        from airflow.sdk.exceptions import AirflowSkipException

        from tsflow import steps

        due = steps.due_retraining(records(), settings())
        if not due:
            raise AirflowSkipException("nothing new came in since the last retraining")
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        keys = [partition(station, name, today) for station, name in due]
        outlet_events[RETRAINING].add_partitions(keys)
        return keys

    ask()


daily()
