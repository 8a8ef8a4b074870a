"""Once a week, remove what nobody needs any more."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, task

from run_notes import leave
from tsflow.settings import settings
from wiring import TASKS, cron, records


@dag(
    schedule=cron(settings().schedule.retention_cron),
    catchup=False,
    max_active_runs=1,
    default_args={**TASKS, "execution_timeout": timedelta(hours=6)},
    tags=["tsflow"],
    doc_md=str(Path(__file__).with_suffix(".md")),
)
def retention() -> None:
    """Wire the step."""

    @task
    def collect() -> dict[str, Any]:
        from airflow.sdk.configuration import conf

        from tsflow import notes, steps

        logs, dags = Path(conf.get("logging", "base_log_folder")), [page.stem for page in Path(__file__).parent.glob("*.md")]
        garbage = steps.collect_garbage(records(), settings(), logs_folder=logs, dags=dags)
        leave(lambda: notes.collected(garbage.store, garbage.disk.before - garbage.disk.after if garbage.disk else None))
        return garbage.model_dump(mode="json")

    collect()


retention()
