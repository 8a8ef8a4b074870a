"""`tsflow run|backtest|tune|ingest --here`: the workflows' steps, one after another, in this process."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsflow.cli.bring_in import Given, bring_in, ingest, new_id, told_apart
from tsflow.cli.champions import person
from tsflow.cli.outcome import show_entry
from tsflow.cli.output import console, show_backtest, show_board, write_json
from tsflow.cli.output import show_tuning as show_result
from tsflow.cli.stores import store
from tsflow.errors import EntrantSkipped, SettingsError, StorageUnavailable, TsflowError
from tsflow.names import LOCAL, Stage
from tsflow.requests import BacktestRequest, IngestRequest, RetrainRequest, TuneRequest, resolve
from tsflow.settings import settings
from tsflow.stations.station import load_station

if TYPE_CHECKING:
    from tsflow.records.candidate import Epoch
    from tsflow.records.store import Records
    from tsflow.records.tuning import Trial, TuningPlan


def ingest_once(request: IngestRequest, sources: tuple[str, ...]) -> None:
    """Bring a station's observations into the store, or those of every station of the schedule."""
    for name in [request.station] if request.station else settings().schedule.stations:
        station = load_station(name)
        given = told_apart(station, sources) if sources else Given(source=request.source)
        with store() as records:
            ingest(records, request.changed(station=name, source=given.source), given, new_id("here", station))


def run(request: RetrainRequest, sources: tuple[str, ...], json_out: str | None, *, stage: Stage) -> None:
    """Ingest, train every entrant, rank and publish; entrants that fail stay on the leaderboard with their reason."""
    from tsflow import steps
    from tsflow.champion.history import History
    from tsflow.records.ingest import Batch
    from tsflow.records.leaderboard import Leaderboard

    order = resolve(request, settings())
    given, run_id = told_apart(order.station, sources), new_id("here", order.station)
    with store() as records:
        planned = steps.build_dataset(records, settings(), bring_in(records, request, given, run_id), run_id)
        console.print(f"dataset {planned.fingerprint}: {len(planned.entrants)} entrants")
        for name in planned.entrants:
            train_and_tell(name, partial(steps.train_entrant, records, settings(), run_id, name))
        board = steps.rank_entrants(records, run_id)
        decision = steps.decide(records, settings(), board)
        for name in steps.plan_refit(records, settings(), decision):
            console.print(f"training {name} once more, on everything")
            steps.refit_entrant(records, settings(), decision, name)
        published = steps.publish(records, settings(), decision, stage=stage, actor=person())
        entry = History(records, published.station, published.task, stage).entry(published.sequence)
        ranked = records.fetch(Leaderboard, board)
        report = records.read(Batch, ingest=run_id).report
    show_board(ranked)
    show_entry(entry)
    console.print(f"pointer   {published.address}", markup=False)
    if stage == LOCAL and published.outcome != "refused":
        console.print(f"read it   tsflow forecast --local --station {published.station}", markup=False)
    console.print(f"as a page tsflow report --run {run_id} --html board.html", markup=False)
    facts = {"ingest": report.model_dump(mode="json") if report else None, "published": published.model_dump(mode="json")}
    write_json(json_out, {**ranked.model_dump(mode="json"), **facts})


def backtest(request: BacktestRequest, sources: tuple[str, ...], json_out: str | None) -> None:
    """Ingest, cut into folds, train every entrant in every fold and summarise; what fails is shown with its reason."""
    from tsflow import steps
    from tsflow.records.backtest import Backtest

    order = resolve(request, settings())
    given, backtest_id = told_apart(order.station, sources), new_id("here", order.station)
    with store() as records:
        plan = steps.build_backtest(records, settings(), bring_in(records, request, given, backtest_id), backtest_id)
        console.print(f"backtest {backtest_id}: folds {', '.join(plan.folds)}; {len(plan.entrants)} entrants")
        for fold in plan.folds:
            for name in plan.entrants:
                train_and_tell(f"{fold} {name}", partial(steps.backtest_entrant, records, settings(), backtest_id, fold, name))
        reference = steps.summarise_backtest(records, backtest_id)
        summary = records.fetch(Backtest, reference)
    show_backtest(summary)
    console.print(f"as a page tsflow report --backtest {backtest_id} --html backtest.html", markup=False)
    write_json(json_out, summary.model_dump(mode="json"))


