"""Score the forecasts whose truth is in, look at what comes in, and alert somebody.

Runs once a day for every task of every station of the schedule, and by hand through the form. Scores lie under `scores/`, reports
under `monitor/`. A limit that is passed (settings `monitor`) is an alert: a mapped task `alert` each, which sends it through the
notifiers of the settings. A skill below its limit asks for a retraining.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task

from tsflow.errors import SettingsError
from tsflow.requests import ForecastRequest
from tsflow.settings import settings
from wiring import RETRAINING, RETRIES, asked, cron, params_of, partition, records, reference


def notifiers(text: str) -> Iterator[Any]:
    """Make the notifiers of the settings for an alert; `{{ alert }}` in their arguments becomes its text."""
    from importlib import import_module

    for chosen in settings().monitor.notifiers:
        module, _, name = chosen.notifier.rpartition(".")
        arguments = {
            key: value.replace("{{ alert }}", text) if isinstance(value, str) else value for key, value in chosen.arguments.items()
        }
        try:
            kind = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            msg = (
                f"monitor.notifiers: no notifier {chosen.notifier!r} ({error}); name its class with its module, as in docs/using.md"
            )
            raise SettingsError(msg) from error
        yield kind(**arguments)


@dag(
    schedule=cron(settings().schedule.monitor_cron),
    catchup=False,
    max_active_runs=1,
    default_args={**RETRIES, "execution_timeout": timedelta(hours=1)},
    tags=["tsflow"],
    doc_md=__doc__,
    params=params_of(ForecastRequest),
)
def monitor() -> None:
    """Wire the steps."""

    @task
    def stations(params: dict[str, Any]) -> list[list[str]]:
        from tsflow.requests import watched

        return [list(pair) for pair in watched(asked(ForecastRequest, params), settings())]

    @task(map_index_template="{{ label }}")
    def score(what: list[str]) -> dict[str, str]:
        from tsflow import steps

        get_current_context()["label"] = " ".join(what)
        return steps.monitor(records(), settings(), *what).model_dump()

    @task
    def alerts(reports: list[dict[str, str]]) -> list[dict[str, Any]]:
        from tsflow.monitoring.alerts import sentences
        from tsflow.records.forecast import Report

        store = records()
        found = [(report, sentences(store.fetch(Report, reference(report)))) for report in reports]
        return [{"report": report, "kind": kind, "text": text} for report, new in found for kind, text in new.items()]

    @task(map_index_template="{{ task.op_kwargs['text'] }}")
    def alert(report: dict[str, str], kind: str, text: str) -> str:
        from tsflow import steps

        for notifier in notifiers(text):
            notifier(get_current_context())
        steps.tell(records(), reference(report), kind, text)  # only now: what got lost on the way is told at the next look
        return text

    @task(outlets=[RETRAINING])
    def ask_for_retraining(reports: list[dict[str, str]], *, outlet_events: Any) -> None:
        from airflow.sdk.exceptions import AirflowSkipException

        from tsflow.records.forecast import Report

        store = records()
        found = [store.fetch(Report, reference(report)) for report in reports]
        today = f"{datetime.now(UTC):%Y-%m-%d} skill"
        keys = [partition(report.station, report.task, today) for report in found if report.wants_retraining]
        if not keys:
            raise AirflowSkipException("skill is above its limit everywhere")
        outlet_events[RETRAINING].add_partitions(keys)

    reports = score.expand(what=stations())
    alert.expand_kwargs(alerts(reports))
    ask_for_retraining(reports)


monitor()
