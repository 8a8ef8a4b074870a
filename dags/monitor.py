"""Score the forecasts whose truth is in, look at what comes in, and alert somebody."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, get_current_context, task

from forms import asked, params_of
from notifying import notifiers
from partitions import LOW_SKILL, partition
from run_notes import leave
from tsflow.requests import ForecastRequest
from tsflow.settings import settings
from wiring import RETRAINING, TASKS, cron, records, reference


@dag(
    schedule=cron(settings().schedule.monitor_cron),
    catchup=False,
    max_active_runs=1,
    default_args={**TASKS, "execution_timeout": timedelta(hours=1)},
    tags=["tsflow"],
    doc_md=str(Path(__file__).with_suffix(".md")),
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
        from tsflow import notes, steps
        from tsflow.records.forecast import Report

        get_current_context()["label"] = " ".join(what)
        store = records()
        report = steps.monitor(store, settings(), *what)
        leave(lambda: notes.monitored(store.fetch(Report, report)))
        return report.model_dump()

    # Of the stations that could be scored: one that could not holds back no other. Airflow gives None where there is none.
    @task(trigger_rule="all_done")
    def alerts(reports: list[dict[str, str]] | None) -> list[dict[str, Any]]:
        from tsflow.monitoring.alerts import sentences
        from tsflow.records.forecast import Report

        store = records()
        found = [(report, sentences(store.fetch(Report, reference(report)))) for report in reports or []]
        return [{"report": report, "kind": kind, "text": text} for report, new in found for kind, text in new.items()]

    @task(map_index_template="{{ task.op_kwargs['text'] }}")
    def alert(report: dict[str, str], kind: str, text: str) -> str:
        from tsflow import steps

        for notifier in notifiers(text):
            notifier(get_current_context())
        steps.tell(records(), reference(report), kind, text)  # only now: what got lost on the way is told at the next look
        return text

    @task(outlets=[RETRAINING], trigger_rule="all_done")
    def ask_for_retraining(reports: list[dict[str, str]] | None, *, outlet_events: Any) -> None:
        from airflow.sdk.exceptions import AirflowSkipException

        from tsflow.records.forecast import Report

        store = records()
        found = [store.fetch(Report, reference(report)) for report in reports or []]
        today = f"{datetime.now(UTC):%Y-%m-%d}{LOW_SKILL}"
        keys = [partition(report.station, report.task, today) for report in found if report.wants_retraining]
        if not keys:
            raise AirflowSkipException("skill is above its limit everywhere")
        outlet_events[RETRAINING].add_partitions(keys)

    @task
    def every_station_was_scored() -> None:
        """Do nothing: where one could not be scored, this is not reached, and the run is red."""

    reports = score.expand(what=stations())
    alert.expand_kwargs(alerts(reports))
    ask_for_retraining(reports)
    reports >> every_station_was_scored()


monitor()