def tune(
    asked: dict[str, object], sources: tuple[str, ...], *, resume: str | None, output: Path | None, json_out: str | None
) -> None:
    """Start a tuning, or go on with one, until its budget is spent; write the best recipe to `output`."""
    from tsflow import steps
    from tsflow.records.tuning import Tuning

    with store() as records:
        plan = _resumed(records, resume, asked) if resume else _started(records, TuneRequest.of(asked), sources)
        command = f"tsflow tune {plan.recipe['architecture']} --here --resume {plan.tuning}"
        console.print(f"tuning {plan.tuning}; if it is cut off: {command}", markup=False)
        worker = f"{platform.node()}-{os.getpid()}"
        steps.tune_worker(records, settings(), plan.tuning, worker, on_epoch=_show_epoch, on_trial=_show_trial)
        reference = steps.finish_tuning(records, plan.tuning)
        result = records.fetch(Tuning, reference)
        address = records.objects.address(reference.key.rpartition("/")[0] + "/")
    show_result(result, address, output)
    write_json(json_out, result.model_dump(mode="json"))


def _started(records: Records, request: TuneRequest, sources: tuple[str, ...]) -> TuningPlan:
    from tsflow import steps

    order = resolve(request, settings())
    given, tuning_id = told_apart(order.station, sources), new_id(request.architecture, order.station)
    return steps.start_tuning(records, settings(), bring_in(records, request, given, f"tune-{tuning_id}"), tuning_id)


def _resumed(records: Records, tuning_id: str, asked: dict[str, object]) -> TuningPlan:
    """Return a tuning of old; what is given beside its name must be what it was started with."""
    from tsflow.records.tuning import TuningPlan

    plan = records.read(TuningPlan, tuning=tuning_id)
    given = {name: value for name, value in asked.items() if value is not None}
    began = {**plan.request, "repeats": plan.budget.repeats}  # a tuning of an older tsflow repeats nothing
    now = TuneRequest.of({**began, **given}).model_dump(mode="json")
    of_files = {"as_of"} if plan.request["start"] else set()  # files end where they end, whatever as-of was given
    before = TuneRequest.of(began).model_dump(mode="json")
    if differing := [name for name in given if name not in of_files and now[name] != before[name]]:
        shown = ", ".join(f"{name} {before[name]} (given: {now[name]})" for name in differing)
        msg = f"tuning {tuning_id} was started with {shown}; leave that out to go on, or start another without --resume"
        raise SettingsError(msg)
    return plan


def train_and_tell(label: str, step: Callable[..., Any]) -> None:
    """Train one entrant and print its epochs; a failure or a skip is printed, and recorded by the step."""

    def show(epoch: Epoch) -> None:
        console.print(f"  {label}: epoch {epoch.epoch} of {epoch.of}, validation MAE {epoch.val_mae:.3f}")

    console.print(f"training {label}")
    try:
        step(on_epoch=show)
    except StorageUnavailable:
        raise
    except EntrantSkipped as reason:
        console.print(f"  {label} skipped: {reason}", markup=False, style="yellow")
    except Exception as error:  # noqa: BLE001  # recorded by the step; the other entrants go on
        kind = "" if isinstance(error, TsflowError) else f"{type(error).__name__}: "
        console.print(f"  {label} failed: {kind}{error}", markup=False, style="red")


def _show_epoch(trial: Trial, epoch: Epoch) -> None:
    console.print(f"  trial {trial.number}: epoch {epoch.epoch} of {epoch.of}, validation MAE {epoch.val_mae:.3f}")


def _show_trial(trial: Trial) -> None:
    changed = ", ".join(f"{key}={value}" for key, value in trial.values.items()) or "the recipe as it is"
    changed = changed if trial.repeats is None else f"trial {trial.repeats} again, seed {trial.seed}"
    end = f"validation MAE {trial.val_mae:.4f}" if trial.val_mae is not None else f"{trial.state}: {trial.reason}"
    console.print(f"trial {trial.number} {end} ({changed})", markup=False)
