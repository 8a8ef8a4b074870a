"""What follows a leaderboard: the gate, the fit on everything, a person's approval where wanted, the pointer, a forecast."""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import task

from approval import approval_of
from run_notes import leave
from tsflow.settings import settings
from wiring import CHAMPIONS, NAMED, TRAINING, records, reference, training


@task
def decide(board: dict[str, str]) -> dict[str, str]:
    """Compare the challenger with the champion's recipe, and both with naive."""
    from tsflow import steps

    return steps.decide(records(), settings(), reference(board)).model_dump()


@task
def plan_refit(decision: dict[str, str]) -> list[str]:
    """Return what is to be fitted on everything."""
    from tsflow import steps

    return steps.plan_refit(records(), settings(), reference(decision))


@task(map_index_template=NAMED, **TRAINING)
def refit(architecture: str, decision: dict[str, str]) -> None:
    """Fit one on everything."""
    from tsflow import steps

    with training():
        steps.refit_entrant(records(), settings(), reference(decision), architecture)


@task(trigger_rule="none_failed_min_one_success")
def question(decision: dict[str, str]) -> list[str]:
    """Return what a person is to approve; nothing where the station asks for no approval."""
    from tsflow import steps

    return steps.question(records(), reference(decision))


@task(trigger_rule="none_failed_min_one_success", outlets=[CHAMPIONS])
def publish(decision: dict[str, str], answers: Any, run_id: str, *, outlet_events: Any) -> dict[str, Any]:
    """Try the model as a consumer will, write the outcome into the history, and move the pointer if all rules hold."""
    from tsflow import notes, steps
    from tsflow.records.decision import Decision
    from tsflow.records.leaderboard import Leaderboard

    told, store = {"actor": f"retrain {run_id}", "approval": approval_of(answers)}, records()
    published = steps.publish(store, settings(), reference(decision), **told)

    def said() -> str:
        decided = store.fetch(Decision, reference(decision))
        board = store.read(Leaderboard, run=decided.run, number=decided.number)
        return notes.published(board, decided, published.outcome, published.reason)

    leave(said)
    outlet_events[CHAMPIONS].extra = published.model_dump(include={"station", "task", "version", "outcome", "reason"})
    return published.model_dump()


@task
def forecast(published: dict[str, Any]) -> dict[str, Any]:
    """Forecast at once, so that nobody waits an hour for a new champion's first one."""
    from tsflow import steps

    return steps.make_forecast(records(), settings(), published["station"], published["task"]).model_dump(mode="json")


def promote(board: Any) -> Any:
    """Wire all of that behind a board; return the task that publishes."""
    decision = decide(board)
    refitted = refit.partial(decision=decision).expand(architecture=plan_refit(decision))
    asking = question(decision)
    approve = HITLOperator.partial(
        task_id="approve",
        options=["Approve", "Refuse"],
        defaults="Refuse",  # if nobody answers in time
        params={"reason": ""},
        response_timeout=timedelta(days=2),
    ).expand(subject=asking)
    published = publish(decision, approve.output)
    refitted >> [asking, published]
    forecast(published)
    return published
