"""What the DAG files share: assets, retries that fit the error, the object store, keys of runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, CronTriggerTimetable, ExceptionRetryPolicy, RetryAction, RetryRule

from tsflow.names import TRAINING_POOL
from tsflow.settings import settings

if TYPE_CHECKING:
    from tsflow.records.record import Record, Reference
    from tsflow.records.store import Records

# One partition a station, task and what it comes of: an ingest, a day, a version.
OBSERVATIONS = Asset(name="observations", uri="tsflow://observations", group="tsflow")
RETRAINING = Asset(name="retraining", uri="tsflow://retraining", group="tsflow")
CHAMPIONS = Asset(name="champions", uri="tsflow://champions", group="tsflow")

# Of tasks that need a whole core for long. Airflow's own time-out is the last resort; the step ends a training that hangs.
TRAINING: dict[str, Any] = {
    "pool": TRAINING_POOL,
    "queue": TRAINING_POOL,
    "execution_timeout": settings().training.time_limit + timedelta(hours=1),
}

NAMED = "{{ task.op_kwargs['architecture'] }}"  # a mapped task bears its architecture's name

_MISTAKES = [
    f"builtins.{name}" for name in ("TypeError", "AttributeError", "LookupError", "ValueError", "NameError", "AssertionError")
]

# Storage and network errors pass: back off. Data, settings and integrity errors do not: fail at once.
RETRIES: dict[str, Any] = {
    "retries": 6,  # ten minutes in all: a store may be restarted, and nobody waits for a daily run
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(exception="tsflow.errors.StorageUnavailable", action=RetryAction.DEFAULT, reason="storage"),
            RetryRule(exception="tsflow.errors.SourceUnavailable", action=RetryAction.DEFAULT, reason="network"),
            RetryRule(exception="tsflow.errors.PointerConflict", action=RetryAction.DEFAULT, reason="lost a race"),
            RetryRule(exception="tsflow.errors.TsflowError", action=RetryAction.FAIL, reason="trying again changes nothing"),
            RetryRule(exception=_MISTAKES, action=RetryAction.FAIL, reason="a mistake in the code: trying again changes nothing"),
        ]
    ),
}

TASKS: dict[str, Any] = {"owner": "tsflow", **RETRIES}  # of every task; a DAG's owner is that of its tasks


def cron(expression: str) -> CronTriggerTimetable:
    """Return a schedule by UTC. A stack that was just started waits for its next time, but for one of the last minutes.

    Airflow computes the next run anew at each parse, every few seconds, as long as there was no scheduled run: with no look back
    the first one would be lost whenever a parse comes between its time and the scheduler's look.
    """
    return CronTriggerTimetable(expression, timezone="UTC", run_immediately=timedelta(minutes=5))


def records() -> "Records":
    """Open the records in the object store of the settings."""
    from tsflow.records.store import Records

    store = settings().object_store.open()
    store.ensure_bucket()
    return Records(store)


def key_of(run_id: str) -> str:
    """Return an Airflow run id as it may stand in a key of the object store."""
    from tsflow.records.names import run_key

    return run_key(run_id)


def reference(content: Mapping[str, str]) -> "Reference":
    """Return a reference to a record as it comes by XCom."""
    from tsflow.records.record import Reference

    return Reference(**content)


def skip_without(record: "Record | None") -> None:
    """Skip a task that follows whatever became of others, where the run's first task left nothing to work on."""
    from airflow.sdk.exceptions import AirflowSkipException

    if record is None:
        raise AirflowSkipException("the run's first task has failed: there is nothing to work on; see its log")


@contextmanager
def training() -> Iterator[None]:
    """Let Airflow show an entrant that cannot be trained here as skipped, not as failed; end one that is stuck in a library."""
    from airflow.sdk.exceptions import AirflowSkipException

    from tsflow.errors import EntrantSkipped
    from tsflow.training.limit import ended_if_stuck

    try:
        with ended_if_stuck(settings().training.time_limit):
            yield
    except EntrantSkipped as reason:
        raise AirflowSkipException(str(reason)) from reason
